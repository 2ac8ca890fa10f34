//go:build unix

package localfs_test

import (
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

const (
	inPlace = vfs.Write | vfs.Create | vfs.Truncate
	staged  = inPlace | vfs.Atomic
)

// TestOwner: what is made belongs to the user, what is replaced to whom it did.
func TestOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root sets owners")
	}
	home := filepath.Join(t.TempDir(), "parent", "home")
	fsys, err := localfs.New(t.Context(), localfs.Config{Root: home, UID: 1234, GID: 2345}, nil)
	must(t, err)
	defer fsys.Close()
	ctx := t.Context()
	for _, n := range []string{"old-inplace", "old-staged"} {
		must(t, os.WriteFile(filepath.Join(home, n), nil, 0o604))
		must(t, os.Chown(filepath.Join(home, n), 777, 888))
	}
	must(t, fsys.Mkdir(ctx, "/d"))
	must(t, fsys.Symlink(ctx, "d/none", "/link"))
	must(t, fsys.Symlink(ctx, "dangling-made", "/dangling"))
	for name, mode := range map[string]vfs.Mode{
		"/inplace": inPlace, "/excl": inPlace | vfs.Excl, "/staged": staged, "/d/exclstaged": staged | vfs.Excl,
		"/old-inplace": inPlace, "/old-staged": staged, "/dangling": inPlace,
	} {
		must(t, use(t, fsys, name, mode))
	}
	for name, want := range map[string][2]uint32{
		"": {1234, 2345}, "d": {1234, 2345}, "link": {1234, 2345}, "inplace": {1234, 2345}, "excl": {1234, 2345},
		"staged": {1234, 2345}, "d/exclstaged": {1234, 2345}, "dangling-made": {1234, 2345},
		"old-inplace": {777, 888}, "old-staged": {777, 888}, "../": {0, 0},
	} {
		fi, err := os.Lstat(filepath.Join(home, name))
		must(t, err)
		st := fi.Sys().(*syscall.Stat_t)
		if got := [2]uint32{st.Uid, st.Gid}; got != want {
			t.Errorf("%q belongs to %d, want %d", name, got, want)
		}
	}
	if fi, err := os.Stat(filepath.Join(home, "old-staged")); err != nil || fi.Mode().Perm() != 0o604 {
		t.Errorf("replaced: %v %v", fi.Mode(), err)
	}
	uid, gid := 55, 66
	must(t, fsys.SetAttrs(ctx, "/staged", vfs.Attrs{UID: &uid}))
	f := create(t, fsys, "/inplace", vfs.Read)
	a, _ := vfs.As[vfs.FileAttrSetter](f)
	must(t, a.SetAttrs(ctx, vfs.Attrs{GID: &gid}))
	for name, want := range map[string][2]uint32{"/staged": {55, 2345}, "/inplace": {1234, 66}} {
		fi, err := fsys.Stat(ctx, name)
		must(t, err)
		st := fi.Sys().(*syscall.Stat_t)
		if got := [2]uint32{st.Uid, st.Gid}; got != want {
			t.Errorf("%q belongs to %d, want %d", name, got, want)
		}
	}
}

// TestOwnerOfExistingRoot: a directory that was there is nobody's to give away.
func TestOwnerOfExistingRoot(t *testing.T) {
	home := t.TempDir()
	fsys, err := localfs.New(t.Context(), localfs.Config{Root: home, UID: 1234}, nil)
	must(t, err)
	defer fsys.Close()
	fi, err := os.Stat(home)
	must(t, err)
	if st := fi.Sys().(*syscall.Stat_t); int(st.Uid) != os.Geteuid() {
		t.Errorf("the root belongs to %d now", st.Uid)
	}
}

const childNobody = "LOCALFS_TEST_AS_NOBODY"

// TestPermission: what the operating system forbids is vfs.ErrPermission. Root is
// forbidden nothing, so it runs the test again as somebody else.
func TestPermission(t *testing.T) {
	if os.Geteuid() == 0 {
		again(t)
		return
	}
	home := filepath.Join(t.TempDir(), "home")
	if dir := os.Getenv(childNobody); dir != "" {
		home = filepath.Join(dir, "home")
	}
	var log bytes.Buffer
	fsys, err := localfs.New(t.Context(), localfs.Config{Root: home, UID: 1, GID: 1}, slog.New(slog.NewTextHandler(&log, nil)))
	must(t, err)
	defer fsys.Close()
	ctx := t.Context()
	must(t, fsys.Mkdir(ctx, "/closed"))
	must(t, use(t, fsys, "/closed/f", staged))
	must(t, use(t, fsys, "/f", staged))
	must(t, os.Chmod(filepath.Join(home, "f"), 0))
	must(t, os.Chmod(filepath.Join(home, "closed"), 0))
	defer os.Chmod(filepath.Join(home, "closed"), 0o700)
	for what, err := range attempts(t, fsys, "/closed/f") {
		wantError(t, what+" below a closed directory", err, vfs.ErrPermission)
	}
	for _, mode := range []vfs.Mode{vfs.Read, vfs.Write, inPlace} {
		_, err := fsys.Open(ctx, "/f", mode)
		wantError(t, "open", err, vfs.ErrPermission)
	}
	size := int64(0)
	wantError(t, "truncate", fsys.SetAttrs(ctx, "/f", vfs.Attrs{Size: &size}), vfs.ErrPermission)
	must(t, use(t, fsys, "/f", staged)) // as rename(2): it is the directory that counts
	if fi, err := fsys.Stat(ctx, "/f"); err != nil || fi.Mode().Perm() != 0 {
		t.Errorf("replaced: %v %v", fi.Mode(), err)
	}
	wantError(t, "mkdir", fsys.Mkdir(ctx, "/closed/d"), vfs.ErrPermission)
	wantError(t, "remove", fsys.Remove(ctx, "/closed/f"), vfs.ErrPermission)
	wantError(t, "rename", fsys.Rename(ctx, "/f", "/closed/g"), vfs.ErrPermission)
	uid := 0
	wantError(t, "chown", fsys.SetAttrs(ctx, "/f", vfs.Attrs{UID: &uid}), vfs.ErrPermission)
	_, err = fsys.Sweep(ctx)
	wantError(t, "sweep", err, vfs.ErrPermission)
	if log.Len() != 0 {
		t.Errorf("tried to set owners without being root: %s", log.String())
	}
}

// again runs this test in a child that is not root.
func again(t *testing.T) {
	dir, err := os.MkdirTemp("", "localfs")
	must(t, err)
	defer os.RemoveAll(dir)
	must(t, os.Chmod(dir, 0o755))
	self, err := os.Executable()
	must(t, err)
	b, err := os.ReadFile(self)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "test"), b, 0o755))
	work := filepath.Join(dir, "work")
	must(t, os.Mkdir(work, 0o700))
	const nobody = 65534
	must(t, os.Chown(work, nobody, nobody))
	cmd := exec.Command(filepath.Join(dir, "test"), "-test.run=^TestPermission$", "-test.v")
	cmd.Dir = work
	cmd.Env = append(os.Environ(), childNobody+"="+work, "TMPDIR="+work, "GOCOVERDIR="+work)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestPermission")) {
		t.Errorf("as somebody else: %v\n%s", err, out)
	}
}
