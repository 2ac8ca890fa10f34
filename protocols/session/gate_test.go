package session_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
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

// verdicts are what a content gate can say, and what comes of it.
func TestContentGate(t *testing.T) {
	moved := func(d actions.Decision, to string) func(*actions.Event) (actions.Verdict, error) {
		return func(*actions.Event) (actions.Verdict, error) {
			return actions.Verdict{Decision: d, Name: to, Denial: &actions.Denial{Hook: "gate", Body: "held"}}, nil
		}
	}
	for _, c := range []struct {
		name   string
		answer func(*actions.Event) (actions.Verdict, error)
		err    error
		lies   map[string]string // beside /d/f
		f      string
		events []string
		usage  dataprovider.Amount
	}{
		{"publish", agree, nil, nil, "new", []string{"upload.done /d/f 1 3"}, dataprovider.Amount{Files: 1, Bytes: 3}},
		{"reject", deny, actions.ErrDenied, nil, "old!", []string{"upload.failed /d/f 0 0"}, dataprovider.Amount{Files: 1, Bytes: 4}},
		{"no answer", func(*actions.Event) (actions.Verdict, error) { return actions.Verdict{}, actions.ErrUnanswered }, actions.ErrUnanswered, nil, "old!", []string{"upload.failed /d/f 0 0"}, dataprovider.Amount{Files: 1, Bytes: 4}},
		{"rename", moved(actions.Rename, "g"), nil, map[string]string{"d/g": "new"}, "old!", []string{"upload.done /d/g 1 3"}, dataprovider.Amount{Files: 2, Bytes: 7}},
		{"rename to nowhere", moved(actions.Rename, "/none/g"), vfs.ErrNotExist, nil, "old!", []string{"upload.failed /d/f 0 0"}, dataprovider.Amount{Files: 1, Bytes: 4}},
		{"rename out", moved(actions.Rename, "../../../g"), nil, nil, "old!", []string{"upload.failed /d/f 0 0"}, dataprovider.Amount{Files: 1, Bytes: 4}},
		{"quarantine", moved(actions.Quarantine, "/q/sub/x"), actions.ErrDenied, map[string]string{"q/sub/x": "new"}, "old!", []string{"upload.failed /d/f 0 0"}, dataprovider.Amount{Files: 2, Bytes: 7}},
		{"quarantine over a file", moved(actions.Quarantine, "/d/f"), actions.ErrDenied, nil, "old!", []string{"upload.failed /d/f 0 0"}, dataprovider.Amount{Files: 1, Bytes: 4}},
	} {
		for uploadMode := range 3 {
			r := newRig(t, session.Config{UploadMode: uploadMode}, func(u *dataprovider.User) {
				u.Permissions = map[string][]string{"/": {"*"}, "/q": {}}
				u.QuotaSize, u.QuotaFiles = 100, 3
			})
			r.write("d/.keep", "")
			s := r.open()
			must(t, upload(s, "/d/f", "old!", put, nil))
			r.events()
			r.asks(func(e *actions.Event) (actions.Verdict, error) {
				if got := r.content("d/f"); got != "old!" {
					t.Errorf("%s: others see %q meanwhile", c.name, got)
				}
				staged, err := os.ReadFile(e.Transfer.Staged)
				sum := sha256.Sum256([]byte("new"))
				if err != nil || string(staged) != "new" || e.Transfer.Checksums["sha256"] != hex.EncodeToString(sum[:]) || e.Result.Size != 3 {
					t.Errorf("%s: staged %q, %v; %+v", c.name, staged, err, e.Transfer)
				}
				return c.answer(e)
			}, actions.UploadVerify)
			err := upload(s, "/d/f", "new", put, nil)
			if c.err != nil && !errors.Is(err, c.err) || (err == nil) != (c.events[0][:11] == "upload.done") {
				t.Errorf("%s, mode %d: client is told %v", c.name, uploadMode, err)
			}
			if got := r.content("d/f"); got != c.f {
				t.Errorf("%s, mode %d: content %q, want %q", c.name, uploadMode, got, c.f)
			}
			for name, want := range c.lies {
				if got := r.content(name); got != want {
					t.Errorf("%s, mode %d: %s has %q, want %q", c.name, uploadMode, name, got, want)
				}
			}
			if diff := cmp.Diff(c.events, only(r.events(), "upload.done", "upload.failed", "upload.part")); diff != "" {
				t.Errorf("%s, mode %d: %s", c.name, uploadMode, diff)
			}
			if diff := cmp.Diff(c.usage, r.usage()); diff != "" {
				t.Errorf("%s, mode %d: %s", c.name, uploadMode, diff)
			}
			staged, err := filepath.Glob(filepath.Join(r.home, "d", vfs.StagingPrefix+"*"))
			if err != nil || len(staged) > 0 {
				t.Errorf("%s, mode %d: left %v", c.name, uploadMode, staged)
			}
			if n, err := pendingOf(r); err != nil || n != 0 {
				t.Errorf("%s, mode %d: %d intentions left, %v", c.name, uploadMode, n, err)
			}
		}
	}
}

func pendingOf(r *rig) (n int, err error) {
	for _, err := range r.store.Outbox().Pending(r.t.Context()) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// TestQuarantineIsNoLink: a user cannot lead what is held to where it can be read.
func TestQuarantineIsNoLink(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("mine/.keep", "")
	r.symlink("mine", "q")
	s := r.open()
	r.asks(func(*actions.Event) (actions.Verdict, error) {
		return actions.Verdict{Decision: actions.Quarantine, Name: "/q/x", Denial: &actions.Denial{Body: "held"}}, nil
	}, actions.UploadVerify)
	if err := upload(s, "/f", "abc", put, nil); !errors.Is(err, actions.ErrDenied) {
		t.Errorf("err = %v", err)
	}
	if r.content("mine/x") != "-" || r.content("f") != "-" {
		t.Error("the content can be seen")
	}
}

// TestHeldChange: a resume and a change in place are looked at as a whole, on a copy,
// while others see the old file.
func TestHeldChange(t *testing.T) {
	r := newRig(t, session.Config{}, func(u *dataprovider.User) { u.QuotaSize = 100 })
	s := r.open()
	must(t, upload(s, "/f", "0123456789", put, nil))
	r.events()
	var seen string
	r.asks(func(e *actions.Event) (actions.Verdict, error) {
		staged, err := os.ReadFile(e.Transfer.Staged)
		if err != nil || !e.Transfer.Resumed {
			t.Errorf("%v, %+v", err, e.Transfer)
		}
		seen = string(staged)
		sum := sha256.Sum256(staged)
		if e.Transfer.Checksums["sha256"] != hex.EncodeToString(sum[:]) {
			t.Error("another digest")
		}
		if strings.Contains(seen, "virus") {
			return deny(e)
		}
		return agree(e)
	}, actions.UploadVerify)
	must(t, upload(s, "/f", "abc", vfs.Write, nil))
	if seen != "0123456789abc" || r.content("f") != seen {
		t.Errorf("hook saw %q, there is %q", seen, r.content("f"))
	}
	if err := upload(s, "/f", "virus", vfs.Write, nil); !errors.Is(err, actions.ErrDenied) || r.content("f") != "0123456789abc" {
		t.Errorf("%v, there is %q", err, r.content("f"))
	}
	if diff := cmp.Diff(dataprovider.Amount{Files: 1, Bytes: 13}, r.usage()); diff != "" {
		t.Error(diff)
	}
	// One that breaks off is dropped, and one that writes nothing is none.
	if err := upload(s, "/f", "x", vfs.Write, io.ErrUnexpectedEOF); err == nil || r.content("f") != "0123456789abc" {
		t.Errorf("%v, there is %q", err, r.content("f"))
	}
	r.events()
	r.asked()
	up, err := s.Upload(t.Context(), "/f", vfs.Write)
	must(t, err)
	must(t, up.Close())
	if e := r.events(); e != nil || len(r.asked()) > 0 {
		t.Errorf("events %v", e)
	}
	// Of two, the second must not undo what the first has done.
	first, err := s.Upload(t.Context(), "/f", vfs.Write)
	must(t, err)
	second, err := s.Upload(t.Context(), "/f", vfs.Write)
	must(t, err)
	for _, up := range []*session.Transfer{first, second} {
		if _, err := up.WriteAt([]byte("Z"), 0); err != nil {
			t.Fatal(err)
		}
	}
	must(t, first.Close())
	if err := second.Close(); !errors.Is(err, vfs.ErrBusy) {
		t.Errorf("second: %v", err)
	}
}

// TestDigestOfAnyOrder: what does not come from the beginning to the end is read back.
func TestDigestOfAnyOrder(t *testing.T) {
	r := newRig(t, session.Config{})
	s := r.open()
	for name, write := range map[string]func(up *session.Transfer) error{
		"in order": func(up *session.Transfer) error { _, err := io.WriteString(up, "abcdef"); return err },
		"backwards": func(up *session.Transfer) error {
			_, err := up.WriteAt([]byte("def"), 3)
			_, err2 := up.WriteAt([]byte("abc"), 0)
			return errors.Join(err, err2)
		},
		"twice": func(up *session.Transfer) error {
			_, err := up.WriteAt([]byte("abcdeX"), 0)
			_, err2 := up.WriteAt([]byte("f"), 5)
			return errors.Join(err, err2)
		},
		"cut and grown": func(up *session.Transfer) error {
			_, err := up.WriteAt([]byte("abcXXX"), 0)
			small, large := int64(3), int64(6)
			err = errors.Join(err, up.SetAttrs(t.Context(), vfs.Attrs{Size: &small}), up.SetAttrs(t.Context(), vfs.Attrs{Size: &large}))
			_, err2 := up.WriteAt([]byte("def"), 3)
			return errors.Join(err, err2)
		},
	} {
		want := sha256.Sum256([]byte("abcdef"))
		r.asks(func(e *actions.Event) (actions.Verdict, error) {
			if e.Transfer.Checksums["sha256"] != hex.EncodeToString(want[:]) {
				t.Errorf("%s: another digest", name)
			}
			return agree(e)
		}, actions.UploadVerify)
		up, err := s.Upload(t.Context(), "/f", put)
		must(t, err)
		must(t, write(up))
		must(t, up.Close())
		if got := r.content("f"); got != "abcdef" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestGateEndsWithTheSession: the client has gone, or the server stops.
func TestGateEndsWithTheSession(t *testing.T) {
	r := newRig(t, session.Config{})
	s := r.open()
	up, err := s.Upload(t.Context(), "/f", put)
	must(t, err)
	must(t, up.Close())
	r.events()
	looking := make(chan struct{})
	r.hooks.wait = func(ctx context.Context) error {
		close(looking)
		<-ctx.Done()
		return context.Cause(ctx)
	}
	r.asks(nil, actions.UploadVerify)
	up, err = s.Upload(t.Context(), "/f", put)
	must(t, err)
	if _, err := io.WriteString(up, "abc"); err != nil {
		t.Fatal(err)
	}
	closed := make(chan error)
	go func() { closed <- up.Close() }()
	<-looking
	must(t, s.Close())
	if err := <-closed; !errors.Is(err, session.ErrClosed) {
		t.Errorf("close: %v", err)
	}
	if r.content("f") != "" || len(r.leftovers()) > 0 {
		t.Errorf("there is %q, left %v", r.content("f"), r.leftovers())
	}
	if diff := cmp.Diff([]string{"upload.failed /f 0 0"}, only(r.events(), "upload.done", "upload.failed")); diff != "" {
		t.Error(diff)
	}
}
