package vfstest

import (
	"context"
	"io"
	"strings"

	"sftpgo/vfs"
)

func cancelTests() []test {
	return []test{
		{"before a call", cancelBefore},
		{"in the middle of an upload", cancelUpload},
		{"in the middle of a download", cancelDownload},
		{"in the middle of a listing", cancelList},
		{"before commit", cancelCommit},
		{"keep what arrived", cancelKeep},
		{"in the middle of a copy", cancelCopy},
	}
}

func cancelBefore(t *tester) {
	t.put("/a", "content")
	t.mkdir("/d")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	calls := map[string]func() error{
		"stat":   func() error { _, err := t.fs.Stat(ctx, "/a"); return err },
		"open":   func() error { _, err := t.fs.Open(ctx, "/a", vfs.Read); return err },
		"create": func() error { _, err := t.fs.Open(ctx, "/new", inPlace); return err },
		"stage":  func() error { _, err := t.fs.Open(ctx, "/new", staged); return err },
		"mkdir":  func() error { return t.fs.Mkdir(ctx, "/new") },
		"remove": func() error { return t.fs.Remove(ctx, "/a") },
		"rename": func() error { return t.fs.Rename(ctx, "/a", "/new") },
		"list": func() error {
			for _, err := range t.fs.List(ctx, "/") {
				return err
			}
			return nil
		},
	}
	if l, ok := vfs.As[vfs.Linker](t.fs); ok {
		calls["lstat"] = func() error { _, err := l.Lstat(ctx, "/a"); return err }
		calls["symlink"] = func() error { return l.Symlink(ctx, "a", "/new") }
		calls["readlink"] = func() error { _, err := l.Readlink(ctx, "/a"); return err }
	}
	if a, ok := vfs.As[vfs.AttrSetter](t.fs); ok {
		size := int64(0)
		calls["setattrs"] = func() error { return a.SetAttrs(ctx, "/a", vfs.Attrs{Size: &size}) }
	}
	if m, ok := vfs.As[vfs.Measurer](t.fs); ok {
		calls["space"] = func() error { _, err := m.Space(ctx, "/"); return err }
	}
	if s, ok := vfs.As[vfs.Sweeper](t.fs); ok {
		calls["sweep"] = func() error { _, err := s.Sweep(ctx); return err }
	}
	for what, call := range calls {
		t.fails(what, call(), context.Canceled)
	}
	t.has("/a", "content")
	t.lists("/", "a", "d")
}

func cancelUpload(t *tester) {
	t.put("/a", "old content")
	ctx, cancel := context.WithCancel(t.Context())
	f, err := t.fs.Open(ctx, "/a", staged)
	t.noError("open", err)
	defer f.Close()
	t.write(f, "some")
	cancel()
	_, err = f.Write([]byte("more"))
	t.fails("write", err, context.Canceled)
	_, err = f.WriteAt([]byte("more"), 4)
	t.fails("write at", err, context.Canceled)
	t.fails("commit", f.Commit(ctx), context.Canceled)
	t.close(f)
	t.has("/a", "old content")
	t.lists("/", "a")
}

func cancelDownload(t *tester) {
	t.put("/a", "content")
	ctx, cancel := context.WithCancel(t.Context())
	f, err := t.fs.Open(ctx, "/a", vfs.Read)
	t.noError("open", err)
	defer f.Close()
	_, err = io.ReadFull(f, make([]byte, 2))
	t.noError("read", err)
	cancel()
	_, err = f.Read(make([]byte, 2))
	t.fails("read", err, context.Canceled)
	_, err = f.ReadAt(make([]byte, 2), 0)
	t.fails("read at", err, context.Canceled)
	t.close(f)
}

func cancelList(t *tester) {
	fill(t, "/d", 600)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := 0
	var last error
	for _, err := range t.fs.List(ctx, "/d") {
		if last = err; err != nil {
			break
		}
		if seen++; seen == 10 {
			cancel()
		}
	}
	t.fails("list", last, context.Canceled)
	if seen >= 600 {
		t.Errorf("saw all %d entries after the context was done", seen)
	}
}

func cancelCommit(t *tester) {
	t.put("/a", "old content")
	f := t.open("/a", staged)
	t.write(f, "new")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	t.fails("commit", f.Commit(ctx), context.Canceled)
	t.close(f)
	t.has("/a", "old content")
	t.lists("/", "a")
}

// cancelKeep: after its client has gone, an upload can still be cut to size and
// published, by a context of its own.
func cancelKeep(t *tester) {
	for _, mode := range []vfs.Mode{staged, inPlace} {
		ctx, cancel := context.WithCancel(t.Context())
		f, err := t.fs.Open(ctx, "/a", mode)
		t.noError("open", err)
		defer f.Close()
		t.write(f, "what arrived, and more")
		cancel()
		want := "what arrived, and more"
		if a, ok := vfs.As[vfs.FileAttrSetter](f); ok {
			size := int64(12)
			t.noError("truncate", a.SetAttrs(t.Context(), vfs.Attrs{Size: &size}))
			want = want[:12]
		}
		if fi, err := f.Stat(); err != nil || fi.Size() != int64(len(want)) {
			t.Errorf("stat: %v %v", fi, err)
		}
		t.commit(f)
		t.close(f)
		t.has("/a", want)
	}
}

// cancelCopy ends the context while io.Copy runs in the backend's own loop.
func cancelCopy(t *tester) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f, err := t.fs.Open(ctx, "/a", staged)
	t.noError("open", err)
	defer f.Close()
	_, err = io.Copy(f, &endless{after: 20, then: cancel})
	t.fails("copy", err, context.Canceled)
	t.close(f)
	t.missing("/a")
}

// endless never ends by itself; it calls then once after so many reads.
type endless struct {
	after int
	then  func()
}

func (e *endless) Read(p []byte) (int, error) {
	if e.after--; e.after == 0 {
		e.then()
	}
	return copy(p, strings.Repeat("x", 1<<20)), nil
}
