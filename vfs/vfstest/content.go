package vfstest

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"syscall"

	"sftpgo/vfs"
)

func contentTests() []test {
	return []test{
		{"write and read", writeAndRead},
		{"read at", readAt},
		{"seek moves one position", seek},
		{"write at in any order", writeAtAnyOrder},
		{"write past a hole", writePastHole},
		{"empty file", emptyFile},
		{"truncate on open", truncateOnOpen},
		{"update in place", updateInPlace},
		{"append", appendInPlace},
		{"read back while writing", readBack},
		{"mode forbids", modeForbids},
		{"mode that makes no sense", senselessMode},
		{"copy to and from a connection", copyConnection},
		{"read from a limited reader", readFromLimited},
		{"closed file", closedFile},
	}
}

func writeAndRead(t *tester) {
	content := strings.Repeat("0123456789abcdef", 70_000)
	t.put("/a", content)
	t.has("/a", content)
	if fi := t.stat("/a"); fi.Size() != int64(len(content)) || !fi.Mode().IsRegular() || fi.Name() != "a" {
		t.Errorf("stat: %v %d %v", fi.Name(), fi.Size(), fi.Mode())
	}
}

func readAt(t *tester) {
	t.put("/a", "0123456789")
	f := t.open("/a", vfs.Read)
	p := make([]byte, 4)
	if n, err := f.ReadAt(p, 3); n != 4 || err != nil || string(p) != "3456" {
		t.Errorf("in the middle: %d %v %q", n, err, p)
	}
	if n, err := f.ReadAt(p, 8); n != 2 || err != io.EOF || string(p[:n]) != "89" {
		t.Errorf("across the end: %d %v %q", n, err, p[:n])
	}
	if n, err := f.ReadAt(p, 50); n != 0 || err != io.EOF {
		t.Errorf("behind the end: %d %v", n, err)
	}
	if n, err := f.Read(p); n != 4 || err != nil || string(p) != "0123" {
		t.Errorf("ReadAt moved the position: %d %v %q", n, err, p)
	}
}

func seek(t *tester) {
	t.put("/a", "0123456789")
	f := t.open("/a", vfs.Read)
	for _, c := range []struct {
		off    int64
		whence int
		pos    int64
		next   string
	}{{4, io.SeekStart, 4, "45"}, {1, io.SeekCurrent, 7, "78"}, {-2, io.SeekEnd, 8, "89"}, {0, io.SeekStart, 0, "01"}} {
		pos, err := f.Seek(c.off, c.whence)
		if err != nil || pos != c.pos {
			t.Fatalf("seek %d %d: %d %v, want %d", c.off, c.whence, pos, err, c.pos)
		}
		p := make([]byte, 2)
		if _, err := io.ReadFull(f, p); err != nil || string(p) != c.next {
			t.Fatalf("after seek %d %d: %q %v, want %q", c.off, c.whence, p, err, c.next)
		}
	}
	if _, err := f.Seek(-1, io.SeekStart); err == nil {
		t.Error("seek before the start: no error")
	}
}

func writeAtAnyOrder(t *tester) {
	const piece, count = 1000, 64
	want := make([]byte, piece*count)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range want {
		want[i] = byte(rng.Uint32())
	}
	for _, mode := range []vfs.Mode{inPlace, staged} {
		f := t.open("/a", mode)
		for _, i := range rng.Perm(count) {
			if n, err := f.WriteAt(want[i*piece:(i+1)*piece], int64(i*piece)); n != piece || err != nil {
				t.Fatalf("write at %d: %d %v", i*piece, n, err)
			}
		}
		t.commit(f)
		t.close(f)
		t.has("/a", string(want))
	}
}

func writePastHole(t *tester) {
	for _, mode := range []vfs.Mode{inPlace, staged} {
		f := t.openOrSkip("/a", mode, "write past a hole")
		t.write(f, "head")
		if _, err := f.WriteAt([]byte("tail"), 70_000); errors.Is(err, vfs.ErrUnsupported) {
			t.Skip("the backend does not write past a hole")
		} else if err != nil {
			t.Fatalf("write past a hole: %v", err)
		}
		t.commit(f)
		t.close(f)
		t.has("/a", "head"+strings.Repeat("\x00", 70_000-4)+"tail")
	}
}

func emptyFile(t *tester) {
	for _, mode := range []vfs.Mode{inPlace, staged} {
		f := t.open("/a", mode)
		t.commit(f)
		t.close(f)
		t.has("/a", "")
		t.noError("remove", t.fs.Remove(t.Context(), "/a"))
	}
}

func truncateOnOpen(t *tester) {
	t.put("/a", "a long content")
	t.put("/a", "short")
	t.has("/a", "short")
}

func updateInPlace(t *tester) {
	t.put("/a", "0123456789")
	f := t.openOrSkip("/a", vfs.Write, "update in place")
	_, err := f.WriteAt([]byte("XY"), 4)
	t.noError("write", err)
	t.commit(f)
	t.close(f)
	t.has("/a", "0123XY6789")
}

func appendInPlace(t *tester) {
	t.put("/a", "0123")
	f := t.openOrSkip("/a", vfs.Write|vfs.Create, "append")
	_, err := f.Seek(0, io.SeekEnd)
	t.noError("seek", err)
	t.write(f, "4567")
	t.commit(f)
	t.close(f)
	t.has("/a", "01234567")
}

func readBack(t *tester) {
	for _, mode := range []vfs.Mode{inPlace | vfs.Read, staged | vfs.Read} {
		f := t.openOrSkip("/a", mode, "read what it writes")
		t.write(f, "0123456789")
		p := make([]byte, 3)
		if n, err := f.ReadAt(p, 5); n != 3 || err != nil || string(p) != "567" {
			t.Errorf("read back: %d %v %q", n, err, p)
		}
		t.commit(f)
		t.close(f)
	}
}

func modeForbids(t *tester) {
	t.put("/a", "content")
	r := t.open("/a", vfs.Read)
	_, err := r.Write([]byte("x"))
	t.fails("write to a reader", err, vfs.ErrUnsupported)
	_, err = r.WriteAt([]byte("x"), 0)
	t.fails("write at to a reader", err, vfs.ErrUnsupported)
	t.fails("commit of a reader", r.Commit(t.Context()), vfs.ErrUnsupported)
	if rf, ok := r.(io.ReaderFrom); ok {
		_, err = rf.ReadFrom(strings.NewReader("x"))
		t.fails("read from into a reader", err, vfs.ErrUnsupported)
	}
	t.has("/a", "content")
	for _, mode := range []vfs.Mode{inPlace, staged} {
		w := t.open("/b", mode)
		t.write(w, "secret")
		_, err = w.ReadAt(make([]byte, 6), 0)
		t.fails("read at from a writer", err, vfs.ErrUnsupported)
		_, err = w.Read(make([]byte, 6))
		t.fails("read from a writer", err, vfs.ErrUnsupported)
		if wt, ok := w.(io.WriterTo); ok {
			_, err = wt.WriteTo(io.Discard)
			t.fails("write to of a writer", err, vfs.ErrUnsupported)
		}
	}
}

func senselessMode(t *tester) {
	t.put("/a", "content")
	for _, mode := range []vfs.Mode{
		0, vfs.Create, vfs.Create | vfs.Truncate, vfs.Read | vfs.Truncate, vfs.Read | vfs.Create, vfs.Write | vfs.Excl,
		vfs.Write | vfs.Atomic, vfs.Write | vfs.Create | vfs.Atomic, vfs.Read | vfs.Atomic,
	} {
		f, err := t.fs.Open(t.Context(), "/a", mode)
		if err == nil {
			f.Close()
		}
		t.fails("open", err, vfs.ErrUnsupported)
	}
	t.has("/a", "content")
	t.lists("/", "a")
}

// copyConnection is what FTP does, on the way that sendfile and splice take.
func copyConnection(t *tester) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 600_000) // more than two pieces of any sensible size
	t.put("/a", string(content))
	r := t.open("/a", vfs.Read)
	w := t.open("/b", staged)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	t.noError("listen", err)
	defer l.Close()
	sent := make(chan error, 1)
	go func() {
		c, err := net.Dial("tcp", l.Addr().String())
		if err == nil {
			_, err = io.Copy(c, r)
			c.Close()
		}
		sent <- err
	}()
	c, err := l.Accept()
	t.noError("accept", err)
	defer c.Close()
	n, err := io.Copy(w, c)
	t.noError("receive", err)
	t.noError("send", <-sent)
	if n != int64(len(content)) {
		t.Errorf("received %d bytes, want %d", n, len(content))
	}
	t.commit(w)
	t.close(w)
	t.has("/b", string(content))
	if sc, ok := r.(syscall.Conn); ok {
		if _, err := sc.SyscallConn(); err != nil {
			t.Errorf("SyscallConn: %v", err)
		}
	}
}

func readFromLimited(t *tester) {
	w := t.open("/a", staged)
	rf, ok := w.(io.ReaderFrom)
	if !ok {
		t.Skip("the backend has no io.ReaderFrom")
	}
	src := strings.NewReader("0123456789")
	lr := &io.LimitedReader{R: src, N: 4}
	if n, err := rf.ReadFrom(lr); n != 4 || err != nil || lr.N != 0 || src.Len() != 6 {
		t.Errorf("limited: %d %v, %d left of the limit, %d of the source", n, err, lr.N, src.Len())
	}
	lr.N = 50
	if n, err := rf.ReadFrom(lr); n != 6 || err != nil || lr.N != 44 {
		t.Errorf("source ends first: %d %v, %d left of the limit", n, err, lr.N)
	}
	broken := errors.New("broken source")
	if _, err := rf.ReadFrom(io.MultiReader(strings.NewReader("!"), brokenReader{broken})); err != broken {
		t.Errorf("broken source: %v, want the very error", err)
	}
	t.commit(w)
	t.close(w)
	t.has("/a", "0123456789!")
}

type brokenReader struct{ err error }

func (r brokenReader) Read([]byte) (int, error) { return 0, r.err }

func closedFile(t *tester) {
	for _, mode := range []vfs.Mode{inPlace, staged} {
		f := t.open("/a", mode)
		t.close(f)
		if _, err := f.Write([]byte("x")); err == nil {
			t.Error("write to a closed file: no error")
		}
		if err := f.Commit(t.Context()); err == nil {
			t.Error("commit of a closed file: no error")
		}
	}
	r := t.open("/a", vfs.Read)
	t.close(r)
	if _, err := r.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("read from a closed file: %v", err)
	}
}
