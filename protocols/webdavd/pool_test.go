package webdavd_test

import (
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
)

// TestSessionReuse: the requests of one client share one session, at the same
// time too.
func TestSessionReuse(t *testing.T) {
	r := newRig(t, session.Config{MaxTotalConnections: 1}, func(u *dataprovider.User) { u.MaxSessions = 1 })
	r.write("f", "x")
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for range 5 {
				if got := r.call("GET", "/f", ""); got.status != 200 {
					t.Errorf("status %d %s", got.status, got.body)
				}
			}
		})
	}
	wg.Wait()
	if _, highest := r.metrics.sessions(); highest != 1 {
		t.Errorf("%d sessions at a time, want 1", highest)
	}
	// Between requests the session does not count, so that others get in.
	r.addUser("bob", r.home)
	for _, user := range []string{"bob", "alice"} {
		status := 0
		for range 100 { // an answer arrives a moment before its request has ended
			if status = r.call("GET", "/f", "", "Login: "+user).status; status != 503 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if status != 200 {
			t.Errorf("%s: status %d", user, status)
		}
	}
}

// TestTooManySessions: a user who has all sessions elsewhere is turned away with
// 503 until one ends.
func TestTooManySessions(t *testing.T) {
	r := newRig(t, session.Config{}, func(u *dataprovider.User) { u.MaxSessions = 1 })
	u, _, err := r.store.Users().Get(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.manager.Open(t.Context(), u, session.Peer{Protocol: "SFTP", ID: "SFTP_1"})
	if err != nil {
		t.Fatal(err)
	}
	got := r.want(503, "PROPFIND", "/", "", "Depth: 0")
	if got.header.Get("Retry-After") == "" || got.body != "too many sessions\n" {
		t.Errorf("%v %q", got.header, got.body)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r.want(207, "PROPFIND", "/", "", "Depth: 0")
}

// TestUserChange: an edit of the account holds from the next request on.
func TestUserChange(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("f", "x")
	r.want(200, "GET", "/f", "")
	r.changeUser(func(u *dataprovider.User) {
		u.Permissions = map[string][]string{"/": {dataprovider.PermList}}
	})
	r.want(403, "GET", "/f", "")
	for range 100 { // the old session ends in the background
		if active, _ := r.metrics.sessions(); active == 1 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if active, _ := r.metrics.sessions(); active != 1 {
		t.Errorf("%d sessions, want 1", active)
	}
	r.changeUser(func(u *dataprovider.User) { u.Status = 0 })
	r.want(401, "GET", "/f", "")
}

// TestSessionExpires: a client that does not come back has no session for long.
func TestSessionExpires(t *testing.T) {
	r := newRig(t, session.Config{})
	r.server.SetLinger(50 * time.Millisecond)
	for range 2 {
		r.want(207, "PROPFIND", "/", "", "Depth: 0")
		active := 1
		for range 200 {
			if active, _ = r.metrics.sessions(); active == 0 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if active != 0 {
			t.Errorf("%d sessions left", active)
		}
	}
	if _, highest := r.metrics.sessions(); highest != 1 {
		t.Errorf("%d sessions at a time", highest)
	}
}

// TestSessionEnded: a session that the server ends takes its requests along, and
// the client gets a new one.
func TestSessionEnded(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	c := r.raw(t, "PUT", "/f", 1000)
	if _, err := io.WriteString(c, "begin"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	ctx, cancel := contextWithTimeout(t, 100*time.Millisecond)
	defer cancel()
	r.manager.Shutdown(ctx) // no end of the upload in sight: it is cut
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 503 ") {
		t.Errorf("answer %q, %v", answer, err)
	}
	if events := r.waitEvents(1); len(events) != 1 || !strings.HasPrefix(events[0], "upload.failed /f 0") {
		t.Errorf("events %v", events)
	}
	if got := r.content("f"); got != "-" {
		t.Errorf("file %q", got)
	}
}
