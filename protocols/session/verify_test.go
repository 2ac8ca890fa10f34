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

// TestContentGate: what a content gate can say, and what comes of it.
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
