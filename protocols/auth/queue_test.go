package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
)

// Peers take turns, whatever the length of their lines.
func TestQueueIsFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, 100)
		var mu sync.Mutex
		var order []string
		var wg sync.WaitGroup
		enter := func(name, addr string) {
			wg.Go(func() {
				leave, err := q.enter(t.Context(), netip.MustParseAddr(addr))
				if err != nil {
					t.Error(err)
					return
				}
				defer leave()
				mu.Lock()
				order = append(order, name)
				mu.Unlock()
				time.Sleep(time.Second)
			})
			synctest.Wait()
		}
		for i := range 4 {
			enter(fmt.Sprint("a", i), "192.0.2.1")
		}
		enter("b0", "::ffff:192.0.2.2")
		enter("c0", "2001:db8::1")
		enter("c1", "2001:db8::2") // the same /64
		enter("b1", "192.0.2.2")
		wg.Wait()
		if diff := cmp.Diff([]string{"a0", "a1", "b0", "c0", "a2", "b1", "c1", "a3"}, order); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
		if q.running != 0 || q.waiting != 0 || len(q.peers) != 0 {
			t.Errorf("left behind: %+v", q)
		}
	})
}

// When the room is full the longest line gives way, and nobody else.
func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, 3)
		leave, err := q.enter(t.Context(), netip.MustParseAddr("192.0.2.9"))
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		results := map[string]error{}
		var wg sync.WaitGroup
		enter := func(name, addr string) {
			wg.Go(func() {
				leave, err := q.enter(t.Context(), netip.MustParseAddr(addr))
				mu.Lock()
				results[name] = err
				mu.Unlock()
				if err == nil {
					leave()
				}
			})
			synctest.Wait()
		}
		for i := range 5 {
			enter(fmt.Sprint("a", i), "192.0.2.1") // a3 and a4 find it full
		}
		enter("b0", "192.0.2.2") // in place of a2
		enter("c0", "192.0.2.3") // in place of a1
		enter("d0", "192.0.2.4") // everybody has one
		leave()
		wg.Wait()
		busy := map[string]bool{"a1": true, "a2": true, "a3": true, "a4": true, "d0": true}
		for name, err := range results {
			if busy[name] != errors.Is(err, ErrBusy) || !busy[name] && err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if len(results) != 8 || q.running != 0 || q.waiting != 0 || len(q.peers) != 0 {
			t.Errorf("%d results; left behind: %+v", len(results), q)
		}
	})
}

func TestQueueGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, 3)
		addr := netip.MustParseAddr("192.0.2.1")
		leave, err := q.enter(t.Context(), addr)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := q.enter(ctx, addr); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("while it waits: %v", err)
		}
		if _, err := q.enter(ctx, addr); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("before it waits: %v", err)
		}
		leave()
		leave()
		if q.running != 0 || q.waiting != 0 || len(q.peers) != 0 {
			t.Errorf("left behind: %+v", q)
		}
	})
}

func TestSlowest(t *testing.T) {
	var s slowest
	at := time.Now()
	s.note(at, time.Second)
	s.note(at, time.Millisecond)
	for after, want := range map[time.Duration]time.Duration{0: time.Second, slowestWindow - 1: time.Second} {
		if got := s.of(at.Add(after)); got != want {
			t.Errorf("after %v: %v", after, got)
		}
	}
	if got := s.of(at.Add(slowestWindow)); got != time.Second {
		t.Errorf("in the next window: %v", got)
	}
	s.note(at.Add(slowestWindow), time.Hour)
	if got := s.of(at.Add(slowestWindow)); got != slowestLimit {
		t.Errorf("after a stall: %v", got)
	}
	if got := s.of(at.Add(4 * slowestWindow)); got != 0 {
		t.Errorf("long after: %v", got)
	}
}

// flooded takes 25 ms for a password.
type flooded struct{}

func (flooded) Verify(_ context.Context, _, plain string) (bool, error) {
	time.Sleep(25 * time.Millisecond)
	return plain == "right", nil
}

func (flooded) VerifyDummy(context.Context, string) error {
	time.Sleep(25 * time.Millisecond)
	return nil
}

// Some addresses that try passwords as fast as they can do not keep others from
// logging in.
func TestLoginDuringFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Config{}, oneUser{}, flooded{}, noMetrics{}, slog.New(slog.DiscardHandler))
		p.hashing = newQueue(2, maxWaitingHashes)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var wg sync.WaitGroup
		defer wg.Wait()
		var mu sync.Mutex
		busy := 0
		for i := range 10 {
			for range 50 { // what one address may have waiting
				wg.Go(func() {
					for n := 0; ctx.Err() == nil; n++ {
						_, err := p.Authenticate(ctx, Attempt{Protocol: dataprovider.ProtocolSSH, User: "alice",
							Remote: netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), Credential: Password("wrong")})
						if errors.Is(err, ErrBusy) {
							mu.Lock()
							busy++
							mu.Unlock()
							time.Sleep(50 * time.Millisecond) // the way to the client and back
						}
					}
				})
			}
		}
		time.Sleep(2 * time.Second)
		for range 20 {
			start := time.Now()
			_, err := p.Authenticate(ctx, Attempt{Protocol: dataprovider.ProtocolSSH, User: "alice",
				Remote: netip.MustParseAddr("192.0.2.7"), Credential: Password("right")})
			if d := time.Since(start); err != nil || d > 300*time.Millisecond {
				t.Errorf("a good login: %v after %v", err, d)
			}
			p.verified.mu.Lock()
			clear(p.verified.entries)
			p.verified.mu.Unlock()
		}
		mu.Lock()
		defer mu.Unlock()
		if busy == 0 {
			t.Error("nobody was turned away: this was no flood")
		}
		cancel()
	})
}

// oneUser is a store with alice.
type oneUser struct{ dataprovider.Store }

func (oneUser) Users() dataprovider.Collection[dataprovider.User] { return aliceOnly{} }
func (oneUser) Usage() dataprovider.Usage                         { return noUsage{} }

type aliceOnly struct {
	dataprovider.Collection[dataprovider.User]
}

func (aliceOnly) Get(_ context.Context, name string) (dataprovider.User, dataprovider.Revision, error) {
	return dataprovider.User{ID: 1, Status: 1, Username: name, HomeDir: "/srv/alice", Password: "x"}, 1, nil
}

type noUsage struct{ dataprovider.Usage }

func (noUsage) Login(context.Context, string, time.Time) error { return nil }

type noMetrics struct{}

func (noMetrics) LoginDone(string, error) {}
