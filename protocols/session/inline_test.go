package session_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

// inLineHooks are hooks of which the uploads, and what else there is, are in line.
type inLineHooks struct {
	*hooks
	decide func() error // of uploads
	told   []string     // that were waited for
	forgot int
}

func (h *inLineHooks) Expect(e *actions.Event) actions.Awaited { return &inLineEvent{h, e} }

type inLineEvent struct {
	h *inLineHooks
	e *actions.Event
}

func (w *inLineEvent) Decides() bool { return w.e.Kind == actions.UploadDone }
func (w *inLineEvent) Forget()       { w.h.forgot++ }

func (w *inLineEvent) Wait(context.Context) error {
	w.h.told = append(w.h.told, string(w.e.Kind)+" "+w.e.Object.Name)
	if w.Decides() {
		return w.h.decide()
	}
	return nil
}

func newInLineRig(t *testing.T, cfg session.Config, decide func(r *rig) error) (*rig, *inLineHooks) {
	r := newRig(t, cfg, func(u *dataprovider.User) { u.QuotaFiles = 100 })
	r.hooks.all = true
	h := &inLineHooks{hooks: r.hooks, decide: func() error { return decide(r) }}
	log := slog.New(slog.DiscardHandler)
	r.manager = session.NewManager(r.store, h, []vfs.Factory{localfs.NewFactory(log)}, r.metrics, log, 1, cfg)
	return r, h
}

var errFull = &actions.Denial{Hook: "hook", Body: "the archive is full"}

// An upload whose hook fails, fails in all upload modes: nothing is left of it, nothing
// is counted, and only the upload was told.
func TestInLineUploadIsTakenBack(t *testing.T) {
	for mode := range 3 {
		r, h := newInLineRig(t, session.Config{UploadMode: mode}, func(*rig) error { return errFull })
		r.write("old", "old content")
		r.count()
		s := r.open()
		for _, name := range []string{"/new", "/old"} {
			err := upload(s, name, "12345", put, nil)
			var d *actions.Denial
			if !errors.As(err, &d) || d.Body != errFull.Body {
				t.Errorf("mode %d: %s: %v", mode, name, err)
			}
			if got := r.content(name); got != "-" {
				t.Errorf("mode %d: %s: %q", mode, name, got)
			}
		}
		if got := r.usage(); !got.IsZero() {
			t.Errorf("mode %d: usage %+v", mode, got)
		}
		want := []string{"upload.done /new", "upload.done /old"}
		if diff := cmp.Diff(want, h.told); diff != "" {
			t.Errorf("mode %d: %s", mode, diff)
		}
		ends := slices.DeleteFunc(r.events(), func(e string) bool { return strings.HasPrefix(e, "upload.open ") })
		if diff := cmp.Diff([]string{"upload.done /new 1 5", "upload.done /old 1 5"}, ends); diff != "" {
			t.Errorf("mode %d: %s", mode, diff)
		}
		if left := r.leftovers(); len(left) > 0 {
			t.Errorf("mode %d: %v", mode, left)
		}
	}
}

// What somebody else has done to the file while the hook was asked stays. That others
// can do it at all shows that nothing is locked meanwhile.
func TestInLineOthersStay(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(s *session.Session) error
		want      map[string]string
	}{
		"renamed":   {func(s *session.Session) error { return s.Rename(s.Context(), "/f", "/g") }, map[string]string{"f": "-", "g": "12345"}},
		"removed":   {func(s *session.Session) error { return s.Remove(s.Context(), "/f") }, map[string]string{"f": "-"}},
		"replaced":  {func(s *session.Session) error { return upload(s, "/f", "other", put, nil) }, map[string]string{"f": "other"}},
		"continued": {func(s *session.Session) error { return upload(s, "/f", "67", vfs.Write, nil) }, map[string]string{"f": "1234567"}},
	} {
		t.Run(name, func(t *testing.T) {
			first := true
			r, h := newInLineRig(t, session.Config{UploadMode: 1}, func(*rig) error { return nil })
			other := r.open()
			h.decide = func() error {
				if !first {
					return nil
				}
				first = false
				if err := c.meanwhile(other); err != nil {
					t.Error(err)
				}
				return errFull
			}
			if err := upload(r.open(), "/f", "12345", put, nil); !errors.Is(err, actions.ErrDenied) {
				t.Error(err)
			}
			var want dataprovider.Amount
			for file, content := range c.want {
				if got := r.content(file); got != content {
					t.Errorf("%s: %q", file, got)
				}
				if content != "-" {
					want = want.Add(dataprovider.Amount{Files: 1, Bytes: int64(len(content))})
				}
			}
			if got := r.usage(); got != want {
				t.Errorf("usage %+v, want %+v", got, want)
			}
		})
	}
}

// A link stays, as it does when it is written through, and the file behind it goes.
func TestInLineThroughLink(t *testing.T) {
	r, _ := newInLineRig(t, session.Config{}, func(*rig) error { return errFull })
	r.write("behind", "old")
	r.symlink("behind", "link")
	r.count()
	if err := upload(r.open(), "/link", "12345", put, nil); !errors.Is(err, actions.ErrDenied) {
		t.Error(err)
	}
	if got := r.content("behind"); got != "-" {
		t.Errorf("%q", got)
	}
	if got := r.usage(); !got.IsZero() {
		t.Errorf("usage %+v", got)
	}
}

// All that the list may name is waited for, once.
func TestInLineOperations(t *testing.T) {
	r, h := newInLineRig(t, session.Config{UploadMode: 1}, func(*rig) error { return nil })
	s := r.open()
	ctx := s.Context()
	d, err := func() (*session.Transfer, error) {
		if err := upload(s, "/f", "12345", put, nil); err != nil {
			return nil, err
		}
		return s.Download(ctx, "/f")
	}()
	if err == nil {
		err = d.Close()
	}
	for _, do := range []func() error{
		func() error { return err },
		func() error { return s.Mkdir(ctx, "/d") },
		func() error { return s.Rename(ctx, "/f", "/g") },
		func() error { return s.Remove(ctx, "/g") },
		func() error { return s.Rmdir(ctx, "/d") },
		func() error { s.CommandDone(ctx, "pwd", "", "", nil); return nil },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"upload.done /f", "download.done /f", "mkdir.done /d", "rename.done /f", "delete.done /g", "rmdir.done /d", "ssh.cmd ",
	}
	if diff := cmp.Diff(want, h.told); diff != "" {
		t.Error(diff)
	}
	if h.forgot > 0 {
		t.Errorf("forgot %d", h.forgot)
	}
}

// A copy whose upload failed is none; one that is there is told.
func TestInLineCopy(t *testing.T) {
	for _, answer := range []error{nil, errFull} {
		r, h := newInLineRig(t, session.Config{UploadMode: 1}, func(*rig) error { return answer })
		r.write("f", "12345")
		r.count()
		s := r.open()
		want := []string{"download.done /f", "upload.done /g", "copy.done /f"}
		if answer != nil {
			want = []string{"download.done /f", "upload.done /g"}
		}
		if err := s.Copy(s.Context(), "/f", "/g"); !errors.Is(err, answer) {
			t.Error(err)
		}
		if diff := cmp.Diff(want, h.told); diff != "" {
			t.Errorf("%v: %s", answer, diff)
		}
		copies := slices.DeleteFunc(r.events(), func(e string) bool { return !strings.HasPrefix(e, "copy.done ") })
		if told := len(copies) == 1; told != (answer == nil) {
			t.Errorf("%v: %q", answer, copies)
		}
		// Nothing is left to be told by the next start.
		if n, err := r.manager.Recover(t.Context()); n != 0 || err != nil {
			t.Errorf("%v: %d intentions, %v", answer, n, err)
		}
	}
}
