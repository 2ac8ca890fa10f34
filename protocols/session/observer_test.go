package session_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/protocols/session"
)

// witness writes down what it hears.
type witness struct {
	mu   sync.Mutex
	said []string
}

func (w *witness) Removed(_ context.Context, path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, "removed "+path)
}

func (w *witness) Renamed(_ context.Context, from, to string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, "renamed "+from+" "+to)
}

// TestObserver: names that come to an end are told by the path that they have for
// everybody, and only when they did.
func TestObserver(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	w := &witness{}
	r.manager.Observe(w)
	r.write("real/f", "1")
	r.write("real/g", "2")
	r.write("tree/sub/h", "3")
	r.symlink("real", "link")
	s := r.open()
	ctx := t.Context()
	for _, err := range []error{
		s.Rename(ctx, "/link/f", "/real/f2"),
		s.Remove(ctx, "/link/f2"),
		s.Remove(ctx, "/link"),
		s.RemoveAll(ctx, "/tree"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{
		s.Rename(ctx, "/missing", "/x"), s.Remove(ctx, "/missing"), s.Rmdir(ctx, "/real"),
	} {
		if err == nil {
			t.Error("done")
		}
	}
	home, err := filepath.EvalSymlinks(r.home)
	if err != nil {
		t.Fatal(err)
	}
	home = "/local" + home
	want := []string{
		"renamed " + home + "/real/f " + home + "/real/f2",
		"removed " + home + "/real/f2",
		"removed " + home + "/link",
		"removed " + home + "/tree/sub/h", "removed " + home + "/tree/sub", "removed " + home + "/tree",
	}
	if diff := cmp.Diff(want, w.said); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	w.said = nil
	r.hooks.verdict.Decision = actions.Handled
	r.hooks.onAsk = func() { r.removeOutside("real/g") }
	if err := s.Remove(ctx, "/real/g"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"removed " + home + "/real/g"}, w.said); diff != "" {
		t.Errorf("by the hook (-want +got)\n%s", diff)
	}
}

// TestRealPath: homes that lie in each other, and homes behind links, agree.
func TestRealPath(t *testing.T) {
	outer := newRig(t, session.Config{})
	outer.write("in/f", "1")
	outer.symlink("in/f", "short")
	inner := newRigAt(t, filepath.Join(outer.home, "in"), session.Config{})
	away := filepath.Join(t.TempDir(), "away")
	if err := os.Symlink(outer.home, away); err != nil {
		t.Skip(err)
	}
	linked := newRigAt(t, filepath.Join(away, "in"), session.Config{})
	ctx := t.Context()
	o, i, l := outer.open(), inner.open(), linked.open()
	want := o.RealPath(ctx, "/in/f")
	for _, got := range []string{o.RealPath(ctx, "/short"), i.RealPath(ctx, "/f"), l.RealPath(ctx, "/f")} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	if got := o.RealPath(over, "/in/f"); got != want { // and not that of the root
		t.Errorf("when nobody waits any more: %s, want %s", got, want)
	}
	for _, test := range []struct {
		s    *session.Session
		real string
		name string
		ok   bool
	}{
		{o, want, "/in/f", true},
		{i, want, "/f", true},
		{i, o.RealPath(ctx, "/in"), "/", true},
		{i, o.RealPath(ctx, "/"), "/", true},
		{i, o.RealPath(ctx, "/other"), "", false},
		{i, o.RealPath(ctx, "/inn"), "", false},
	} {
		if name, ok := test.s.VirtualName(test.real); name != test.name || ok != test.ok {
			t.Errorf("%s is %q, %v", test.real, name, ok)
		}
	}
}
