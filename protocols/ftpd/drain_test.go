package ftpd_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"sftpgo/actions"
)

// Clients that do nothing are sent away, a running transfer may end and is
// answered.
func TestDrain(t *testing.T) {
	s := start(t, options{})
	idle, stranger, busy := login(t, s), dial(t, s), login(t, s)
	d := begin(t, s, busy, "STOR a")
	s.stop()
	if text := idle.expect(421); text != "Server is shutting down" {
		t.Errorf("farewell %q", text)
	}
	idle.ended()
	stranger.expect(421)
	stranger.ended()
	select {
	case err := <-s.done:
		t.Fatalf("Serve returned during a transfer: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	if _, err := io.WriteString(d, "the end"); err != nil {
		t.Fatal(err)
	}
	d.Close()
	busy.expect(226)
	busy.expect(421)
	busy.ended()
	if got := s.read(t, "a"); !strings.HasSuffix(got, "the end") {
		t.Errorf("upload has %d bytes", len(got))
	}
	if err := <-s.done; err != nil {
		t.Errorf("Serve = %v", err)
	}
	s.stop = nil
	if e := s.events.take(t, 1)[0]; e.Kind != actions.UploadDone {
		t.Errorf("event %s", e.Kind)
	}
}

// After the grace period the session layer cuts what still runs.
func TestDrainIsBounded(t *testing.T) {
	s := start(t, options{})
	c := login(t, s)
	begin(t, s, c, "STOR a")
	begun := time.Now()
	s.shutdown(t) // with a grace period of one second
	if took := time.Since(begun); took < 500*time.Millisecond || took > 8*time.Second {
		t.Errorf("shutdown took %v", took)
	}
	if e := s.events.take(t, 1)[0]; e.Kind != actions.UploadFailed {
		t.Errorf("event %s", e.Kind)
	}
	s.empty(t)
}

// A peer that neither reads nor closes does not keep the server from stopping.
func TestDrainWithStalledListing(t *testing.T) {
	s := start(t, options{})
	c := login(t, s)
	s.write(t, "big", strings.Repeat("x", 32<<20))
	d := c.data("RETR big")
	defer d.Close()
	c.expect(150)
	begun := time.Now()
	s.shutdown(t)
	if took := time.Since(begun); took > 8*time.Second {
		t.Errorf("shutdown took %v", took)
	}
}
