package auth_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
	"sftpgo/protocols/auth"
)

// interviewer is a function that is one.
type interviewer func(context.Context, auth.Candidate, auth.Dialogue) error

func (i interviewer) Interview(ctx context.Context, c auth.Candidate, ask auth.Dialogue) error {
	return i(ctx, c, ask)
}

// Without a hook the server asks for the password, and all is as with a password.
func TestBuiltInDialogue(t *testing.T) {
	f := newFixture(t)
	f.put(t, "alice", nil)
	f.put(t, "disabled", func(u *dataprovider.User) { u.Status = 0 })
	f.put(t, "denied", func(u *dataprovider.User) { u.Filters.DeniedLoginMethods = []string{"keyboard-interactive"} })
	f.put(t, "nopassword", func(u *dataprovider.User) { u.Filters.DeniedLoginMethods = []string{"password"} })
	var asked []auth.Question
	ask := func(plain string) auth.Dialogue {
		return func(_ context.Context, _ string, questions []auth.Question) ([]string, error) {
			asked = questions
			return []string{plain}, nil
		}
	}
	for _, user := range []string{"alice", "nopassword"} {
		id, err := f.Authenticate(t.Context(), attempt(user, ask("right")))
		if err != nil || id.Method != "keyboard-interactive" {
			t.Errorf("%s: %v, method %q", user, err, id.Method)
		}
	}
	for _, c := range []struct{ user, plain, reason string }{
		{"alice", "wrong", "wrong password"},
		{"nobody", "right", "unknown user"},
		{"a\x00b", "right", "unknown user"},
		{"disabled", "right", "disabled"},
		{"denied", "right", "method keyboard-interactive"},
	} {
		asked = nil
		work := f.work(func() {
			id, err := f.Authenticate(t.Context(), attempt(c.user, ask(c.plain)))
			wantRejected(t, id, err, c.reason)
		})
		if diff := cmp.Diff([]auth.Question{{Text: "Password: "}}, asked); diff != "" || work != 1 {
			t.Errorf("%s: %d hashes, asked (-want +got):\n%s", c.user, work, diff)
		}
	}
	id, err := f.Authenticate(t.Context(), attempt("alice", answers()))
	wantRejected(t, id, err, "no answer left")
	if n := len(f.records(t, "connection_failed")); n != 6 || !strings.Contains(f.log.String(), `"login_type":"keyboard-interactive"`) {
		t.Errorf("%d records:\n%s", n, f.log)
	}
}

func TestInterviewer(t *testing.T) {
	f := newFixture(t)
	var candidate auth.Candidate
	var verdict error
	check := true
	f.use(auth.Config{Interviewer: interviewer(func(ctx context.Context, c auth.Candidate, ask auth.Dialogue) error {
		candidate = c
		if check {
			given, err := ask(ctx, "hello", []auth.Question{{Text: "Password: "}})
			if err != nil {
				return err
			}
			if err := c.Check(ctx, given[0]); err != nil {
				return err
			}
		}
		return verdict
	})})
	f.put(t, "alice", nil)
	f.put(t, "disabled", func(u *dataprovider.User) { u.Status = 0 })
	login := func(user, plain string) (auth.Identity, error) {
		return f.Authenticate(t.Context(), attempt(user, answers(plain)))
	}
	id, err := login("alice", "right")
	if err != nil || id.User.Username != "alice" || id.Method != "keyboard-interactive" {
		t.Fatalf("%+v, %v", id, err)
	}
	if candidate.User != "alice" || candidate.Remote.String() != "192.0.2.7" || candidate.PasswordHash != f.store.users["alice"].Password {
		t.Errorf("candidate %+v", candidate)
	}
	id, err = login("alice", "wrong")
	wantRejected(t, id, err, "wrong password")
	id, err = login("disabled", "right")
	wantRejected(t, id, err, "disabled")
	// Who is not there is asked about, too, and the password never right.
	id, err = login("nobody", "right")
	wantRejected(t, id, err, "unknown user")
	if candidate.User != "nobody" || candidate.PasswordHash != "" {
		t.Errorf("candidate %+v", candidate)
	}
	// A name that no account can have does not reach a hook.
	id, err = login("-x\n", "right")
	wantRejected(t, id, err, "unknown user")
	if candidate.User != "nobody" {
		t.Errorf("the hook was asked about %q", candidate.User)
	}

	check = false
	if _, err = login("alice", ""); err != nil {
		t.Errorf("the hook's word is enough: %v", err)
	}
	for _, user := range []string{"nobody", "disabled"} {
		id, err = login(user, "")
		wantRejected(t, id, err, "")
	}
	verdict = errors.New("not today")
	id, err = login("alice", "")
	wantRejected(t, id, err, "not today")
}

// A dialogue that nobody answers ends after a minute.
func TestDialogueTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.put(t, "alice", nil)
		silent := func(ctx context.Context, _ string, _ []auth.Question) ([]string, error) {
			<-ctx.Done()
			return nil, errors.New("closed")
		}
		ask := interviewer(func(ctx context.Context, _ auth.Candidate, ask auth.Dialogue) error {
			_, err := ask(ctx, "", []auth.Question{{Text: "?"}})
			return err
		})
		for _, cfg := range []auth.Config{{}, {Interviewer: ask}} {
			f.use(cfg)
			start := time.Now()
			id, err := f.Authenticate(t.Context(), attempt("alice", auth.Dialogue(silent)))
			wantRejected(t, id, err, "longer than 1m0s")
			if d := time.Since(start); d != time.Minute {
				t.Errorf("ended after %v", d)
			}
		}
	})
}

// One address cannot keep all dialogues to itself.
func TestDialoguesAreBounded(t *testing.T) {
	f := newFixture(t)
	f.put(t, "alice", nil)
	begun := make(chan struct{})
	f.use(auth.Config{Interviewer: interviewer(func(ctx context.Context, _ auth.Candidate, _ auth.Dialogue) error {
		begun <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	})})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	results := make(chan error, 20)
	for range 11 {
		wg.Go(func() {
			_, err := f.Authenticate(ctx, attempt("alice", answers()))
			results <- err
		})
		<-begun
	}
	if err := <-results; !errors.Is(err, auth.ErrBusy) || !errors.Is(err, dataprovider.ErrUnavailable) {
		t.Errorf("the one that has to go: %v", err)
	}
	cancel()
	wg.Wait()
	if n := len(f.records(t, "connection_failed")); n != 0 {
		t.Errorf("%d of them are held against the client", n)
	}
}
