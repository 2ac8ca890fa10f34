//go:build unix

package session_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// tree describes what lies below a directory of the home, a line each.
func (r *rig) tree(dir string) []string {
	r.t.Helper()
	var list []string
	root := filepath.Join(r.home, dir)
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(p, root)
		switch {
		case d.IsDir():
			list = append(list, name+"/")
		case d.Type() == fs.ModeSymlink:
			text, err := os.Readlink(p)
			list = append(list, name+" -> "+text)
			return err
		case !d.Type().IsRegular():
			list = append(list, name+" "+d.Type().String())
		default:
			b, err := os.ReadFile(p)
			list = append(list, name+" "+string(b))
			return err
		}
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return list
}

func (r *rig) seed() {
	r.write("d/a", "123")
	r.write("d/e/b", "45")
	r.write("d/e/empty", "")
	if err := os.MkdirAll(filepath.Join(r.home, "d/none"), 0o755); err != nil {
		r.t.Fatal(err)
	}
	r.count()
}

func TestCopyTree(t *testing.T) {
	for mode := range 3 {
		t.Run(fmt.Sprint("mode ", mode), func(t *testing.T) {
			r := newRig(t, session.Config{UploadMode: mode}, func(u *dataprovider.User) { u.QuotaSize, u.QuotaFiles = 100, 100 })
			r.seed()
			r.symlink("e/b", "d/link")
			r.symlink("missing", "d/dangling")
			s := r.open()
			must(t, s.CopyTree(t.Context(), "/d", "/x"))
			if diff := cmp.Diff(r.tree("d"), r.tree("x")); diff != "" {
				t.Error(diff)
			}
			must(t, s.Mkdir(t.Context(), "/y"), s.CopyTree(t.Context(), "d", "y/"), s.CopyTree(t.Context(), "/d/a", "/y/f"))
			if diff := cmp.Diff(r.tree("d"), r.tree("y/d")); diff != "" {
				t.Error(diff)
			}
			if r.content("y/f") != "123" {
				t.Errorf("the copy of a file has %q", r.content("y/f"))
			}
			r.exact(100)
			if got := r.events(); len(got) != 0 {
				t.Errorf("events %v", got)
			}
			if r.metrics.done != 0 {
				t.Errorf("%d transfers were counted", r.metrics.done)
			}
		})
	}
}

func TestCopyTreeOnPlainStorage(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1}, func(u *dataprovider.User) { u.QuotaSize, u.QuotaFiles = 100, 100 })
	r.seed()
	r.plain = true
	r.restart(session.Config{UploadMode: 1}, r.store)
	s := r.open()
	if c := s.Capabilities(); c != (session.Capabilities{Space: true}) { // by the quota
		t.Errorf("capabilities %+v", c)
	}
	must(t, s.CopyTree(t.Context(), "/d", "/x"))
	if diff := cmp.Diff(r.tree("d"), r.tree("x")); diff != "" {
		t.Error(diff)
	}
	r.exact(100)
	if got := r.events(); len(got) != 0 {
		t.Errorf("events %v", got)
	}
}

// TestFailedCopyLeavesNothing of the file, also where it was visible from the start.
func TestFailedCopyLeavesNothing(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 2}, func(u *dataprovider.User) { u.QuotaSize = 100 })
	r.seed()
	r.plain, r.broken = true, true
	r.restart(session.Config{UploadMode: 2}, r.store)
	s := r.open()
	if err := s.CopyTree(t.Context(), "/d/a", "/x"); !errors.Is(err, vfs.ErrNoSpace) {
		t.Error(err)
	}
	if err := s.CopyTree(t.Context(), "/d", "/y"); !errors.Is(err, vfs.ErrNoSpace) {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"/"}, r.tree("y")); diff != "" || r.content("x") != "-" {
		t.Errorf("left: %q %s", r.content("x"), diff)
	}
	r.exact(100)
	if got := r.events(); len(got) != 0 {
		t.Errorf("events %v", got)
	}
}

func TestCopyTreeRefused(t *testing.T) {
	r := newRig(t, session.Config{}, func(u *dataprovider.User) { u.Filters.MaxUploadFileSize = 5 })
	r.seed()
	r.write("big/f", "123456")
	r.write("file", "1")
	r.symlink("d", "dlink")
	r.symlink("file", "flink")
	r.symlink("../../out", "big/out")
	if err := syscall.Mkfifo(filepath.Join(r.home, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, os.Mkdir(filepath.Join(r.home, "up"), 0o755))
	r.symlink("../../x", "up/leaves")
	s := r.open()
	before := r.tree("")
	for _, c := range []struct {
		src, dst string
		want     error
	}{
		{"/d", "/file", vfs.ErrExist},
		{"/d", "/d", vfs.ErrExist},
		{"/file", "/file", vfs.ErrExist},
		{"/file", "/flink", vfs.ErrExist},
		{"/d", "/", vfs.ErrExist}, // into the root: there it is
		{"/d", "/d/x", vfs.ErrUnsupported},
		{"/d", "/d/e/", vfs.ErrUnsupported},
		{"/d", "/dlink/x", vfs.ErrUnsupported},
		{"/", "/x", vfs.ErrUnsupported},
		{"/dlink", "/x", vfs.ErrUnsupported},
		{"/flink", "/x", vfs.ErrUnsupported},
		{"/fifo", "/x", vfs.ErrUnsupported},
		{"/missing", "/x", vfs.ErrNotExist},
		{"/d", "/missing/x", vfs.ErrNotExist},
		{"/d", "/file/x", vfs.ErrNotDir},
		{"/big/f", "/x", session.ErrQuota},
		{"/big", "/x", session.ErrQuota},
		{"/up", "/x", vfs.ErrPermission},
		{"../d", "/x", vfs.ErrName},
		{"/d", "../x", vfs.ErrName},
		{"/d", "/" + vfs.StagingPrefix + "x", vfs.ErrName},
	} {
		if err := s.CopyTree(t.Context(), c.src, c.dst); !errors.Is(err, c.want) {
			t.Errorf("%s to %s: %v, want %v", c.src, c.dst, err, c.want)
		}
	}
	if diff := cmp.Diff(before, r.tree("")); diff != "" {
		t.Errorf("something was made: %s", diff)
	}
}

// TestCopyTreeRules: a rule on any entry refuses the whole before anything is made.
func TestCopyTreeRules(t *testing.T) {
	all := []string{"list", "download", "upload", "create_dirs", "create_symlinks"}
	but := func(perm string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(p string) bool { return p == perm })
	}
	filter := func(path string) func(u *dataprovider.User) {
		return func(u *dataprovider.User) {
			u.Filters.FilePatterns = []dataprovider.PatternsFilter{{Path: path, DeniedPatterns: []string{"b"}}}
		}
	}
	rule := func(dir string, perms []string) func(u *dataprovider.User) {
		return func(u *dataprovider.User) { u.Permissions = map[string][]string{"/": all, dir: perms} }
	}
	for _, c := range []struct {
		name   string
		change func(u *dataprovider.User)
		ok     bool
	}{
		{"what it takes", rule("/other", nil), true},
		{"no list below", rule("/d/e", but("list")), false},
		{"no download below", rule("/d/e", but("download")), false},
		{"no upload below the target", rule("/x/e", but("upload")), false},
		{"no create_dirs in the target", rule("/x", but("create_dirs")), false},
		{"no create_symlinks in the target", rule("/x", but("create_symlinks")), false},
		{"no create_dirs", rule("/", but("create_dirs")), false},
		{"filter on the source", filter("/d"), false},
		{"filter on the target", filter("/x"), false},
		{"filter elsewhere", filter("/other"), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, session.Config{}, func(u *dataprovider.User) { u.Permissions["/"] = all }, c.change)
			r.seed()
			r.symlink("a", "d/link")
			err := r.open().CopyTree(t.Context(), "/d", "/x")
			if (err == nil) != c.ok || !c.ok && !errors.Is(err, vfs.ErrPermission) {
				t.Error(err)
			}
			if made := r.tree("x"); (len(made) > 0) != c.ok {
				t.Errorf("made: %v", made)
			}
		})
	}
}

func TestCopyTreeQuota(t *testing.T) {
	for _, c := range []struct {
		name        string
		files, size int
		ok          bool
	}{
		{"just enough", 6, 10, true},
		{"one file too many", 5, 100, false},
		{"one byte too many", 100, 9, false},
		{"full", 3, 100, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, session.Config{}, func(u *dataprovider.User) { u.QuotaFiles, u.QuotaSize = c.files, int64(c.size) })
			r.seed()
			s := r.open()
			err := s.CopyTree(t.Context(), "/d", "/x")
			if (err == nil) != c.ok || !c.ok && !errors.Is(err, session.ErrQuota) {
				t.Error(err)
			}
			if made := r.tree("x"); (len(made) > 0) != c.ok {
				t.Errorf("made: %v", made)
			}
			r.exact(int64(c.size))
			if !c.ok && c.name != "full" { // what was reserved is free again
				must(t, upload(s, "/y", "1234", put, nil))
			}
		})
	}
}

// TestCopyTreeEnds with the session and with the context, and leaves no part of a
// file.
func TestCopyTreeEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(s *session.Session, cancel context.CancelFunc)
		want error
	}{
		{"context", func(_ *session.Session, cancel context.CancelFunc) { cancel() }, context.Canceled},
		{"session", func(s *session.Session, _ context.CancelFunc) {
			go s.Close() // it waits for the copy
			<-s.Context().Done()
		}, session.ErrClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, session.Config{})
			r.seed()
			s := r.open()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			// The second file states its intention: then it ends.
			begun := 0
			store := &dyingStore{Store: r.store}
			store.onBegin = func() {
				if begun++; begun == 2 {
					c.end(s, cancel)
				}
			}
			r.restart(session.Config{}, store)
			s = r.open()
			if err := s.CopyTree(ctx, "/d", "/x"); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if made := r.tree("x"); !slices.Contains(made, "/a 123") || slices.Contains(made, "/none/") {
				t.Errorf("made: %v", made)
			}
			r.manager.Retry(t.Context())
			r.exact(0)
		})
	}
}

// TestCopyTreeCrash: usage is right, and nobody is told.
func TestCopyTreeCrash(t *testing.T) {
	for _, at := range []string{"settle", "drop"} {
		t.Run(at, func(t *testing.T) {
			r := newRig(t, session.Config{})
			r.seed()
			store := &dyingStore{Store: r.store}
			r.restart(session.Config{}, store)
			s := r.open()
			store.dieAt = at
			_ = s.CopyTree(t.Context(), "/d", "/x")
			r.restart(session.Config{}, r.store)
			if _, err := r.manager.Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.exact(0)
			if got := r.events(); len(got) != 0 {
				t.Errorf("events %v", got)
			}
		})
	}
}
