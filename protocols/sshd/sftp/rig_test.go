package sftp

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	client "github.com/pkg/sftp"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
	"sftpgo/protocols"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

// rig is a session on a directory, with what it records.
type rig struct {
	t       testing.TB
	home    string
	store   dataprovider.Store
	manager *session.Manager
	user    dataprovider.User
	server  *Server
	version string // of the client
	clients context.Context
	leave   context.CancelFunc // of all clients
}

type setup struct {
	session session.Config
	user    dataprovider.User
	factory vfs.Factory
	hooks   actions.Dispatcher
}

func newRig(t testing.TB, change ...func(*setup)) *rig {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	r := &rig{t: t, home: t.TempDir(), store: memstore.New(memstore.Config{}), server: &Server{}}
	t.Cleanup(func() { r.store.Close() })
	r.clients, r.leave = context.WithCancel(context.Background())
	t.Cleanup(r.leave)
	su := setup{session: session.DefaultConfig(), factory: localfs.NewFactory(log), hooks: wanting{}}
	su.user = dataprovider.User{
		Username: "alice", Status: 1, HomeDir: r.home, Permissions: map[string][]string{"/": {"*"}},
	}
	for _, f := range change {
		f(&su)
	}
	r.user = su.user
	must(t, second(r.store.Users().Put(context.Background(), su.user, 0)))
	r.manager = session.NewManager(r.store, su.hooks, []vfs.Factory{su.factory}, noMetrics{}, log, 1, su.session)
	return r
}

func second[T any](_ T, err error) error { return err }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (r *rig) open() *session.Session {
	r.t.Helper()
	s, err := r.manager.Open(context.Background(), r.user, session.Peer{
		Protocol: protocols.SFTP, ID: "SFTP_1", Remote: netip.MustParseAddr("192.0.2.7"), Method: "password",
	})
	must(r.t, err)
	r.t.Cleanup(func() { s.Close() })
	return s
}

// serve runs the server on one end of a pipe and returns the other. done gets what
// Serve returned.
func (r *rig) serve() (conn net.Conn, done chan error) {
	r.t.Helper()
	s := r.open()
	ours, theirs := net.Pipe()
	done = make(chan error, 1)
	go func() {
		err := r.server.Serve(r.clients, theirs, s, r.version)
		theirs.Close()
		s.Close()
		done <- err
	}()
	r.t.Cleanup(func() { ours.Close() })
	return ours, done
}

// client is pkg/sftp on a session of its own.
func (r *rig) client(options ...client.ClientOption) *client.Client {
	r.t.Helper()
	conn, _ := r.serve()
	c, err := client.NewClientPipe(conn, conn, options...)
	must(r.t, err)
	r.t.Cleanup(func() { c.Close() })
	return c
}

func (r *rig) path(name string) string { return filepath.Join(r.home, name) }

func (r *rig) write(name, text string) {
	r.t.Helper()
	must(r.t, os.MkdirAll(filepath.Dir(r.path(name)), 0o755))
	must(r.t, os.WriteFile(r.path(name), []byte(text), 0o644))
}

// content is what lies at name, or "-" for nothing.
func (r *rig) content(name string) string {
	r.t.Helper()
	text, err := os.ReadFile(r.path(name))
	if errors.Is(err, os.ErrNotExist) {
		return "-"
	}
	must(r.t, err)
	return string(text)
}

// events takes what waits for delivery, as "action name status".
func (r *rig) events() (lines []string) {
	r.t.Helper()
	for {
		list, err := r.store.Outbox().Claim(context.Background(), "hook", 100, time.Minute)
		must(r.t, err)
		if len(list) == 0 {
			return lines
		}
		for _, d := range list {
			var e actions.Event
			must(r.t, json.Unmarshal(d.Event, &e))
			lines = append(lines, fmt.Sprintf("%s %s %d", e.Kind, e.Object.Name, e.Result.Status))
			must(r.t, r.store.Outbox().Done(context.Background(), d.ID))
		}
	}
}

// wanting are hooks that want to know everything and forbid nothing.
type wanting struct{ actions.Nobody }

// Wants is true, but for what tests here are not about.
func (wanting) Wants(k actions.Kind) bool {
	switch k {
	case actions.UploadOpen, actions.MkdirDone, actions.RmdirDone, actions.CopyDone:
		return false
	}
	return true
}

func (wanting) Route(*actions.Event) []string { return []string{"hook"} }

type noMetrics struct{}

func (noMetrics) SessionsChanged(int)                          {}
func (noMetrics) TransferDone(session.Direction, int64, error) {}
func (noMetrics) CommandDone(error)                            {}

// peer is a client that says exactly what it is told to.
type peer struct {
	t    testing.TB
	conn net.Conn
	done chan error

	mu      sync.Mutex
	arrived sync.Cond
	replies map[uint32]reply
	order   []uint32
	err     error
}

type reply struct {
	kind byte
	fields
}

// dial begins a session: INIT has been answered.
func (r *rig) dial() *peer {
	r.t.Helper()
	p := r.connect()
	p.send(frame(typeInit, uint32(3)))
	if got := p.wait(3); got.kind != typeVersion { // where others have their id
		r.t.Fatalf("INIT: %v", got)
	}
	return p
}

// connect is dial without INIT.
func (r *rig) connect() *peer {
	p := &peer{t: r.t, replies: map[uint32]reply{}}
	p.arrived.L = &p.mu
	p.conn, p.done = r.serve()
	go p.receive()
	return p
}

func (p *peer) receive() {
	in := bufio.NewReader(p.conn)
	for {
		var head [9]byte
		_, err := io.ReadFull(in, head[:])
		var body []byte
		if err == nil {
			body = make([]byte, binary.BigEndian.Uint32(head[:])-5)
			_, err = io.ReadFull(in, body)
		}
		p.mu.Lock()
		if err != nil {
			p.err = err
		} else {
			id := binary.BigEndian.Uint32(head[5:])
			p.replies[id] = reply{head[4], fields{rest: body}}
			p.order = append(p.order, id)
		}
		p.arrived.Broadcast()
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// frame makes a packet of numbers, strings and raw bytes.
func frame(kind byte, parts ...any) []byte {
	b := []byte{0, 0, 0, 0, kind}
	for _, part := range parts {
		switch v := part.(type) {
		case uint32:
			b = binary.BigEndian.AppendUint32(b, v)
		case int:
			b = binary.BigEndian.AppendUint32(b, uint32(v))
		case uint64:
			b = binary.BigEndian.AppendUint64(b, v)
		case string:
			b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
			b = append(b, v...)
		case []byte:
			b = append(b, v...)
		}
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

// send sends raw bytes.
func (p *peer) send(b ...[]byte) {
	p.t.Helper()
	var all []byte
	for _, one := range b {
		all = append(all, one...)
	}
	if _, err := p.conn.Write(all); err != nil {
		p.t.Fatal(err)
	}
}

// wait returns the reply to a request, or one of kind 0 when the stream ended.
func (p *peer) wait(id uint32) reply {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if r, ok := p.replies[id]; ok {
			delete(p.replies, id)
			return r
		}
		if p.err != nil {
			return reply{}
		}
		p.arrived.Wait()
	}
}

// ask sends a request whose id is 9 and returns the reply.
func (p *peer) ask(kind byte, parts ...any) reply {
	p.t.Helper()
	p.send(frame(kind, append([]any{uint32(9)}, parts...)...))
	return p.wait(9)
}

// status is "code text" of a STATUS, and "" of OK.
func (r reply) status() string {
	if r.kind != typeStatus {
		return fmt.Sprintf("packet %d", r.kind)
	}
	code, text := r.u32(), r.text()
	if code == 0 {
		return ""
	}
	return fmt.Sprintf("%d %s", code, text)
}

// openFile returns a handle.
func (p *peer) openFile(name string, flags int) string {
	p.t.Helper()
	r := p.ask(typeOpen, name, flags, 0)
	if r.kind != typeHandle {
		p.t.Fatalf("OPEN %s: %s", name, r.status())
	}
	return r.text()
}

// eventually waits for what happens beside the answers.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("%s: not within 5 s", what)
}
