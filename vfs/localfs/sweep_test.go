//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package localfs_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

const childRoot = "LOCALFS_TEST_UPLOAD_TO"

// TestChildUpload is the other process of the sweep tests: it stages two
// uploads and waits to be killed.
func TestChildUpload(t *testing.T) {
	root := os.Getenv(childRoot)
	if root == "" {
		t.Skip("runs as a child of the sweep tests only")
	}
	fsys := openAt(t, root)
	for _, name := range []string{"/top", "/a/b/deep"} {
		f := create(t, fsys, name, vfs.Write|vfs.Create|vfs.Truncate|vfs.Atomic)
		if _, err := io.WriteString(f, "half of the content"); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}

// uploader starts the other process and returns when its uploads are staged.
func uploader(t *testing.T, root string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	cmd := exec.Command(self, "-test.run=^TestChildUpload$")
	cmd.Env = append(os.Environ(), childRoot+"="+root)
	_, err = cmd.StdinPipe() // open until the process ends
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { kill(cmd) })
	for s := bufio.NewScanner(out); s.Scan(); {
		if s.Text() == "ready" {
			return cmd
		}
	}
	t.Fatal("the other process did not get ready")
	return nil
}

func kill(cmd *exec.Cmd) {
	cmd.Process.Kill()
	cmd.Wait()
}

// leftovers returns the base names of the staged files below root.
func leftovers(t *testing.T, root string) []string {
	t.Helper()
	var found []string
	for p := range snapshot(t, root) {
		if strings.HasPrefix(filepath.Base(p), vfs.StagingPrefix) {
			found = append(found, p)
		}
	}
	slices.Sort(found)
	return found
}

func sweeps(t *testing.T, fsys *localfs.FS, want int) {
	t.Helper()
	n, err := fsys.Sweep(t.Context())
	if n != want || err != nil {
		t.Errorf("swept %d files, %v; want %d", n, err, want)
	}
}

func TestSweep(t *testing.T) {
	fsys, home := open(t)
	must(t, os.MkdirAll(filepath.Join(home, "a", "b"), 0o755))
	must(t, os.WriteFile(filepath.Join(home, "top"), []byte("old"), 0o644))
	other := uploader(t, home)
	own := create(t, fsys, "/own", vfs.Write|vfs.Create|vfs.Truncate|vfs.Atomic)
	if got := leftovers(t, home); len(got) != 3 {
		t.Fatalf("staged: %q, want three", got)
	}
	sweeps(t, fsys, 0)
	kill(other)
	if got := leftovers(t, home); len(got) != 3 {
		t.Fatalf("after the kill: %q, want three", got)
	}
	sweeps(t, fsys, 2)
	sweeps(t, fsys, 0)
	if got := leftovers(t, home); len(got) != 1 {
		t.Errorf("after the sweep: %q, want our own", got)
	}
	must(t, own.Commit(t.Context()))
	must(t, own.Close())
	if b, err := os.ReadFile(filepath.Join(home, "top")); string(b) != "old" || err != nil {
		t.Errorf("the old file: %q %v", b, err)
	}
	if got := leftovers(t, home); len(got) != 0 {
		t.Errorf("at the end: %q", got)
	}
}

// TestRemoveAfterCrash: a directory that looks empty can be removed at once if
// only a killed process has left something, and is busy while one is at work.
func TestRemoveAfterCrash(t *testing.T) {
	fsys, home := open(t)
	must(t, os.MkdirAll(filepath.Join(home, "a", "b"), 0o755))
	other := uploader(t, home)
	if err := fsys.Remove(t.Context(), "/a/b"); !errors.Is(err, vfs.ErrBusy) {
		t.Errorf("with an upload: %v, want %v", err, vfs.ErrBusy)
	}
	kill(other)
	must(t, os.WriteFile(filepath.Join(home, "a", "b", "f"), nil, 0o644))
	if err := fsys.Remove(t.Context(), "/a/b"); !errors.Is(err, vfs.ErrNotEmpty) {
		t.Errorf("with a file: %v, want %v", err, vfs.ErrNotEmpty)
	}
	must(t, fsys.Remove(t.Context(), "/a/b/f"))
	must(t, fsys.Remove(t.Context(), "/a/b"))
}

// TestSweepLeaves: only regular files of that name, and no tree behind a link.
func TestSweepLeaves(t *testing.T) {
	fsys, home, outside := besides(t)
	staged := vfs.StagingPrefix + "0.f"
	must(t, os.WriteFile(filepath.Join(outside, staged), nil, 0o644))
	must(t, os.Symlink(outside, filepath.Join(home, "abs")))
	must(t, os.Symlink("../outside", filepath.Join(home, "rel")))
	must(t, os.Symlink("../outside/f", filepath.Join(home, vfs.StagingPrefix+"link")))
	must(t, os.Mkdir(filepath.Join(home, vfs.StagingPrefix+"dir"), 0o755))
	must(t, os.WriteFile(filepath.Join(home, vfs.StagingPrefix+"dir", staged), nil, 0o644))
	must(t, os.Mkdir(filepath.Join(home, "d"), 0o755))
	must(t, os.Symlink(".", filepath.Join(home, "d", "loop")))
	must(t, os.WriteFile(filepath.Join(home, "d", staged), nil, 0o644))
	before := snapshot(t, outside)
	sweeps(t, fsys, 2)
	if after := snapshot(t, outside); len(after) != len(before) {
		t.Errorf("swept outside: %v", after)
	}
	if got := leftovers(t, home); len(got) != 2 {
		t.Errorf("left: %q, want the link and the directory", got)
	}
}

// TestSweepCancelled stops in the middle of a tree.
func TestSweepCancelled(t *testing.T) {
	fsys, home := open(t)
	for i := range 300 {
		dir := filepath.Join(home, fmt.Sprint("d", i))
		must(t, os.Mkdir(dir, 0o755))
		must(t, os.WriteFile(filepath.Join(dir, vfs.StagingPrefix+"x"), nil, 0o644))
	}
	n, err := fsys.Sweep(&doneAfter{Context: t.Context(), looks: 500})
	if !errors.Is(err, context.Canceled) || n == 0 || n == 300 {
		t.Errorf("swept %d, %v; want some and %v", n, err, context.Canceled)
	}
	sweeps(t, fsys, 300-n)
}

// doneAfter is done when it has been looked at so many times.
type doneAfter struct {
	context.Context
	looks int
}

func (c *doneAfter) Err() error {
	if c.looks--; c.looks < 0 {
		return context.Canceled
	}
	return nil
}

// TestSweepDuringUploads: none is lost, not even between its making and its lock.
func TestSweepDuringUploads(t *testing.T) {
	fsys, home := open(t)
	done := make(chan struct{})
	var sweeping, writing sync.WaitGroup
	for range 2 {
		sweeping.Go(func() {
			for {
				// A file made and not yet locked may go; its writer makes another.
				if _, err := fsys.Sweep(t.Context()); err != nil {
					t.Errorf("sweep: %v", err)
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
	const writers, files = 4, 150
	for w := range writers {
		writing.Go(func() {
			for i := range files {
				mode := vfs.Write | vfs.Create | vfs.Truncate | vfs.Atomic
				if i%2 == 0 {
					mode |= vfs.Excl
				}
				if err := use(t, fsys, fmt.Sprintf("/w%d-%d", w, i), mode); err != nil {
					t.Errorf("upload: %v", err)
				}
			}
		})
	}
	writing.Wait()
	close(done)
	sweeping.Wait()
	entries, err := os.ReadDir(home)
	must(t, err)
	if len(entries) != writers*files {
		t.Errorf("%d files, want %d", len(entries), writers*files)
	}
}
