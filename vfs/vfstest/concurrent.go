package vfstest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"time"

	"sftpgo/vfs"
)

func concurrentTests() []test {
	return []test{
		{"own files", concurrentOwn},
		{"one name", concurrentOneName},
		{"one handle", concurrentHandle},
		{"close during a transfer", closeDuring},
	}
}

// concurrentOwn lets each of many work in a directory of its own.
func concurrentOwn(t *tester) {
	const workers, files = 8, 20
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() { errs[i] = workAlone(t, fmt.Sprintf("/worker%d", i), files) })
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("worker %d: %v", i, err)
		}
	}
	if got := len(t.names("/")); got != workers {
		t.Errorf("%d directories, want %d", got, workers)
	}
}

func workAlone(t *tester, dir string, files int) error {
	ctx := t.Context()
	if err := t.fs.Mkdir(ctx, dir); err != nil {
		return err
	}
	for i := range files {
		name := fmt.Sprintf("%s/f%d", dir, i)
		if err := exclWrite(t, name, staged, name); err != nil {
			return err
		}
		if err := t.fs.Rename(ctx, name, name+".done"); err != nil {
			return err
		}
		if fi, err := t.fs.Stat(ctx, name+".done"); err != nil || fi.Size() != int64(len(name)) {
			return fmt.Errorf("stat: %v %w", fi, err)
		}
		if i%2 == 0 {
			if err := t.fs.Remove(ctx, name+".done"); err != nil {
				return err
			}
		}
	}
	count := 0
	for _, err := range t.fs.List(ctx, dir) {
		if err != nil {
			return err
		}
		count++
	}
	if count != files/2 {
		return fmt.Errorf("%d entries, want %d", count, files/2)
	}
	return nil
}

// concurrentOneName lets writers replace one file while readers check that what
// they see is always one whole version.
func concurrentOneName(t *tester) {
	const size, writers, versions = 50_000, 4, 25
	t.put("/a", strings.Repeat("0", size))
	done := make(chan struct{})
	var writing, reading sync.WaitGroup
	for i := range writers {
		writing.Go(func() {
			for range versions {
				content := strings.Repeat(string(rune('a'+i)), size)
				if err := exclWrite(t, "/a", staged, content); err != nil {
					t.Errorf("writer %d: %v", i, err)
					return
				}
			}
		})
	}
	for range 2 {
		reading.Go(func() {
			for {
				if err := wholeVersion(t, "/a", size); err != nil {
					t.Error(err)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	writing.Wait()
	close(done)
	reading.Wait()
	t.lists("/", "a")
}

func wholeVersion(t *tester, name string, size int) error {
	f, err := t.fs.Open(t.Context(), name, vfs.Read)
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	if len(b) != size || strings.Trim(string(b), string(b[:1])) != "" {
		return fmt.Errorf("read a mixture of %d bytes", len(b))
	}
	return nil
}

// concurrentHandle writes and reads one handle from many sides, as pkg/sftp does.
func concurrentHandle(t *tester) {
	const workers, size = 8, 4096
	f := t.open("/a", staged)
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			p := []byte(strings.Repeat(string(rune('a'+i)), size))
			if _, err := f.WriteAt(p, int64(i*size)); err != nil {
				t.Errorf("write at: %v", err)
			}
			if _, err := f.Stat(); err != nil {
				t.Errorf("stat: %v", err)
			}
		})
	}
	wg.Wait()
	t.commit(f)
	t.close(f)
	r := t.open("/a", vfs.Read)
	for i := range workers {
		wg.Go(func() {
			p := make([]byte, size)
			if _, err := r.ReadAt(p, int64(i*size)); err != nil || strings.Trim(string(p), string(rune('a'+i))) != "" {
				t.Errorf("read at: %v, %q", err, clip(string(p)))
			}
		})
	}
	wg.Wait()
}

// closeDuring closes files while they are written and read; the calls under way
// and those after it return.
func closeDuring(t *tester) {
	t.put("/a", strings.Repeat("x", 100_000))
	for _, c := range []struct {
		name string
		mode vfs.Mode
		call func(vfs.File) error
	}{
		{"/a", vfs.Read, func(f vfs.File) error { _, err := f.ReadAt(make([]byte, 4096), 0); return err }},
		{"/b", staged, func(f vfs.File) error { _, err := f.WriteAt(make([]byte, 4096), 0); return err }},
		{"/b", inPlace, func(f vfs.File) error { _, err := f.WriteAt(make([]byte, 4096), 0); return err }},
	} {
		f := t.open(c.name, c.mode)
		ended := make(chan error)
		go func() {
			for {
				if err := c.call(f); err != nil {
					ended <- err
					return
				}
			}
		}()
		t.close(f)
		select {
		case err := <-ended:
			if !errors.Is(err, fs.ErrClosed) {
				t.Errorf("%s: %v, want %v", c.name, err, fs.ErrClosed)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: the transfer goes on after Close", c.name)
		}
	}
	t.lists("/", "a", "b")
}
