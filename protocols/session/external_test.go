package session_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// use is a program that writes to the names.
func use(names ...string) session.ExternalUse {
	u := session.ExternalUse{Command: "rsync", Writes: true}
	for _, n := range names {
		u.Targets = append(u.Targets, session.ExternalTarget{Name: n, Follow: true})
	}
	return u
}

func (r *rig) counted() {
	r.t.Helper()
	if got, want := r.usage(), r.walk(); got != want {
		r.t.Errorf("usage %v, there is %v", got, want)
	}
}

func external(t *testing.T, s *session.Session, u session.ExternalUse) *session.External {
	t.Helper()
	x, err := s.External(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func end(t *testing.T, x *session.External) {
	t.Helper()
	if err := x.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestExternalIsCounted(t *testing.T) {
	r := newRig(t, session.Config{})
	s := r.open()
	if err := upload(s, "old", "0123456789", put, nil); err != nil {
		t.Fatal(err)
	}
	x := external(t, s, use("/"))
	r.write("dir/new", "12345")
	r.removeOutside("old")
	end(t, x)
	r.counted()
	if got := r.usage(); got != (dataprovider.Amount{Files: 1, Bytes: 5}) {
		t.Errorf("usage %v", got)
	}
}

// What a program only reads is not counted: a home of many files would make each
// clone expensive.
func TestExternalReader(t *testing.T) {
	r := newRig(t, session.Config{})
	s := r.open()
	r.write("f", "12345") // nobody counted it
	u := use("/")
	u.Writes = false
	end(t, external(t, s, u))
	if got := r.usage(); !got.IsZero() {
		t.Errorf("usage %v", got)
	}
}

// Other sessions write, replace, rename and remove while programs run; all is
// counted once.
func TestExternalBesideOthers(t *testing.T) {
	r := newRig(t, session.Config{})
	s := r.open()
	for i := range 20 {
		if err := upload(s, fmt.Sprintf("f%d", i), strings.Repeat("x", 100*i), put, nil); err != nil {
			t.Fatal(err)
		}
	}
	open := func(name string) *session.Transfer {
		tr, err := s.Upload(t.Context(), name, vfs.Write)
		if err != nil {
			t.Fatal(err)
		}
		return tr
	}
	replaced, removed, moved, kept := open("f1"), open("f2"), open("f3"), open("f4")
	x := external(t, s, use("/"))
	y := external(t, s, use("/"))

	write := func(tr *session.Transfer, n int) {
		if _, err := tr.WriteAt([]byte(strings.Repeat("y", n)), 50); err != nil {
			t.Error(err)
		}
	}
	r.write("f1.new", "replaced by the program")
	if err := os.Rename(filepath.Join(r.home, "f1.new"), filepath.Join(r.home, "f1")); err != nil {
		t.Fatal(err)
	}
	r.removeOutside("f2")
	if err := os.Rename(filepath.Join(r.home, "f3"), filepath.Join(r.home, "g3")); err != nil {
		t.Fatal(err)
	}
	write(replaced, 5000)
	write(removed, 6000)
	write(moved, 7000)
	write(kept, 8000)
	end(t, x) // in the middle of all

	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for k := range 20 {
				name := fmt.Sprintf("own%d-%d", i, k%3)
				err := upload(s, name, strings.Repeat("z", 10*k), put, nil)
				if err == nil && k%3 == 0 {
					err = s.Rename(t.Context(), name, fmt.Sprintf("moved%d", i))
				}
				if err == nil && k%3 == 1 {
					err = s.Remove(t.Context(), name)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			z := external(t, s, use("/"))
			for k := range 10 {
				if err := os.WriteFile(filepath.Join(r.home, fmt.Sprintf("ext%d-%d", i, k)), make([]byte, 11*k), 0o644); err != nil {
					t.Error(err)
				}
			}
			end(t, z)
		})
	}
	wg.Wait()
	for _, tr := range []*session.Transfer{replaced, removed, moved, kept} {
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
	}
	end(t, y)
	r.counted()
	if err := upload(s, "after", "all gates are open", put, nil); err != nil {
		t.Fatal(err)
	}
	r.counted()
}

// The end of the session ends the program, and it is counted all the same.
func TestExternalOutlivesSession(t *testing.T) {
	r := newRig(t, session.Config{})
	s := r.open()
	x := external(t, s, use("/"))
	r.write("half", "12")
	s.Close()
	select {
	case <-x.Context().Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the program may go on")
	}
	r.write("more", "345")
	end(t, x)
	r.counted()
}

// A crash while a program writes is healed at the next start.
func TestExternalAfterCrash(t *testing.T) {
	r := newRig(t, session.Config{})
	s := r.open()
	if err := upload(s, "old", "0123456789", put, nil); err != nil {
		t.Fatal(err)
	}
	other, err := s.Upload(t.Context(), "inplace", put)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Write([]byte("123")); err != nil {
		t.Fatal(err)
	}
	external(t, s, use("/dir")) // never ends
	r.write("dir/new", "12345")
	r.events()
	r.restart(session.Config{}, r.store)
	n, err := r.manager.Recover(t.Context())
	if err != nil || n != 2 {
		t.Fatal(n, err)
	}
	r.counted()
	if diff := cmp.Diff([]string{"upload.part /inplace 0 3", "ssh.cmd /dir 0 0"}, r.events()); diff != "" {
		t.Error(diff)
	}
	if n, err = r.manager.Recover(t.Context()); err != nil || n != 0 {
		t.Error(n, err)
	}
}

// When the count fails the intention stays.
func TestExternalCannotBeCounted(t *testing.T) {
	r := newRig(t, session.Config{})
	s := r.open()
	x := external(t, s, use("/dir"))
	away := r.home + ".away"
	if err := os.Rename(r.home, away); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(r.home, 0o755); err != nil { // the disk is not mounted
		t.Fatal(err)
	}
	_ = x.Close(t.Context()) // it still has the directory open
	x = external(t, s, use("/"))
	_ = x
	r.restart(session.Config{}, r.store)
	if n, err := r.manager.Recover(t.Context()); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if err := os.Remove(r.home); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(away, r.home); err != nil {
		t.Fatal(err)
	}
	r.write("f", "123")
	if n, err := r.manager.Recover(t.Context()); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	r.counted()
}

func TestExternalRules(t *testing.T) {
	six := []string{"list", "download", "upload", "create_dirs", "overwrite", "delete"}
	but := func(perm string) (list []string) {
		for _, p := range six {
			if p != perm {
				list = append(list, p)
			}
		}
		return list
	}
	perms := func(m map[string][]string) func(*dataprovider.User) {
		return func(u *dataprovider.User) { u.Permissions = m }
	}
	pattern := func(at string) func(*dataprovider.User) {
		return func(u *dataprovider.User) {
			u.Filters.FilePatterns = []dataprovider.PatternsFilter{{Path: at, DeniedPatterns: []string{"*.x"}}}
		}
	}
	extension := func(at string) func(*dataprovider.User) {
		return func(u *dataprovider.User) {
			u.Filters.FileExtensions = []dataprovider.ExtensionsFilter{{Path: at, DeniedExtensions: []string{".x"}}}
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*dataprovider.User)
		target string
		want   error
	}{
		{"six are enough", perms(map[string][]string{"/": six}), "/a", nil},
		{"without list", perms(map[string][]string{"/": but("list")}), "/a", vfs.ErrPermission},
		{"without download", perms(map[string][]string{"/": but("download")}), "/a", vfs.ErrPermission},
		{"without upload", perms(map[string][]string{"/": but("upload")}), "/a", vfs.ErrPermission},
		{"without create_dirs", perms(map[string][]string{"/": but("create_dirs")}), "/a", vfs.ErrPermission},
		{"without overwrite", perms(map[string][]string{"/": but("overwrite")}), "/a", vfs.ErrPermission},
		{"without delete", perms(map[string][]string{"/": but("delete")}), "/a", vfs.ErrPermission},
		{"narrower below", perms(map[string][]string{"/": {"*"}, "/a/b": {"list"}}), "/a", vfs.ErrPermission},
		{"narrower beside", perms(map[string][]string{"/": {"*"}, "/b": {"list"}}), "/a", nil},
		{"alike below", perms(map[string][]string{"/": {"*"}, "/a/b": six}), "/a", nil},
		{"only here", perms(map[string][]string{"/": {"list"}, "/a": six}), "/a/b", nil},
		{"a new directory, narrower beside it", perms(map[string][]string{"/": {"*"}, "/a/b": {"list"}}), "/a/new", vfs.ErrPermission},
		{"by a link to what is narrower", perms(map[string][]string{"/": {"*"}, "/a/b": {"list"}}), "/link", vfs.ErrPermission},
		{"pattern above", pattern("/"), "/a", vfs.ErrPermission},
		{"pattern on it", pattern("/a"), "/a", vfs.ErrPermission},
		{"pattern below", pattern("/a/b/c"), "/a", vfs.ErrPermission},
		{"pattern beside", pattern("/b"), "/a", nil},
		{"extension above", extension("/"), "/a", vfs.ErrPermission},
		{"extension below", extension("/a/b"), "/a", vfs.ErrPermission},
		{"out of the home", perms(map[string][]string{"/": {"*"}}), "/out", vfs.ErrPermission},
		{"below what leads out of the home", perms(map[string][]string{"/": {"*"}}), "/out/passwd", vfs.ErrPermission},
		{"above the home", perms(map[string][]string{"/": {"*"}}), "../../a", vfs.ErrName},
		{"no name", perms(map[string][]string{"/": {"*"}}), "a\x00b", vfs.ErrName},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, session.Config{}, tt.change)
			s := r.open()
			if err := os.MkdirAll(filepath.Join(r.home, "a/b"), 0o755); err != nil {
				t.Fatal(err)
			}
			for link, to := range map[string]string{"link": "a/b", "out": "/etc"} {
				if err := os.Symlink(to, filepath.Join(r.home, link)); err != nil {
					t.Fatal(err)
				}
			}
			x, err := s.External(t.Context(), use(tt.target))
			if !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if err == nil {
				end(t, x)
			}
		})
	}
}

func TestExternalTrees(t *testing.T) {
	r := newRig(t, session.Config{})
	s := r.open()
	r.write("a/b/file", "")
	for link, to := range map[string]string{"link": "a/b", "a/tofile": "b/file"} {
		if err := os.Symlink(to, filepath.Join(r.home, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name   string
		follow bool
		want   string
	}{
		{"/", true, "/ in /"},
		{"a/b", true, "/a/b in /a/b"},
		{"link", true, "/a/b in /a/b"},
		{"link", false, "/link in /"},
		{"link/file", false, "/a/b/file in /a/b"},
		{"a/tofile", true, "/a/b/file in /a/b"},
		{"a/tofile", false, "/a/tofile in /a"},
		{"a/new", true, "/a/new in /a"},
		{"link/new", true, "/a/b/new in /a/b"},
		{"a/n/e/w", true, "/a/n/e/w in /a"},
	} {
		x := external(t, s, session.ExternalUse{
			Command: "rsync", Targets: []session.ExternalTarget{{Name: tt.name, Follow: tt.follow}},
		})
		got := fmt.Sprintf("%s in %s", x.Names()[0], x.Trees()[0].Name)
		if got != tt.want {
			t.Errorf("%s %v: %s, want %s", tt.name, tt.follow, got, tt.want)
		}
		end(t, x)
	}
	x := external(t, s, use("a/b", "a", "link", "a/b/file"))
	if len(x.Trees()) != 1 || x.Trees()[0].Name != "/a" {
		t.Errorf("trees %v", x.Trees())
	}
	end(t, x)
}

func TestExternalQuota(t *testing.T) {
	r := newRig(t, session.Config{}, func(u *dataprovider.User) { u.QuotaSize = 1000 })
	s := r.open()
	x := external(t, s, use("/"))
	if err := x.Received(900); err != nil {
		t.Fatal(err)
	}
	if err := upload(s, "other", strings.Repeat("x", 200), put, nil); !errors.Is(err, session.ErrQuota) {
		t.Errorf("what the program will take is given away: %v", err)
	}
	if err := x.Received(200); !errors.Is(err, session.ErrQuota) {
		t.Errorf("received too much: %v", err)
	}
	if err := context.Cause(x.Context()); !errors.Is(err, session.ErrQuota) {
		t.Errorf("goes on: %v", err)
	}
	end(t, x)
	if err := upload(s, "other", strings.Repeat("x", 200), put, nil); err != nil {
		t.Errorf("room is not given back: %v", err)
	}
	r.counted()

	// What did not come from the client.
	x = external(t, s, use("/"))
	if x.MaxFileSize() != 1000 {
		t.Errorf("file size %d", x.MaxFileSize())
	}
	r.write("bomb", strings.Repeat("x", 900))
	select {
	case <-x.Context().Done():
	case <-time.After(20 * time.Second):
	}
	if err := context.Cause(x.Context()); !errors.Is(err, session.ErrQuota) {
		t.Errorf("goes on: %v", err)
	}
	end(t, x)
	r.counted()
	if _, err := s.External(t.Context(), use("/")); !errors.Is(err, session.ErrQuota) {
		t.Errorf("begins over quota: %v", err)
	}
}
