package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"sync"
)

// piece is the first size bytes of the content with an id. An upload that was cut
// off leaves a piece of what was sent.
type piece struct {
	id   uint64
	size int
}

// nothing is the piece of a name that is not there.
var nothing = piece{size: -1}

// bytes are reproducible and show, by their first eight, whose they are.
func (p piece) bytes() []byte {
	b := make([]byte, max(p.size, 8))
	binary.BigEndian.PutUint64(b, p.id)
	var seed [32]byte
	copy(seed[:], b[:8])
	_, _ = rand.NewChaCha8(seed).Read(b[8:]) // never fails
	return b[:p.size]
}

// pieceOf reads a file and finds out whose content it begins with. An error means
// that it is nobody's.
func pieceOf(path string) (piece, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nothing, nil
	}
	if err != nil {
		return nothing, err
	}
	p := piece{size: len(b)}
	if len(b) >= 8 {
		p.id = binary.BigEndian.Uint64(b)
	}
	if len(b) >= 8 && !bytes.Equal(b, p.bytes()) {
		return p, fmt.Errorf("%s, %d bytes, is a mixture", path, len(b))
	}
	return p, nil
}

// verb is what a load client does.
type verb string

const (
	doPut    verb = "upload"
	doRename verb = "rename"
	doDelete verb = "delete"
	doCut    verb = "cut" // an upload whose client is cut off
)

// outcome is what a client knows of an operation.
type outcome int

const (
	unknown outcome = iota // the server died: see the disk
	acked
	refused
)

// operation is one thing that a client did. start and end are of one clock for all
// clients.
type operation struct {
	verb         verb
	name, target string
	piece        piece // of an upload
	outcome      outcome
	start, end   int64
	done         string // of one without an answer: "yes", "no" or "", as the disk tells
}

func (o *operation) String() string {
	return fmt.Sprintf("%s %s %s %+v outcome %d %q [%d,%d]", o.verb, o.name, o.target, o.piece, o.outcome, o.done, o.start, o.end)
}

// loadClient works on names of its own, whose content it knows at any time, and on
// names that all clients share.
type loadClient struct {
	siege    *siege
	protocol string
	dir      string // of its own names
	rng      *rand.Rand
	known    map[string]piece // by name
	log      []*operation     // on its own names
	doubt    *operation       // the last one, when the server died over it
}

// ownNames and sharedNames are few, so that files are overwritten all the time.
const (
	ownNames    = 6
	sharedNames = 4
)

// run works until the server dies.
func (c *loadClient) run() error {
	for {
		a, err := dialActor(c.siege.server, c.protocol, siegeUser)
		if err != nil {
			return c.siege.lost("login", err)
		}
		for err == nil {
			err = c.step(a)
		}
		a.close()
		if !errors.Is(err, errCut) {
			return c.siege.lost(c.protocol, err)
		}
	}
}

// errCut: the client has cut its own connection.
var errCut = errors.New("connection cut")

func (c *loadClient) step(a actor) error {
	switch c.rng.IntN(10) {
	case 0, 1:
		return c.stepShared(a)
	case 2:
		return c.stepMoving(a)
	}
	return c.stepOwn(a)
}

// do carries out o. The error is nil as long as the connection can be used.
func (c *loadClient) do(a actor, o *operation) error {
	o.start = c.siege.tick()
	var err error
	switch o.verb {
	case doPut:
		err = a.put(o.name, o.piece.bytes())
	case doRename:
		err = a.rename(o.name, o.target)
	case doDelete:
		err = a.remove(o.name)
	case doCut:
		err = a.cutUpload(o.name, o.piece.bytes()[:o.piece.size/2], o.piece.size, func() error { return errCut })
	}
	o.end = c.siege.tick()
	var no *refusedError
	switch {
	case err == nil:
		o.outcome = acked
	case errors.As(err, &no):
		o.outcome = refused
		err = nil
	}
	return err
}

// stepOwn does one operation on own names. The server has no reason to refuse it.
func (c *loadClient) stepOwn(a actor) error {
	o := c.choose()
	c.log = append(c.log, o)
	c.doubt = o
	if err := c.do(a, o); err != nil {
		return err
	}
	c.doubt = nil
	if o.outcome == refused {
		return fmt.Errorf("refused: %v", o)
	}
	for name, p := range c.after(o) {
		c.known[name] = p
	}
	return nil
}

// after is what o makes of the names that it concerns.
func (c *loadClient) after(o *operation) map[string]piece {
	switch o.verb {
	case doPut:
		return map[string]piece{o.name: o.piece}
	case doDelete:
		return map[string]piece{o.name: nothing}
	}
	return map[string]piece{o.name: nothing, o.target: c.known[o.name]}
}

func (c *loadClient) choose() *operation {
	var there []string
	for name, p := range c.known {
		if p != nothing {
			there = append(there, name)
		}
	}
	slices.Sort(there) // maps have no order, and the seed shall tell all
	name := fmt.Sprintf("%s/f%d", c.dir, c.rng.IntN(ownNames))
	if len(there) > 0 {
		old := there[c.rng.IntN(len(there))]
		switch c.rng.IntN(6) {
		case 0:
			return &operation{verb: doDelete, name: old}
		case 1:
			if old != name {
				return &operation{verb: doRename, name: old, target: name}
			}
		}
	}
	return &operation{verb: doPut, name: name, piece: c.newPiece()}
}

func (c *loadClient) newPiece() piece {
	size := 8 + c.rng.IntN(20<<10)
	if c.rng.IntN(5) == 0 {
		size = 8 + c.rng.IntN(600<<10)
	}
	return piece{c.siege.id(), size}
}

// stepShared does one operation where others are at work too: it may be refused.
func (c *loadClient) stepShared(a actor) error {
	o := &operation{verb: doPut, name: fmt.Sprintf("/shared/a%d", c.rng.IntN(sharedNames)), piece: c.newPiece()}
	switch c.rng.IntN(8) {
	case 0:
		o.verb, o.piece = doDelete, nothing
	case 1:
		o.name = fmt.Sprintf("/shared/b%d", c.rng.IntN(sharedNames))
	case 2:
		o.verb, o.piece = doDelete, nothing
		o.name = fmt.Sprintf("/shared/b%d", c.rng.IntN(sharedNames))
	case 3:
		o.verb, o.piece = doRename, nothing
		from := c.rng.IntN(sharedNames)
		o.name = fmt.Sprintf("/shared/b%d", from)
		o.target = fmt.Sprintf("/shared/b%d", (from+1+c.rng.IntN(sharedNames-1))%sharedNames)
	case 4:
		o.verb = doCut
	}
	err := c.do(a, o)
	c.siege.shared.add(o)
	return err
}

// stepMoving works in a directory whose name changes all the time, uploads to it or
// not. Only the accounts are looked at afterwards.
func (c *loadClient) stepMoving(a actor) error {
	dir := fmt.Sprintf("/moving/d%d", c.rng.IntN(2))
	o := &operation{verb: doPut, name: fmt.Sprintf("%s/f%d", dir, c.rng.IntN(sharedNames)), piece: c.newPiece()}
	switch c.rng.IntN(4) {
	case 0:
		o = &operation{verb: doRename, name: dir, target: fmt.Sprintf("/moving/d%d", c.rng.IntN(2))}
	case 1:
		o.verb = doDelete
	}
	return c.do(a, o)
}

// sharedLog are the operations on shared names.
type sharedLog struct {
	mu  sync.Mutex
	all []*operation
}

func (l *sharedLog) add(o *operation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, o)
}

// resolve looks at the disk for the operation that got no answer.
func (c *loadClient) resolve() error {
	o := c.doubt
	if o == nil {
		return nil
	}
	c.doubt = nil
	found := map[string]piece{}
	for name := range c.after(o) {
		p, err := pieceOf(c.siege.path(name))
		if err != nil {
			return fmt.Errorf("%v: %w", o, err)
		}
		found[name] = p
	}
	before := true
	for name, p := range found {
		before = before && same(p, c.known[name])
	}
	switch {
	case c.happened(o, found):
		o.done = "yes"
		if before { // an empty file was to be replaced, and is empty
			o.done = ""
		}
		for name, p := range found {
			c.known[name] = p
		}
	case before:
		o.done = "no"
	default:
		return fmt.Errorf("%v: was %v, the disk has %v", o, c.known, found)
	}
	return nil
}

// same compares pieces; one shorter than its id tells nothing of it.
func same(a, b piece) bool { return a.size == b.size && (a.id == b.id || a.size < 8) }

func (c *loadClient) happened(o *operation, found map[string]piece) bool {
	for name, want := range c.after(o) {
		got := found[name]
		if o.verb == doPut && c.siege.mode == 0 && got != nothing {
			want.size = min(want.size, got.size) // in place: what has arrived
		}
		if !same(got, want) {
			return false
		}
	}
	return true
}

// check compares all own names with the disk.
func (c *loadClient) check() error {
	entries, err := os.ReadDir(c.siege.path(c.dir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, ok := c.known[path.Join(c.dir, e.Name())]; !ok {
			return fmt.Errorf("nobody made %s/%s", c.dir, e.Name())
		}
	}
	for name, want := range c.known {
		got, err := pieceOf(c.siege.path(name))
		if err != nil {
			return err
		}
		if !same(got, want) {
			return fmt.Errorf("%s: the disk has %+v, acknowledged was %+v", name, got, want)
		}
	}
	return nil
}
