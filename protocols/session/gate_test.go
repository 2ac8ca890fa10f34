package session_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// asks makes the hooks want questions of some kinds.
func (r *rig) asks(answer func(e *actions.Event) (actions.Verdict, error), kinds ...actions.Kind) {
	r.hooks.mu.Lock()
	defer r.hooks.mu.Unlock()
	r.hooks.asks = map[actions.Kind]bool{}
	for _, k := range kinds {
		r.hooks.asks[k] = true
	}
	r.hooks.answer = answer
}

// asked takes the questions that were asked.
func (r *rig) asked() []actions.Event {
	r.hooks.mu.Lock()
	defer r.hooks.mu.Unlock()
	list := r.hooks.asked
	r.hooks.asked = nil
	return list
}

func deny(*actions.Event) (actions.Verdict, error) {
	return actions.Verdict{}, &actions.Denial{Hook: "gate", Status: 409, Body: "no"}
}

func agree(*actions.Event) (actions.Verdict, error) { return actions.Verdict{}, nil }

// TestRefusedUploadLeavesNothing: whatever the mode, what was there stays, nothing is
// made or counted, nobody is told.
func TestRefusedUploadLeavesNothing(t *testing.T) {
	for _, refusal := range []func(*actions.Event) (actions.Verdict, error){deny, func(*actions.Event) (actions.Verdict, error) {
		return actions.Verdict{}, actions.ErrUnanswered
	}} {
		for uploadMode := range 3 {
			r := newRig(t, session.Config{UploadMode: uploadMode}, func(u *dataprovider.User) { u.QuotaFiles, u.QuotaSize = 2, 100 })
			s := r.open()
			must(t, upload(s, "/old", "abc", put, nil))
			r.events()
			r.asks(refusal, actions.UploadCheck)
			for _, mode := range []vfs.Mode{put, vfs.Write, vfs.Write | vfs.Read} {
				if err := upload(s, "/old", "x", mode, nil); !errors.Is(err, actions.ErrDenied) && !errors.Is(err, actions.ErrUnanswered) {
					t.Errorf("upload: %v", err)
				}
			}
			for range 3 { // the place of a refused file is free again
				if err := upload(s, "/new", "x", put, nil); err == nil || errors.Is(err, session.ErrQuota) {
					t.Errorf("upload: %v", err)
				}
			}
			if r.content("old") != "abc" || r.content("new") != "-" || len(r.leftovers()) > 0 {
				t.Errorf("old %q, new %q, left %v", r.content("old"), r.content("new"), r.leftovers())
			}
			if e := r.events(); e != nil {
				t.Errorf("events %v", e)
			}
			if diff := cmp.Diff(dataprovider.Amount{Files: 1, Bytes: 3}, r.usage()); diff != "" {
				t.Error(diff)
			}
			r.asks(agree, actions.UploadCheck)
			must(t, upload(s, "/new", strings.Repeat("x", 97), put, nil))
		}
	}
}

func TestUploadCheckTells(t *testing.T) {
	r := newRig(t, session.Config{})
	s := r.open()
	r.write("old", "abc")
	r.asks(agree, actions.UploadCheck)
	ctx := session.WithRequest(t.Context(), &actions.Request{Method: "PUT", URI: "/old", Header: map[string][]string{"X-A": {"b"}}})
	up, err := s.UploadSized(ctx, "/old", put, 7)
	must(t, err)
	must(t, up.Close())
	must(t, upload(s, "/new", "x", vfs.Write|vfs.Create, nil))
	got := r.asked()
	if len(got) != 2 {
		t.Fatalf("%d questions", len(got))
	}
	over, fresh := got[0], got[1]
	if over.Kind != actions.UploadCheck || over.Result.Size != 3 || over.Object.Path != filepath.Join(r.home, "old") ||
		over.Request == nil || over.Request.Header["X-A"][0] != "b" {
		t.Errorf("question %+v", over)
	}
	if tr := over.Transfer; tr.ID == "" || !tr.Overwrite || tr.PreviousSize != 3 || tr.Length == nil || *tr.Length != 7 ||
		tr.OpenFlags != os.O_WRONLY|os.O_CREATE|os.O_TRUNC || tr.Resumed {
		t.Errorf("transfer %+v", tr)
	}
	if tr := fresh.Transfer; tr.Overwrite || fresh.Result.Size != 0 || fresh.Request != nil || tr.OpenFlags != os.O_WRONLY|os.O_CREATE {
		t.Errorf("question %+v %+v", fresh, tr)
	}
}

// TestNoQuestion: what the rules refuse, and what nobody wants to be asked about.
func TestNoQuestion(t *testing.T) {
	r := newRig(t, session.Config{}, func(u *dataprovider.User) {
		u.Permissions = map[string][]string{"/": {"*"}, "/ro": {dataprovider.PermList}}
		u.QuotaSize = 5
	})
	r.write("ro/f", "abc")
	s := r.open()
	r.asks(deny, actions.UploadCheck, actions.DownloadCheck)
	for name, try := range map[string]func() error{
		"upload without permission":   func() error { return upload(s, "/ro/g", "x", put, nil) },
		"download without permission": func() error { _, err := s.Download(t.Context(), "/ro/f"); return err },
		"download of nothing":         func() error { _, err := s.Download(t.Context(), "/none"); return err },
		"download of a directory":     func() error { _, err := s.Download(t.Context(), "/ro"); return err },
		"upload to nowhere":           func() error { return upload(s, "/none/g", "x", put, nil) },
		"upload to a directory":       func() error { return upload(s, "/ro", "x", put, nil) },
	} {
		if err := try(); err == nil || errors.Is(err, actions.ErrDenied) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r.asks(agree)
	must(t, upload(s, "/f", "abcde", put, nil))
	r.asks(deny, actions.UploadCheck)
	if err := upload(s, "/g", "x", put, nil); !errors.Is(err, session.ErrQuota) {
		t.Errorf("over quota: %v", err)
	}
	if got := r.asked(); len(got) != 0 {
		t.Errorf("asked %v", got)
	}
}

func TestRefusedDownload(t *testing.T) {
	r := newRig(t, session.Config{})
	s := r.open()
	must(t, upload(s, "/f", "abc", put, nil))
	r.events()
	r.asks(deny, actions.DownloadCheck)
	if _, err := s.Download(t.Context(), "/f"); !errors.Is(err, actions.ErrDenied) {
		t.Errorf("download: %v", err)
	}
	if err := s.Copy(t.Context(), "/f", "/g"); !errors.Is(err, actions.ErrDenied) {
		t.Errorf("copy: %v", err)
	}
	if e := r.events(); e != nil || r.content("g") != "-" {
		t.Errorf("events %v", e)
	}
	up, err := s.Upload(t.Context(), "/f", vfs.Read|vfs.Write)
	must(t, err)
	if _, err := up.ReadAt(make([]byte, 3), 0); !errors.Is(err, vfs.ErrPermission) {
		t.Errorf("read through an upload: %v", err)
	}
	must(t, up.Close())
	if got := r.asked(); len(got) != 3 || got[0].Result.Size != 3 {
		t.Errorf("asked %v", got)
	}
}

// TestUploadGoesElsewhere: the hook chooses the name before anything is made, and the
// rules apply to it.
func TestUploadGoesElsewhere(t *testing.T) {
	r := newRig(t, session.Config{}, func(u *dataprovider.User) {
		u.Permissions = map[string][]string{"/": {"*"}, "/ro": {dataprovider.PermList}}
	})
	r.write("in/x", "")
	r.write("ro/x", "")
	s := r.open()
	for _, c := range []struct {
		to, lies string
		ok       bool
	}{
		{"b", "in/b", true}, {"/c", "c", true}, {"/ro/d", "ro/d", false}, {"../../../e", "e", false}, {"a\x00", "in/a", false}, {"/none/f", "none/f", false},
	} {
		r.asks(func(*actions.Event) (actions.Verdict, error) {
			return actions.Verdict{Decision: actions.Rename, Name: c.to}, nil
		}, actions.UploadCheck)
		err := upload(s, "/in/a", "abc", put, nil)
		if (err == nil) != c.ok || (r.content(c.lies) == "abc") != c.ok || r.content("in/a") != "-" {
			t.Errorf("%q: %v, content %q", c.to, err, r.content(c.lies))
		}
	}
	if diff := cmp.Diff([]string{"upload.done /in/b 1 3", "upload.done /c 1 3"}, only(r.events(), "upload.done", "upload.failed")); diff != "" {
		t.Error(diff)
	}
}

// only leaves the events of some kinds.
func only(lines []string, kinds ...string) []string {
	var kept []string
	for _, l := range lines {
		for _, k := range kinds {
			if strings.HasPrefix(l, k+" ") {
				kept = append(kept, l)
			}
		}
	}
	return kept
}
