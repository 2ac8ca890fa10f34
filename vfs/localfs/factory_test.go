package localfs_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

func config(t *testing.T, cfg localfs.Config) []byte {
	t.Helper()
	raw, err := json.Marshal(cfg)
	must(t, err)
	return raw
}

func TestCheck(t *testing.T) {
	f := localfs.NewFactory(nil)
	if f.Kind() != "local" {
		t.Errorf("kind %q", f.Kind())
	}
	for _, c := range []struct{ cfg, want string }{
		{`{"root":"/srv/x"}`, ""},
		{`{"root":"/srv/x","uid":1000,"gid":65535}`, ""},
		{``, "EOF"},
		{`{}`, "root: missing"},
		{`{"root":"srv/x"}`, "not absolute"},
		{`{"root":"/a\u0000b"}`, "NUL"},
		{`{"root":"/a","uid":-1}`, "uid: -1"},
		{`{"root":"/a","gid":65536}`, "gid: 65536"},
		{`{"root":"/a","rot":1}`, "rot"},
		{`{"root":"/a"} {}`, "more than one"},
		{`{"root":"","uid":70000,"gid":-5}`, "gid: -5"},
	} {
		err := f.Check([]byte(c.cfg))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.cfg, err, c.want)
		}
		if c.want != "" {
			if _, err := f.Open(t.Context(), []byte(c.cfg)); err == nil {
				t.Errorf("%s: opened", c.cfg)
			}
		}
	}
	if _, err := os.Lstat("/srv/x"); err == nil {
		t.Error("Check touched the storage")
	}
}

func TestOpenMakesRoot(t *testing.T) {
	root := filepath.Join(t.TempDir(), "a", "b", "home")
	f := localfs.NewFactory(nil)
	fsys, err := f.Open(t.Context(), config(t, localfs.Config{Root: root + "/../home/"}))
	must(t, err)
	defer fsys.Close()
	if fi, err := os.Stat(root); err != nil || !fi.IsDir() {
		t.Fatalf("%v %v", fi, err)
	}
	if l, ok := vfs.As[vfs.Locator](fsys); !ok || l.StoragePath("/d/f") != filepath.Join(root, "d", "f") {
		t.Errorf("located at %q", l.StoragePath("/d/f"))
	}
}

func TestOpenRefused(t *testing.T) {
	f := localfs.NewFactory(nil)
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o644))
	for _, root := range []string{file, filepath.Join(file, "below")} {
		_, err := f.Open(t.Context(), config(t, localfs.Config{Root: root}))
		if err == nil || strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v, want an error without the path", root, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	root := filepath.Join(t.TempDir(), "new")
	if _, err := f.Open(ctx, config(t, localfs.Config{Root: root})); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
	if _, err := os.Lstat(root); err == nil {
		t.Error("a cancelled Open made the directory")
	}
}

// descriptors counts what this process has open on dir.
func descriptors(t *testing.T, dir string) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("counts descriptors through /proc")
	}
	fds, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	count := 0
	for _, fd := range fds {
		if to, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.HasPrefix(to, dir) {
			count++
		}
	}
	return count
}

func TestShare(t *testing.T) {
	f := localfs.NewFactory(nil)
	root := filepath.Join(t.TempDir(), "home")
	cfg := config(t, localfs.Config{Root: root})
	var open []vfs.FS
	for range 5 {
		fsys, err := f.Open(t.Context(), cfg)
		must(t, err)
		open = append(open, fsys)
	}
	if n := descriptors(t, root); n != 1 {
		t.Errorf("%d descriptors for five users, want one", n)
	}
	must(t, open[0].Close())
	if err := open[0].Close(); err == nil {
		t.Error("second close: no error")
	}
	if _, err := open[0].Stat(t.Context(), "/"); err == nil {
		t.Error("stat after close: no error")
	}
	for _, fsys := range open[1:] {
		if _, err := fsys.Stat(t.Context(), "/"); err != nil {
			t.Errorf("stat after another's close: %v", err)
		}
		must(t, fsys.Close())
	}
	if n := descriptors(t, root); n != 0 {
		t.Errorf("%d descriptors after the last close", n)
	}
}

// TestShareReplaced: a home that was moved away keeps working for those who have
// it open; who comes later gets the new one.
func TestShareReplaced(t *testing.T) {
	f := localfs.NewFactory(nil)
	root := filepath.Join(t.TempDir(), "home")
	cfg := config(t, localfs.Config{Root: root})
	before, err := f.Open(t.Context(), cfg)
	must(t, err)
	must(t, before.Mkdir(t.Context(), "/old"))
	must(t, os.Rename(root, root+".moved"))
	after, err := f.Open(t.Context(), cfg)
	must(t, err)
	must(t, after.Mkdir(t.Context(), "/new"))
	for p, want := range map[string]bool{root + ".moved/old": true, root + "/new": true, root + "/old": false} {
		if _, err := os.Stat(p); (err == nil) != want {
			t.Errorf("%s: %v", p, err)
		}
	}
	must(t, before.Mkdir(t.Context(), "/old2"))
	must(t, before.Close())
	third, err := f.Open(t.Context(), cfg)
	must(t, err)
	if n := descriptors(t, root); n != 1 {
		t.Errorf("%d descriptors, want one: the new home shared, the old one closed", n)
	}
	must(t, after.Close())
	must(t, third.Close())
	if n := descriptors(t, root); n != 0 {
		t.Errorf("%d descriptors after the last close", n)
	}
}

func TestShareConcurrently(t *testing.T) {
	f := localfs.NewFactory(nil)
	root := filepath.Join(t.TempDir(), "home")
	cfg := config(t, localfs.Config{Root: root})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				fsys, err := f.Open(t.Context(), cfg)
				if err != nil {
					t.Errorf("open: %v", err)
					return
				}
				if _, err := fsys.Stat(t.Context(), "/"); err != nil {
					t.Errorf("stat: %v", err)
				}
				if err := fsys.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if n := descriptors(t, root); n != 0 {
		t.Errorf("%d descriptors are left", n)
	}
}

// TestNoDescriptorLeaks: neither success nor failure leaves anything open.
func TestNoDescriptorLeaks(t *testing.T) {
	fsys, home := open(t)
	must(t, fsys.Mkdir(t.Context(), "/d"))
	must(t, use(t, fsys, "/f", vfs.Write|vfs.Create))
	must(t, fsys.Symlink(t.Context(), "../outside", "/link"))
	for _, name := range []string{"/", "/d", "/f", "/d/new", "/missing/x", "/f/x", "/link", "/link/x"} {
		attempts(t, fsys, name)
		changes(t, fsys, 0)
		fsys.Rename(t.Context(), name, "/renamed")
	}
	if _, err := fsys.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
	if n := descriptors(t, home); n != 1 {
		t.Errorf("%d descriptors, want that of the root alone", n)
	}
}
