package sftp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"sftpgo/vfs"
)

// gated is storage in which operations on some names wait.
type gated struct {
	vfs.Factory
	mu    sync.Mutex
	gates map[string]chan struct{}
	calls []string
}

func (g *gated) Open(ctx context.Context, cfg []byte) (vfs.FS, error) {
	f, err := g.Factory.Open(ctx, cfg)
	return gatedFS{f, g}, err
}

// shut makes operations on name wait until the gate is closed.
func (g *gated) shut(name string) (open func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := make(chan struct{})
	g.gates[name] = c
	return sync.OnceFunc(func() { close(c) })
}

func (g *gated) pass(op, name string) {
	g.mu.Lock()
	g.calls = append(g.calls, op+" "+name)
	gate := g.gates[name]
	g.mu.Unlock()
	if gate != nil {
		<-gate
	}
}

func (g *gated) called(call string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.calls {
		if c == call {
			return true
		}
	}
	return false
}

type gatedFS struct {
	vfs.FS
	g *gated
}

func (f gatedFS) Stat(ctx context.Context, name string) (fs.FileInfo, error) {
	if strings.HasPrefix(name, "/slow") {
		f.g.pass("stat", name)
	}
	return f.FS.Stat(ctx, name)
}

func (f gatedFS) Mkdir(ctx context.Context, name string) error {
	f.g.pass("mkdir", name)
	return f.FS.Mkdir(ctx, name)
}

func (f gatedFS) List(ctx context.Context, name string) iter.Seq2[fs.FileInfo, error] {
	if name == "/panic" {
		return func(func(fs.FileInfo, error) bool) { panic("list") }
	}
	return f.FS.List(ctx, name)
}

func gate(t testing.TB) (*rig, *gated) {
	g := &gated{gates: map[string]chan struct{}{}}
	r := newRig(t, func(s *setup) { g.Factory, s.factory = s.factory, g })
	return r, g
}

// TestSlowNameBlocksNoData: while the storage thinks about a name, data moves and
// is answered; requests by name wait for their turn.
func TestSlowNameBlocksNoData(t *testing.T) {
	r, g := gate(t)
	r.write("in", "0123456789")
	open := g.shut("/slow")
	defer open()
	p := r.dial()
	in, out := p.openFile("/in", rd), p.openFile("/out", wr|cr)
	p.send(frame(typeStat, 20, "/slow"), frame(typeMkdir, 21, "/dir", 0), frame(typeRealpath, 22, "."))
	eventually(t, "stat in the storage", func() bool { return g.called("stat /slow") })
	for i := range 100 {
		if st := p.ask(typeWrite, out, uint64(i), "x").status(); st != "" {
			t.Fatal(st)
		}
		if got := p.ask(typeRead, in, uint64(2), 3); got.kind != typeData || got.text() != "234" {
			t.Fatal(got)
		}
		if got := p.ask(typeFstat, out); got.kind != typeAttrs {
			t.Fatal(got)
		}
	}
	if g.called("mkdir /dir") {
		t.Error("MKDIR overtook a request by name")
	}
	open()
	if st := p.wait(20).status(); st != "2 no such file or directory" {
		t.Errorf("STAT: %s", st)
	}
	if st := p.wait(21).status(); st != "" {
		t.Errorf("MKDIR: %s", st)
	}
	if got := p.wait(22); got.kind != typeName {
		t.Errorf("REALPATH: %v", got)
	}
	at := map[uint32]int{}
	for i, id := range p.order {
		at[id] = i
	}
	if !(at[20] < at[21] && at[21] < at[22]) {
		t.Errorf("order of replies %v", at)
	}
}

// TestReplyWaitsForNothingSlow: what is done is answered before what takes long.
func TestReplyWaitsForNothingSlow(t *testing.T) {
	r, g := gate(t)
	open, openDir := g.shut("/slow"), g.shut("/dir")
	defer open()
	defer openDir()
	p := r.dial()
	p.openFile("/f", wr|cr)
	p.send(frame(typeStat, 20, "/slow"), frame(typeStat, 21, "/"), frame(typeMkdir, 22, "/dir", 0), frame(typeStat, 23, "/"))
	eventually(t, "stat in the storage", func() bool { return g.called("stat /slow") })
	open()
	if got := p.wait(21); got.kind != typeAttrs {
		t.Errorf("STAT: %v", got)
	}
	openDir()
	if st := p.wait(22).status(); st != "" {
		t.Errorf("MKDIR: %s", st)
	}
	p.wait(23)
}

// TestHandleOrder: what is sent for one handle happens in that order, also when it
// has to wait for other things, and the handle is gone with CLOSE.
func TestHandleOrder(t *testing.T) {
	r, g := gate(t)
	open := g.shut("/slow")
	defer open()
	p := r.dial()
	h, other := p.openFile("/f", rd|wr|cr), p.openFile("/g", wr|cr)
	p.send(
		frame(typeStat, 20, "/slow"),
		frame(typeWrite, 21, h, uint64(0), "0123456789"),
		frame(typeFsetstat, 22, h, attrSize, uint64(4)), // waits for the lane
		frame(typeWrite, 23, h, uint64(6), "ab"),        // must not overtake it
		frame(typeRead, 24, h, uint64(0), 100),
		frame(typeClose, 25, h),
		frame(typeWrite, 26, h, uint64(0), "too late"),
		frame(typeStat, 27, "/f"),
		frame(typeWrite, 28, other, uint64(0), "other"),
	)
	for id, want := range map[uint32]string{21: "", 26: "4 invalid handle", 28: ""} {
		if st := p.wait(id).status(); st != want {
			t.Errorf("reply %d: %q", id, st)
		}
	}
	open()
	for _, id := range []uint32{22, 23, 25} {
		if st := p.wait(id).status(); st != "" {
			t.Errorf("reply %d: %q", id, st)
		}
	}
	if got := p.wait(24); got.kind != typeData || got.text() != "0123\x00\x00ab" {
		t.Errorf("READ: %v", got)
	}
	a, err := (&fields{rest: p.wait(27).rest}).attrs()
	if err != nil || a.Size == nil || *a.Size != 8 {
		t.Errorf("STAT after the rest: %v, %v", a, err)
	}
	if got := r.content("f"); got != "0123\x00\x00ab" {
		t.Errorf("content %q", got)
	}
}

// TestPipelinedUpload sends all of an upload without waiting, and ends the stream.
func TestPipelinedUpload(t *testing.T) {
	r, g := gate(t)
	open := g.shut("/slow")
	p := r.dial()
	h := p.openFile("/f", wr|cr)
	p.send(frame(typeStat, 20, "/slow"), frame(typeWrite, 21, h, uint64(0), "all of it"), frame(typeClose, 22, h))
	if st := p.wait(21).status(); st != "" {
		t.Fatal(st)
	}
	eventually(t, "stat in the storage", func() bool { return g.called("stat /slow") })
	p.conn.Close()
	time.AfterFunc(50*time.Millisecond, open)
	<-p.done
	if got := r.events(); len(got) != 1 || got[0] != "upload.done /f 1" {
		t.Errorf("events %q", got)
	}
}

// TestLaneIsBounded: a client that asks for more and more is not read from, and
// gets every answer in the end.
func TestLaneIsBounded(t *testing.T) {
	r, g := gate(t)
	open := g.shut("/slow")
	defer open()
	p := r.dial()
	p.openFile("/f", wr|cr)
	const n = 20 * maxQueued
	sent := make(chan int, n+1)
	go func() {
		defer close(sent)
		for i := range n {
			if _, err := p.conn.Write(frame(typeStat, 100+i, fmt.Sprintf("/slow%s", strings.Repeat("/", i%3)))); err != nil {
				return
			}
			sent <- i
		}
	}()
	eventually(t, "stat in the storage", func() bool { return g.called("stat /slow") })
	last := -1
	eventually(t, "a client that is not read from", func() bool {
		before := len(sent)
		time.Sleep(20 * time.Millisecond)
		last = len(sent)
		return before == last
	})
	if last > 2*maxQueued+smallBuffer/20 {
		t.Errorf("%d requests were taken", last)
	}
	open()
	for i := range n {
		if p.wait(uint32(100+i)).kind == 0 {
			t.Fatalf("no answer to request %d", i)
		}
	}
}

// TestPanicInListing fails one request.
func TestPanicInListing(t *testing.T) {
	r, _ := gate(t)
	p := r.dial()
	if st := p.ask(typeOpendir, "/panic").status(); st != "4 internal error" {
		t.Errorf("OPENDIR: %s", st)
	}
	if got := p.ask(typeStat, "/"); got.kind != typeAttrs {
		t.Errorf("STAT afterwards: %v", got)
	}
}

// TestThrottledRepliesDoNotWait: a user with a limit gets each piece as soon as the
// limit lets it pass, or with the next, and not when a batch is full.
func TestThrottledRepliesDoNotWait(t *testing.T) {
	r := newRig(t, func(s *setup) { s.user.DownloadBandwidth = 128 }) // KiB/s, 32 KiB at once
	r.write("f", strings.Repeat("x", 128<<10))
	var in bytes.Buffer
	in.Write(frame(typeInit, uint32(3)))
	in.Write(frame(typeOpen, 1, "/f", rd, 0))
	h := string((&handle{generation: 1}).wire())
	for i := range 4 {
		in.Write(frame(typeRead, 20+i, h, uint64(i)<<15, 32<<10))
	}
	w := &writes{Reader: &in}
	must(t, r.server.Serve(t.Context(), w, r.open(), ""))
	if w.bytes < 4*(dataHeader+32<<10) || w.n < 3 { // the first passes at once and goes with the second
		t.Errorf("%d bytes in %d writes", w.bytes, w.n)
	}
}

// TestBatches: replies that are ready together leave together.
func TestBatches(t *testing.T) {
	r := newRig(t)
	r.write("f", strings.Repeat("x", 64<<10))
	var in bytes.Buffer
	in.Write(frame(typeInit, uint32(3)))
	in.Write(frame(typeOpen, 1, "/f", rd, 0))
	h := string((&handle{generation: 1}).wire())
	for i := range 100 {
		in.Write(frame(typeRead, 10+i, h, uint64(0), 32<<10))
	}
	w := &writes{Reader: &in}
	must(t, r.server.Serve(t.Context(), w, r.open(), ""))
	total := 100 * (dataHeader + 32<<10)
	if w.bytes < total || w.n > 2+total/(largeBuffer-40<<10) {
		t.Errorf("%d bytes in %d writes", w.bytes, w.n)
	}
}

// writes counts what is written to it.
type writes struct {
	io.Reader
	n, bytes int
}

func (w *writes) Write(p []byte) (int, error) {
	w.n++
	w.bytes += len(p)
	return len(p), nil
}
func (*writes) Close() error { return nil }
