package sftp

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"sftpgo/vfs"
)

// TestMalformed: each of these ends its session with an error, and a session
// beside it goes on.
func TestMalformed(t *testing.T) {
	r := newRig(t)
	beside := r.dial()
	hello := slices.Clip(frame(typeInit, uint32(3)))
	huge := strings.Repeat("\xff", 4)
	for name, sent := range map[string][]byte{
		"length 0":               {0, 0, 0, 0},
		"length too large":       append(binary.BigEndian.AppendUint32(hello, maxPacket+1), 9),
		"length of 4 GiB":        append(hello, huge...),
		"cut length":             append(hello, 0, 0),
		"cut packet":             append(hello, 0, 0, 0, 9, typeStat),
		"INIT without version":   frame(typeInit, []byte{0, 0}),
		"request before INIT":    frame(typeStat, 1, "/"),
		"no id":                  append(hello, frame(typeStat, []byte{1, 2, 3})...),
		"type alone":             append(hello, frame(typeClose)...),
		"name longer than it":    append(hello, frame(typeStat, 1, []byte(huge))...),
		"OPEN without flags":     append(hello, frame(typeOpen, 1, "/f")...),
		"OPEN without attrs":     append(hello, frame(typeOpen, 1, "/f", 1)...),
		"OPEN with half attrs":   append(hello, frame(typeOpen, 1, "/f", 1, attrSize, 1)...),
		"SETSTAT without attrs":  append(hello, frame(typeSetstat, 1, "/f")...),
		"endless pairs of attrs": append(hello, frame(typeSetstat, 1, "/f", uint32(attrExtended), []byte(huge))...),
		"READ cut":               append(hello, frame(typeRead, 1, "h", uint64(0))...),
		"WRITE cut":              append(hello, frame(typeWrite, 1, "h", uint64(0), []byte(huge))...),
		"RENAME with one name":   append(hello, frame(typeRename, 1, "/a")...),
		"SYMLINK with one":       append(hello, frame(typeSymlink, 1, "/a")...),
		"EXTENDED without name":  append(hello, frame(typeExtended, 1)...),
		"copy-data cut":          append(hello, frame(typeExtended, 1, "copy-data", "a", uint64(0))...),
		"check-file cut":         append(hello, frame(typeExtended, 1, "check-file-name", "/a", "md5")...),
		"lsetstat cut":           append(hello, frame(typeExtended, 1, "lsetstat@openssh.com", "/a")...),
	} {
		p := r.connect()
		p.send(sent)
		if strings.HasPrefix(name, "cut") {
			p.conn.Close()
		}
		select {
		case err := <-p.done:
			if err == nil {
				t.Errorf("%s: no error", name)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%s: the session goes on", name)
		}
	}
	if got := beside.ask(typeStat, "/"); got.kind != typeAttrs {
		t.Errorf("a session beside them: %v", got)
	}
}

// TestPoliteRefusals are answered, and the session goes on.
func TestPoliteRefusals(t *testing.T) {
	r := newRig(t)
	r.write("f", "0123456789")
	p := r.dial()
	h := p.openFile("/f", rd|wr)
	dir := p.ask(typeOpendir, "/")
	d := dir.text()
	for _, tt := range []struct {
		sent []any
		want string
	}{
		{[]any{77}, "8 operation not supported"},
		{[]any{2}, "8 operation not supported"},
		{[]any{typeExtended, "no-such@example.com", "x"}, "8 operation not supported"},
		{[]any{typeRead, "", uint64(0), 1}, "4 invalid handle"},
		{[]any{typeRead, strings.Repeat("x", 256), uint64(0), 1}, "4 invalid handle"},
		{[]any{typeRead, d, uint64(0), 1}, "4 invalid handle"},
		{[]any{typeReaddir, h}, "4 invalid handle"},
		{[]any{typeClose, "\xff\xff\xff\xff\xff\xff\xff\xff"}, "4 invalid handle"},
		{[]any{typeFstat, "no"}, "4 invalid handle"},
		{[]any{typeFsetstat, "no", 0}, "4 invalid handle"},
		{[]any{typeRead, h, uint64(1) << 63, 1}, "5 bad message"},
		{[]any{typeRead, h, uint64(0), 0}, "1 end of file"},
		{[]any{typeRead, h, uint64(10), 1}, "1 end of file"},
		{[]any{typeWrite, h, uint64(1)<<63 - 2, "xyz"}, "5 bad message"},
		{[]any{typeSetstat, "/f", attrSize, uint64(1) << 63}, "5 bad message"},
		{[]any{typeStat, "/../f"}, "4 name not allowed"},
		{[]any{typeStat, "/a\x00b"}, "4 name not allowed"},
		{[]any{typeMkdir, "/" + strings.Repeat("d", vfs.MaxComponent+1), 0}, "4 name not allowed"},
		{[]any{typeRename, "/f", "/../g"}, "4 name not allowed"},
		{[]any{typeStat, strings.Repeat("/x", 100<<10)}, "4 name not allowed"},
	} {
		if st := p.ask(byte(tt.sent[0].(int)), tt.sent[1:]...).status(); st != tt.want {
			t.Errorf("%.40q: %q, want %q", fmt.Sprint(tt.sent...), st, tt.want)
		}
	}
	p.send(frame(typeInit, uint32(6)))
	if got := p.wait(3); got.kind != typeVersion {
		t.Errorf("second INIT: %v", got)
	}
	if got := p.ask(typeStat, "/f"); got.kind != typeAttrs {
		t.Errorf("STAT: %v", got)
	}
}

// TestManyHandles: what a client may hold open is limited, and given back.
func TestManyHandles(t *testing.T) {
	r := newRig(t)
	r.write("f", "x")
	p := r.dial()
	var handles []string
	for i := range 100_000 {
		reply := p.ask(typeOpen, "/f", rd, 0)
		if reply.kind == typeHandle {
			handles = append(handles, reply.text())
			continue
		}
		if st := reply.status(); st != "4 too many open files" {
			t.Fatal(st)
		}
		if i > 3*maxHandles {
			break
		}
	}
	if len(handles) != maxHandles {
		t.Errorf("%d files are open", len(handles))
	}
	var listings []string
	for range 2 * maxListings {
		if reply := p.ask(typeOpendir, "/"); reply.kind == typeHandle {
			listings = append(listings, reply.text())
		} else if st := reply.status(); st != "4 too many open files" {
			t.Fatal(st)
		}
	}
	if len(listings) != maxListings {
		t.Errorf("%d directories are open", len(listings))
	}
	for _, h := range append(handles, listings...) {
		if st := p.ask(typeClose, h).status(); st != "" {
			t.Fatal(st)
		}
		if st := p.ask(typeClose, h).status(); st != "4 invalid handle" {
			t.Fatal(st)
		}
	}
	if h := p.openFile("/f", rd); p.ask(typeRead, handles[0], uint64(0), 1).status() != "4 invalid handle" {
		t.Errorf("a stale handle is good for a new file, %q", h)
	}
}

func heap() int64 {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse)
}

// TestNeverReads: clients that ask for gigabytes and read nothing cost one buffer
// each.
func TestNeverReads(t *testing.T) {
	r := newRig(t)
	r.write("f", strings.Repeat("x", 1<<20))
	before := heap()
	const clients = 20
	for range clients {
		conn, _ := r.serve()
		go func() {
			var b []byte
			b = append(b, frame(typeInit, uint32(3))...)
			b = append(b, frame(typeOpen, 1, "/f", rd, 0)...)
			h := string((&handle{generation: 1}).wire())
			for range 10_000 {
				b = append(b, frame(typeRead, 2, h, uint64(0), maxData)...)
				b = append(b, frame(typeStat, 3, "/f")...)
			}
			_, _ = conn.Write(b)
		}()
	}
	time.Sleep(300 * time.Millisecond)
	// The requests that are not taken are ours.
	if grown := heap() - before - clients*(1<<20); grown > clients*2<<20 {
		t.Errorf("%d KiB for each client", grown/clients>>10)
	}
}

// TestIdleMemory: what a session held while data passed is given back.
func TestIdleMemory(t *testing.T) {
	r := newRig(t)
	s := r.open()
	in, feed := io.Pipe()
	c := newConn(struct {
		io.Reader
		io.Writer
	}{in, io.Discard}, s, "", &r.server.buffers)
	done := make(chan error)
	go func() { done <- c.serve(t.Context()) }()
	h := string((&handle{generation: 1}).wire())
	var b []byte
	b = append(b, frame(typeInit, uint32(3))...)
	b = append(b, frame(typeOpen, 1, "/f", rd|wr|cr, 0)...)
	for range 20 {
		b = append(b, frame(typeWrite, 2, h, uint64(0), string(make([]byte, maxData)))...)
		b = append(b, frame(typeRead, 2, h, uint64(0), maxData)...)
	}
	for _, part := range [][]byte{b, frame(typeStat, 3, "/f"), frame(typeStat, 3, "/f")} {
		_, err := feed.Write(part)
		must(t, err)
	}
	c.lane.wait()
	feed.Close()
	if err := <-done; err != io.EOF {
		t.Errorf("serve: %v", err)
	}
	if c.in.large != nil || c.loop.large != nil || c.side.large != nil {
		t.Error("large buffers are kept")
	}
	if n := cap(c.in.small) + cap(c.loop.small) + cap(c.side.small); n > 8<<10 {
		t.Errorf("an idle session keeps %d bytes", n)
	}
}

// endless is storage with a directory of many entries.
type endless struct {
	vfs.Factory
	entries int
}

func (e endless) Open(ctx context.Context, cfg []byte) (vfs.FS, error) {
	f, err := e.Factory.Open(ctx, cfg)
	return endlessFS{f, e.entries}, err
}

type endlessFS struct {
	vfs.FS
	entries int
}

func (e endlessFS) List(ctx context.Context, name string) iter.Seq2[fs.FileInfo, error] {
	return func(yield func(fs.FileInfo, error) bool) {
		for i := range e.entries {
			if !yield(entry(fmt.Sprintf("file-%06d", i)), nil) {
				return
			}
		}
	}
}

type entry string

func (e entry) Name() string     { return string(e) }
func (entry) Size() int64        { return 12345 }
func (entry) Mode() fs.FileMode  { return 0o644 }
func (entry) ModTime() time.Time { return time.Unix(1_700_000_000, 0) }
func (entry) IsDir() bool        { return false }
func (entry) Sys() any           { return nil }

// TestLongListing: 100,000 entries pass in packets of a size that every client
// takes, with no more in memory than one of them.
func TestLongListing(t *testing.T) {
	const entries = 100_000
	r := newRig(t, func(s *setup) { s.factory = endless{s.factory, entries} })
	p := r.dial()
	dir := p.ask(typeOpendir, "/")
	h := dir.text()
	before, peak := heap(), int64(0)
	total, packets := 0, 0
	for {
		reply := p.ask(typeReaddir, h)
		if reply.kind != typeName {
			if st := reply.status(); st != "1 end of file" {
				t.Error(st)
			}
			break
		}
		if size := len(reply.rest) + 9; size > 34000 {
			t.Fatalf("a packet of %d bytes", size)
		}
		n := reply.u32()
		for i := range n {
			name, long := reply.text(), reply.text()
			if _, err := reply.attrs(); err != nil || reply.bad {
				t.Fatal("bad entry")
			}
			if i == 0 && (name != fmt.Sprintf("file-%06d", total) || !strings.HasSuffix(long, " "+name)) {
				t.Fatalf("entry %d is %q, %q", total, name, long)
			}
			total++
		}
		if packets++; packets%100 == 0 {
			peak = max(peak, heap()-before)
		}
	}
	if total != entries || packets > entries/100 {
		t.Errorf("%d entries in %d packets", total, packets)
	}
	if peak > 4<<20 {
		t.Errorf("memory grew by %d KiB", peak>>10)
	}
}
