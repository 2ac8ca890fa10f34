package localfs_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

const secret = "outside secret"

// besides makes a home and a directory beside it that holds a secret.
func besides(t *testing.T) (fsys *localfs.FS, home, outside string) {
	t.Helper()
	top := t.TempDir()
	home, outside = filepath.Join(top, "home"), filepath.Join(top, "outside")
	must(t, os.MkdirAll(filepath.Join(outside, "sub"), 0o755))
	must(t, os.WriteFile(filepath.Join(outside, "f"), []byte(secret), 0o640))
	must(t, os.WriteFile(filepath.Join(outside, "sub", "g"), []byte(secret), 0o640))
	return openAt(t, home), home, outside
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// snapshot is all that a write to dir would change.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	state := map[string]string{}
	must(t, filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := os.Lstat(p)
		if err != nil {
			return err
		}
		var sum [sha256.Size]byte
		if fi.Mode().IsRegular() {
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			sum = sha256.Sum256(b)
		}
		state[p] = fmt.Sprint(fi.Mode(), fi.Size(), fi.ModTime(), hex.EncodeToString(sum[:]))
		return nil
	}))
	return state
}

// attempts tries everything that could reach what is behind name, and returns
// how each attempt ended.
func attempts(t *testing.T, fsys *localfs.FS, name string) map[string]error {
	ctx := t.Context()
	ended := map[string]error{}
	_, ended["stat"] = fsys.Stat(ctx, name)
	for what, mode := range map[string]vfs.Mode{
		"read": vfs.Read, "update": vfs.Write, "write": vfs.Write | vfs.Create | vfs.Truncate,
		"both": vfs.Read | vfs.Write | vfs.Create, "atomic": vfs.Write | vfs.Create | vfs.Truncate | vfs.Atomic,
	} {
		ended[what] = use(t, fsys, name, mode)
	}
	perm, size, when := fs.FileMode(0o777), int64(0), time.Unix(1, 0)
	ended["chmod"] = fsys.SetAttrs(ctx, name, vfs.Attrs{Mode: &perm})
	ended["truncate"] = fsys.SetAttrs(ctx, name, vfs.Attrs{Size: &size})
	ended["times"] = fsys.SetAttrs(ctx, name, vfs.Attrs{Atime: &when, Mtime: &when})
	_, ended["space"] = fsys.Space(ctx, name)
	for _, err := range fsys.List(ctx, name) {
		ended["list"] = err
	}
	return ended
}

// use opens, reads, writes and commits. It fails the test if it sees the secret.
func use(t *testing.T, fsys *localfs.FS, name string, mode vfs.Mode) error {
	f, err := fsys.Open(t.Context(), name, mode)
	if err != nil {
		return err
	}
	defer f.Close()
	if mode.Has(vfs.Read) {
		if b, err := io.ReadAll(f); err == nil && string(b) == secret {
			t.Errorf("read the secret through %s", name)
		}
	}
	if !mode.Has(vfs.Write) {
		return nil
	}
	if _, err := f.Write([]byte("inside")); err != nil {
		return err
	}
	return f.Commit(t.Context())
}

// TestEscape: links that another program has put into the home.
func TestEscape(t *testing.T) {
	fsys, home, outside := besides(t)
	must(t, os.Mkdir(filepath.Join(home, "d"), 0o755))
	for name, text := range map[string]string{
		"absfile": outside + "/f", "absdir": outside, "absslash": outside + "/", "absdangling": outside + "/new",
		"relfile": "../outside/f", "reldir": "../outside", "relslash": "../outside/", "reldangling": "../outside/new",
		"chain1": "chain2", "chain2": "d/chain3", "d/chain3": "../reldir/f",
		"slash1": "slash2/", "slash2": "relslash/", "dot": "relslash/.", "mixed": "d/../../outside/f",
		"absself": home, "absinside": home + "/d", "proc": "/proc/self/root" + outside, "etc": "/etc/passwd",
	} {
		must(t, os.Symlink(text, filepath.Join(home, name)))
	}
	before := snapshot(t, outside)
	links, err := os.ReadDir(home)
	must(t, err)
	for _, l := range links {
		if l.IsDir() {
			continue
		}
		for _, name := range []string{"/" + l.Name(), "/" + l.Name() + "/f", "/" + l.Name() + "/sub/new"} {
			for what, err := range attempts(t, fsys, name) {
				if !errors.Is(err, vfs.ErrPermission) {
					t.Errorf("%s %s: %v, want %v", what, name, err, vfs.ErrPermission)
				}
			}
		}
		below := "/" + l.Name() + "/sub"
		for what, err := range map[string]error{
			"mkdir":       fsys.Mkdir(t.Context(), below+"/new"),
			"remove":      fsys.Remove(t.Context(), below+"/g"),
			"rename to":   fsys.Rename(t.Context(), "/d", below+"/g"),
			"rename from": fsys.Rename(t.Context(), below+"/g", "/stolen"),
			"symlink":     fsys.Symlink(t.Context(), "x", below+"/new"),
			"abs symlink": fsys.Symlink(t.Context(), "/d", below+"/new"),
		} {
			if !errors.Is(err, vfs.ErrPermission) {
				t.Errorf("%s %s: %v, want %v", what, below, err, vfs.ErrPermission)
			}
		}
	}
	if diff := cmp.Diff(before, snapshot(t, outside)); diff != "" {
		t.Errorf("outside has changed:\n%s", diff)
	}
	// They can be looked at and got rid of.
	for _, l := range links {
		if _, err := fsys.Lstat(t.Context(), "/"+l.Name()); err != nil {
			t.Errorf("lstat: %v", err)
		}
		if l.Name() != "d" {
			must(t, fsys.Remove(t.Context(), "/"+l.Name()))
		}
	}
}

// TestReadlinkHidesHost: the text of a link that is absolute on the host never
// reaches a client.
func TestReadlinkHidesHost(t *testing.T) {
	fsys, home, outside := besides(t)
	for name, c := range map[string]struct{ text, want string }{
		"in": {home + "/d/f", "/d/f"}, "root": {home, "/"}, "rel": {"../outside", "../outside"},
		"out": {outside, ""}, "near": {home + "2", ""}, "up": {home + "/../outside", ""},
	} {
		must(t, os.Symlink(c.text, filepath.Join(home, name)))
		got, err := fsys.Readlink(t.Context(), "/"+name)
		if got != c.want || (c.want == "") != errors.Is(err, vfs.ErrPermission) {
			t.Errorf("%s: %q %v, want %q", name, got, err, c.want)
		}
	}
}

// TestTrailingSlash: a link whose text ends in a slash leads to directories only.
func TestTrailingSlash(t *testing.T) {
	fsys, home, _ := besides(t)
	must(t, os.Mkdir(filepath.Join(home, "d"), 0o755))
	must(t, os.WriteFile(filepath.Join(home, "d", "f"), nil, 0o644))
	must(t, os.Symlink("d/", filepath.Join(home, "dir")))
	must(t, os.Symlink("d/f/", filepath.Join(home, "file")))
	must(t, os.Symlink("dir/", filepath.Join(home, "dirdir")))
	for _, name := range []string{"/dir", "/dirdir"} {
		count := 0
		for _, err := range fsys.List(t.Context(), name) {
			must(t, err)
			count++
		}
		if count != 1 {
			t.Errorf("list %s: %d entries", name, count)
		}
		must(t, use(t, fsys, name+"/f", vfs.Read))
	}
	for what, err := range attempts(t, fsys, "/file") {
		if !errors.Is(err, vfs.ErrNotDir) {
			t.Errorf("%s: %v, want %v", what, err, vfs.ErrNotDir)
		}
	}
}

// TestSwapRace swaps a directory and a file for links to the outside, again and
// again, while everything is tried on them.
func TestSwapRace(t *testing.T) {
	fsys, home, outside := besides(t)
	for _, dir := range []string{"d", "e"} {
		must(t, os.MkdirAll(filepath.Join(home, dir, "sub"), 0o755))
		must(t, os.WriteFile(filepath.Join(home, dir, "f"), []byte("inside"), 0o644))
	}
	must(t, os.Symlink("../outside", filepath.Join(home, "d.link")))
	must(t, os.Symlink("../../outside/f", filepath.Join(home, "e", "f.link")))
	before := snapshot(t, outside)

	stop := make(chan struct{})
	var swapper sync.WaitGroup
	swapper.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				swap(filepath.Join(home, "d"))
				swap(filepath.Join(home, "e", "f"))
			}
		}
	})
	const operations = 10_000
	done, reached, refused := 0, 0, 0
	for done < operations {
		ends := []map[string]error{
			attempts(t, fsys, "/d/f"), attempts(t, fsys, "/e/f"), attempts(t, fsys, "/d/sub/../f"),
			changes(t, fsys, done),
		}
		for _, ended := range ends {
			for _, err := range ended {
				done++
				switch {
				case err == nil:
					reached++
				case errors.Is(err, vfs.ErrPermission):
					refused++
				}
			}
		}
	}
	close(stop)
	swapper.Wait()
	if _, err := fsys.Sweep(t.Context()); err != nil {
		t.Errorf("sweep: %v", err)
	}
	if diff := cmp.Diff(before, snapshot(t, outside)); diff != "" {
		t.Errorf("outside has changed:\n%s", diff)
	}
	t.Logf("%d operations, %d reached the inside, %d were refused", done, reached, refused)
	if reached == 0 || refused == 0 {
		t.Error("the race did not take place")
	}
}

// swap puts p.link in the place of p for a moment.
func swap(p string) {
	os.Rename(p, p+".real")
	os.Rename(p+".link", p)
	os.Rename(p, p+".link")
	os.Rename(p+".real", p)
}

// changes tries what alters directories.
func changes(t *testing.T, fsys *localfs.FS, n int) map[string]error {
	ctx, name := t.Context(), fmt.Sprintf("/d/n%d", n)
	ended := map[string]error{
		"mkdir":   fsys.Mkdir(ctx, name),
		"symlink": fsys.Symlink(ctx, "/e/f", name+"l"),
		"create":  use(t, fsys, name+"c", vfs.Write|vfs.Create|vfs.Excl),
		"stage":   use(t, fsys, name+"s", vfs.Write|vfs.Create|vfs.Truncate|vfs.Excl|vfs.Atomic),
		"rename":  fsys.Rename(ctx, name+"c", "/d/sub/r"),
		"steal":   fsys.Rename(ctx, "/d/sub/g", "/stolen"),
	}
	_, ended["readlink"] = fsys.Readlink(ctx, name+"l")
	for _, end := range []string{"", "l", "c", "s"} {
		ended["remove"+end] = fsys.Remove(ctx, name+end)
	}
	return ended
}
