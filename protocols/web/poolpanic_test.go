package web

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
	"sftpgo/protocols/auth"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

// panicking is storage that breaks once while it is opened.
type panicking struct {
	vfs.Factory
	broken bool
}

func (p *panicking) Open(ctx context.Context, cfg []byte) (vfs.FS, error) {
	if p.broken {
		p.broken = false
		panic("storage")
	}
	return p.Factory.Open(ctx, cfg)
}

type noMetrics struct{}

func (noMetrics) SessionsChanged(int)                          {}
func (noMetrics) TransferDone(session.Direction, int64, error) {}
func (noMetrics) CommandDone(error)                            {}

// TestPoolAfterPanic: a panic of storage ends the request it is in; the seat of
// the user is free again.
func TestPoolAfterPanic(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	m := session.NewManager(memstore.New(memstore.Config{}), nil, []vfs.Factory{&panicking{localfs.NewFactory(log), true}},
		noMetrics{}, log, 0, session.Config{})
	p := NewPool(m, "DAV")
	defer p.Close()
	id := auth.Identity{User: dataprovider.User{Username: "u", HomeDir: t.TempDir()}}
	acquire := func() (l *Lease, err error) {
		defer func() {
			if r := recover(); r != nil {
				err = errOpening
			}
		}()
		return p.Acquire(t.Context(), id, netip.Addr{})
	}
	for try := range 3 {
		l, err := acquire()
		if err == nil {
			p.Release(l)
			return
		}
		t.Logf("try %d: %v", try, err)
	}
	t.Error("the user is locked out")
}
