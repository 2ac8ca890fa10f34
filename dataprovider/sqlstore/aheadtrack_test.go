package sqlstore_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/sqlstore"
)

// server opens a store whose target "hook" is served from the log.
func server(t *testing.T, path string) *sqlstore.Store {
	t.Helper()
	s := openStore(t, sqlstore.Config{Path: path, Exclusive: true})
	if got := claimFrom(t, s, 1); len(got) > 0 {
		t.Fatalf("a new store has %v", got)
	}
	return s
}

func tell(t *testing.T, s *sqlstore.Store, event string, keys ...string) {
	t.Helper()
	with := dataprovider.Settlement{EventID: event, Event: []byte(event), Keys: keys, Targets: []string{"hook"}}
	if _, err := s.Outbox().Settle(t.Context(), 0, with); err != nil {
		t.Fatal(err)
	}
}

func claimFrom(t *testing.T, s *sqlstore.Store, n int) []dataprovider.Delivery {
	t.Helper()
	claimed, err := s.Outbox().Claim(t.Context(), "hook", n, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return claimed
}

// claims waits until exactly these can be claimed.
func claims(t *testing.T, s *sqlstore.Store, want ...string) (list []dataprovider.Delivery) {
	t.Helper()
	var got []string
	for limit := time.Now().Add(30 * time.Second); len(got) < len(want) && time.Now().Before(limit); {
		for _, d := range claimFrom(t, s, 10) {
			got, list = append(got, d.EventID), append(list, d)
		}
		time.Sleep(time.Millisecond)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("claimed (-want +got):\n%s", diff)
	}
	return list
}

func keep(t *testing.T, s *sqlstore.Store, list ...dataprovider.Delivery) {
	t.Helper()
	for _, d := range list {
		if err := s.Outbox().Acknowledge(t.Context(), dataprovider.Acknowledgement{ID: d.ID}); err != nil {
			t.Fatal(err)
		}
	}
}

// A command sees what waits and what was delivered, though nobody asks the server for
// it, and the server what the command wants delivered, at its place.
func TestCommandBesideTrack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sftpgo.db")
	s := server(t, path)
	command := openStore(t, sqlstore.Config{Path: path})
	tell(t, s, "first", "/a")
	first := claims(t, s, "first")
	keep(t, s, first...)
	tell(t, s, "second", "/a")
	second := claims(t, s, "second")
	tell(t, s, "waits", "/a")

	seen := func(look func() []string, want ...string) {
		t.Helper()
		var got []string
		for limit := time.Now().Add(30 * time.Second); time.Now().Before(limit) && !cmp.Equal(want, got); time.Sleep(time.Millisecond) {
			got = look()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("the command sees (-want +got):\n%s", diff)
		}
	}
	seen(func() (list []string) {
		for d, err := range command.Outbox().Queue(t.Context(), 0) {
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, fmt.Sprint(d.EventID, " ", d.State))
		}
		return list
	}, "second claimed", "waits blocked")
	seen(func() (list []string) {
		for d, err := range command.Outbox().Delivered(t.Context(), time.Time{}) {
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, d.EventID)
		}
		return list
	}, "first")

	keep(t, s, second...)
	keep(t, s, claims(t, s, "waits")...)
	if got := claimFrom(t, s, 10); len(got) > 0 { // from the log again
		t.Fatal(got)
	}
	tell(t, s, "third", "/a")
	third := claims(t, s, "third")
	if _, err := command.Outbox().Replay(t.Context(), first[0].ID); err != nil {
		t.Fatal(err)
	}
	tell(t, s, "fourth", "/a")
	tell(t, s, "other", "/b")
	other := claims(t, s, "other")
	for limit := time.Now().Add(30 * time.Second); len(queueOf(t, s)) < 4 && time.Now().Before(limit); {
		time.Sleep(time.Millisecond)
	}
	if got := claimFrom(t, s, 10); len(got) > 0 {
		t.Fatalf("%v came before the third was done", got)
	}
	keep(t, s, third...)
	keep(t, s, other...)
	keep(t, s, claims(t, s, "fourth")...)
	keep(t, s, claims(t, s, "first")...)
	if left := queueOf(t, s); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func queueOf(t *testing.T, s *sqlstore.Store) (events []string) {
	t.Helper()
	events, _ = heard(t, s)
	return events
}

// What a command put there is found though nobody tells the server of it.
func TestTrackLooks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sftpgo.db")
	s := server(t, path)
	command := openStore(t, sqlstore.Config{Path: path})
	tell(t, command, "of the command", "/a")
	d := claims(t, s, "of the command")
	tell(t, s, "behind it", "/a")
	if got := claimFrom(t, s, 10); len(got) > 0 {
		t.Fatalf("%v came before its turn", got)
	}
	keep(t, s, d...)
	claims(t, s, "behind it")
}

// Much that was logged goes into the database in portions, and nobody waits for all of
// it who does not need it.
func TestLogInPortions(t *testing.T) {
	s := openStore(t, sqlstore.Config{Path: filepath.Join(t.TempDir(), "sftpgo.db"), Exclusive: true})
	const n = 5000
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range n / 4 {
				tell(t, s, fmt.Sprint(w, " ", i), fmt.Sprint("/", w))
				if i%100 != 0 {
					continue
				}
				if _, err := s.Usage().Add(t.Context(), "alice", dataprovider.Amount{Files: 1}); err != nil {
					t.Error(err)
				}
				if _, err := s.Outbox().Backlog(t.Context()); w == 0 && i%500 == 0 && err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b, err := s.Outbox().Backlog(t.Context())
	if err != nil || len(b) != 1 || b[0].Queued != n {
		t.Errorf("%+v %v", b, err)
	}
	if got := claimFrom(t, s, 10); len(got) != 4 {
		t.Errorf("%d are first of their file", len(got))
	}
}

// Ids that were not needed are given back, and those of a server that was killed are
// not given again.
func TestDeliveryIDs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sftpgo.db")
	for want := int64(1); want < 4; want++ {
		s := openStore(t, sqlstore.Config{Path: path, Exclusive: true})
		tell(t, s, "e")
		d := claimFrom(t, s, 10)
		if len(d) != 1 || d[0].ID != want {
			t.Fatalf("%+v, want id %d", d, want)
		}
		keep(t, s, d...)
		killed := openStore(t, sqlstore.Config{Path: killedCopy(t, path), Exclusive: true})
		tell(t, killed, "after")
		if d := claimFrom(t, killed, 10); len(d) != 1 || d[0].ID <= want {
			t.Errorf("after a kill: %+v", d)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Of what was delivered no more is kept than a sweep would leave.
func TestLogKeepsLatest(t *testing.T) {
	s := server(t, filepath.Join(t.TempDir(), "sftpgo.db"))
	if _, err := s.Outbox().Sweep(t.Context(), time.Now().Add(-time.Hour), 20); err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		tell(t, s, fmt.Sprintf("%02d", i))
		keep(t, s, claims(t, s, fmt.Sprintf("%02d", i))...)
	}
	var got []string
	for d, err := range s.Outbox().Delivered(t.Context(), time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, d.EventID)
	}
	if len(got) < 20 || got[len(got)-1] != "49" || got[len(got)-20] != "30" {
		t.Errorf("kept: %v", got)
	}
}

// BenchmarkAppend is what an intention and its end cost who uploads.
func BenchmarkAppend(b *testing.B) {
	o := benchStore(b).Outbox()
	s := settlement(1)
	s.Owner, s.Targets = "", nil // deliveries: see BenchmarkEvents
	record := s.Event
	b.ReportAllocs()
	for b.Loop() {
		id, err := o.Announce(b.Context(), record)
		if err == nil {
			_, err = o.Settle(b.Context(), id, s)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// What ends the smooth way of a target finds what was handed out from the log.
func TestTrackEnds(t *testing.T) {
	s := server(t, filepath.Join(t.TempDir(), "sftpgo.db"))
	o := s.Outbox()
	tell(t, s, "released", "/a")
	d := claims(t, s, "released")
	if err := o.Release(t.Context(), "hook"); err != nil {
		t.Fatal(err)
	}
	if again := claims(t, s, "released"); again[0].ID != d[0].ID || again[0].Attempt != 2 {
		t.Errorf("%+v after %+v", again[0], d[0])
	}
	keep(t, s, d...)

	claimFrom(t, s, 1) // from the log again
	tell(t, s, "buried", "/a")
	d = claims(t, s, "buried")
	if err := o.Bury(t.Context(), d[0].ID, dataprovider.Try{}); err != nil {
		t.Fatal(err)
	}
	tell(t, s, "behind", "/a")
	behind := claims(t, s, "behind")
	if err := o.Revive(t.Context(), d[0].ID); err != nil {
		t.Fatal(err)
	}
	if got := claimFrom(t, s, 10); len(got) != 1 || got[0].ID != d[0].ID {
		t.Errorf("%+v, want what was revived, at once", got)
	}
	keep(t, s, behind...)
	keep(t, s, d...)
	if left := queueOf(t, s); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
