package session_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

func property(local, value string) dataprovider.PropertyChange {
	return dataprovider.PropertyChange{Property: dataprovider.Property{
		PropertyName: dataprovider.PropertyName{Space: "urn:x", Local: local}, XML: value,
	}}
}

// mark gives names a property that tells the name.
func mark(t *testing.T, s *session.Session, names ...string) {
	t.Helper()
	for _, name := range names {
		patch := session.PropertyPatch{Changes: []dataprovider.PropertyChange{property("p", name)}}
		if err := s.PatchProperties(t.Context(), name, patch); err != nil {
			t.Fatal(err)
		}
	}
}

// marked compares the marks of names: "name=mark", or "name" without one.
func marked(t *testing.T, s *session.Session, lines ...string) {
	t.Helper()
	for _, line := range lines {
		name, want, _ := strings.Cut(line, "=")
		list, err := s.Properties(t.Context(), name)
		got := ""
		if len(list) > 0 {
			got = list[0].XML
		}
		if err != nil || got != want {
			t.Errorf("%s is marked %q, %v, want %q", name, got, err, want)
		}
	}
}

// deaf hooks want nothing.
type deaf struct{ actions.Nobody }

// unheard makes a manager that neither tells of changes nor counts them: nothing
// but properties is a reason to record an intention.
func (r *rig) unheard(mode int, store dataprovider.Store) {
	log := slog.New(slog.DiscardHandler)
	r.manager = session.NewManager(store, deaf{}, []vfs.Factory{localfs.NewFactory(log)}, r.metrics, log, 0,
		session.Config{UploadMode: mode})
}

func unheard(t *testing.T, mode int) *rig {
	t.Helper()
	r := newRig(t, session.Config{})
	r.unheard(mode, r.store)
	return r
}

func TestPropertiesGoAlong(t *testing.T) {
	for _, mode := range []int{0, 1} {
		r := unheard(t, mode)
		for _, name := range []string{"a", "b", "d/x", "d/sub/y", "keep", "gone", "tree/in/f"} {
			r.write(name, name)
		}
		s := r.open()
		ctx := t.Context()
		mark(t, s, "/a", "/b", "/d", "/d/x", "/d/sub/y", "/keep", "/gone", "/tree", "/tree/in/f", "/")
		do := func(err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		do(s.Rename(ctx, "/a", "/b")) // replaces
		do(s.Rename(ctx, "/d", "/e"))
		do(upload(s, "/keep", "new", put, nil))
		do(s.Remove(ctx, "/gone"))
		do(s.RemoveAll(ctx, "/tree"))
		marked(t, s, "/=/", "/b=/a", "/a", "/d", "/e=/d", "/e/x=/d/x", "/e/sub/y=/d/sub/y", "/keep=/keep",
			"/gone", "/tree", "/tree/in/f")
		do(upload(s, "/gone", "again", put, nil))
		do(s.Mkdir(ctx, "/tree"))
		marked(t, s, "/gone", "/tree")

		do(s.Copy(ctx, "/b", "/copy"))
		do(s.Copy(ctx, "/gone", "/keep")) // which had some, and the source has not
		do(s.MkdirLike(ctx, "/e", "/like"))
		do(s.CopyTree(ctx, "/e", "/etree"))
		marked(t, s, "/copy=/a", "/keep", "/like=/d", "/like/x", "/etree=/d", "/etree/x=/d/x", "/etree/sub/y=/d/sub/y", "/b=/a")

		// A new file does not have those of one that went without us.
		for _, name := range []string{"/e/x", "/copy", "/b"} {
			r.removeOutside(name)
		}
		do(upload(s, "/e/x", "another", put, nil))
		do(s.Symlink(ctx, "e", "/copy"))
		do(s.Link(ctx, "/keep", "/b"))
		marked(t, s, "/e/x", "/copy", "/b")
	}
}

// Another user of the same tree, from a home within it, sees the same.
func TestPropertiesOfOneTree(t *testing.T) {
	r := unheard(t, 1)
	r.write("team/f", "")
	s := r.open()
	mark(t, s, "/team", "/team/f")
	bob := r.user
	bob.Username, bob.HomeDir = "bob", filepath.Join(r.home, "team")
	if _, err := r.store.Users().Put(t.Context(), bob, 0); err != nil {
		t.Fatal(err)
	}
	r.user = bob
	b := r.open()
	marked(t, b, "/=/team", "/f=/team/f")
	if err := b.Rename(t.Context(), "/f", "/g"); err != nil {
		t.Error(err)
	}
	marked(t, s, "/team/g=/team/f", "/team/f")
	r.symlink("team", "link")
	marked(t, s, "/link/g=/team/f", "/link")
}

func TestPropertiesNeedPermission(t *testing.T) {
	cfg := session.Config{}
	r := newRig(t, cfg, func(u *dataprovider.User) {
		u.Permissions = map[string][]string{
			"/": {"list", "download"}, "/in": {"list", "upload"}, "/out": {"list", "overwrite"}, "/blind": {"upload", "overwrite"},
		}
	})
	for _, name := range []string{"f", "in/f", "out/f", "blind/f"} {
		r.write(name, "")
	}
	s := r.open()
	patch := session.PropertyPatch{Changes: []dataprovider.PropertyChange{property("p", "x")}, Modified: time.Unix(1e9, 0)}
	for name, want := range map[string]error{
		"/f": vfs.ErrPermission, "/": vfs.ErrPermission, "/in/f": vfs.ErrPermission, "/in": nil, "/out/f": nil, "/out": nil,
		"/blind/f": nil, "/none": vfs.ErrNotExist,
	} {
		if err := s.PatchProperties(t.Context(), name, patch); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("patch of %s = %v, want %v", name, err, want)
		}
	}
	if _, err := s.Properties(t.Context(), "/blind/f"); !errors.Is(err, vfs.ErrPermission) {
		t.Errorf("Properties without list = %v", err)
	}
	if _, err := s.Members(t.Context(), "/blind"); !errors.Is(err, vfs.ErrPermission) {
		t.Errorf("Members without list = %v", err)
	}
	// Without chtimes the time stays, and nothing fails.
	if info, err := s.Stat(t.Context(), "/out/f"); err != nil || info.ModTime().Equal(patch.Modified) {
		t.Errorf("%v, %v", info.ModTime(), err)
	}
}

func TestPropertiesSetTheTime(t *testing.T) {
	r := unheard(t, 0)
	r.write("f", "")
	s := r.open()
	at := time.Unix(1e9, 0)
	must := func(p session.PropertyPatch) error { return s.PatchProperties(t.Context(), "/f", p) }
	if err := must(session.PropertyPatch{Modified: at}); err != nil {
		t.Fatal(err)
	}
	large := property("p", strings.Repeat("x", 1<<20))
	err := must(session.PropertyPatch{Modified: at.Add(time.Hour), Changes: []dataprovider.PropertyChange{large}})
	if !errors.Is(err, session.ErrQuota) {
		t.Errorf("a value that is too large: %v", err)
	}
	if info, err := s.Stat(t.Context(), "/f"); err != nil || !info.ModTime().Equal(at) {
		t.Errorf("time %v, %v, want %v", info.ModTime(), err, at)
	}
}

// TestPropertiesSurviveACrash kills the process between storage and store.
func TestPropertiesSurviveACrash(t *testing.T) {
	tests := []struct {
		name string
		op   func(context.Context, *session.Session) error
		want []string
	}{
		{
			"rename", func(ctx context.Context, s *session.Session) error { return s.Rename(ctx, "/d", "/e") },
			[]string{"/e=/d", "/e/f=/d/f", "/d/f"},
		},
		{
			"copy", func(ctx context.Context, s *session.Session) error { return s.Copy(ctx, "/d/f", "/g") },
			[]string{"/d/f=/d/f", "/g=/d/f"},
		},
		{
			"remove", func(ctx context.Context, s *session.Session) error { return s.Remove(ctx, "/d/f") },
			[]string{"/d/f", "/d=/d"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := unheard(t, 1)
			r.write("d/f", "")
			mark(t, r.open(), "/d", "/d/f")
			r.unheard(1, &dyingStore{Store: r.store, dieAt: "settle"})
			if err := tt.op(t.Context(), r.open()); !errors.Is(err, errDead) {
				t.Fatalf("the client was told %v", err)
			}
			r.unheard(1, r.store)
			if _, err := r.manager.Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
			marked(t, r.open(), tt.want...)
		})
	}
}

func TestPropertiesAreSwept(t *testing.T) {
	r := unheard(t, 1)
	for _, name := range []string{"a", "b", "d/x", "d/y"} {
		r.write(name, "")
	}
	s := r.open()
	mark(t, s, "/a", "/b", "/d", "/d/x", "/d/y")
	r.removeOutside("/b")
	if err := os.RemoveAll(filepath.Join(r.home, "d")); err != nil {
		t.Fatal(err)
	}
	r.manager.Sweep(t.Context())
	total, err := r.store.Properties().Total(t.Context(), "alice")
	if err != nil || total.Files != 1 {
		t.Errorf("%+v, %v, want those of one file", total, err)
	}
	marked(t, s, "/a=/a")

	// A disk that is not mounted has lost nothing.
	mark(t, s, "/a")
	if err := os.Rename(r.home, r.home+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(r.home, 0o755); err != nil {
		t.Fatal(err)
	}
	r.manager.Sweep(t.Context())
	if total, err := r.store.Properties().Total(t.Context(), "alice"); err != nil || total.Files != 1 {
		t.Errorf("%+v, %v after a sweep of another directory", total, err)
	}
}

// TestPropertiesKeepUp: whatever runs at the same time, nothing is left under a name
// that has gone.
func TestPropertiesKeepUp(t *testing.T) {
	r := unheard(t, 1)
	names := []string{"d/x", "d/y", "d/z"}
	for _, name := range names {
		r.write(name, "")
	}
	mark(t, r.open(), "/d", "/d/x")
	var renames, others sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		s := r.open()
		renames.Go(func() {
			for range 150 {
				_ = s.Rename(s.Context(), "/d", "/e") // only one of two can
				_ = s.Rename(s.Context(), "/e", "/d")
			}
		})
	}
	for i, name := range names {
		s := r.open()
		others.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				for _, at := range []string{"/" + name, "/e" + name[1:]} {
					patch := session.PropertyPatch{Changes: []dataprovider.PropertyChange{property("p", "x")}}
					_ = s.PatchProperties(s.Context(), at, patch)
					if (n+i)%3 == 0 {
						_ = s.Remove(s.Context(), at)
						_ = upload(s, at, "again", put, nil)
					}
				}
			}
		})
	}
	renames.Wait()
	close(stop)
	others.Wait()
	s := r.open()
	root, err := s.Stat(t.Context(), "/")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for at, err := range r.store.Properties().Below(t.Context(), s.RealPath(t.Context(), "/"), vfs.FileIDOf(root)) {
		name, _ := s.VirtualName(at)
		if _, serr := s.Stat(t.Context(), name); err != nil || serr != nil {
			t.Errorf("properties of %s stay: %v, %v", name, err, serr)
		}
		seen++
	}
	if seen == 0 {
		t.Error("no properties are left, not even of the directory")
	}
}
