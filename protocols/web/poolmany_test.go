package web

import (
	"log/slog"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
	"sftpgo/protocols/auth"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

// counting knows how many sessions there are.
type counting struct {
	noMetrics
	sessions atomic.Int64
}

func (c *counting) SessionsChanged(active int) { c.sessions.Store(int64(active)) }

// TestPoolOfManyAddresses: clients of any number of addresses, as who may write
// X-Forwarded-For can have, leave only so many sessions behind, each with an open file.
func TestPoolOfManyAddresses(t *testing.T) {
	log, count := slog.New(slog.DiscardHandler), &counting{}
	m := session.NewManager(memstore.New(memstore.Config{}), nil, []vfs.Factory{localfs.NewFactory(log)}, count, log, 0, session.Config{})
	p := NewPool(m, "HTTP")
	defer p.Close()
	p.SetLinger(time.Hour)
	id := auth.Identity{User: dataprovider.User{Username: "u", HomeDir: t.TempDir()}}
	for n := range maxSeats + 200 {
		l, err := p.Acquire(t.Context(), id, netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}))
		if err != nil {
			t.Fatal(err)
		}
		p.Release(l)
	}
	for deadline := time.Now().Add(time.Minute); count.sessions.Load() > maxSeats; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d sessions linger", count.sessions.Load())
		}
	}
	l, err := p.Acquire(t.Context(), id, netip.AddrFrom4([4]byte{10, 0, 0, 0}))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Release(l)
}
