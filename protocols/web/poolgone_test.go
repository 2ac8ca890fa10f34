package web

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
	"sftpgo/protocols/auth"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

// A client that has gone when its session turns out not to open leaves nothing behind,
// neither a panic nor a seat without a session.
func TestPoolClientGone(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	m := session.NewManager(memstore.New(memstore.Config{}), nil, []vfs.Factory{localfs.NewFactory(log)}, noMetrics{}, log, 0, session.Config{})
	p := NewPool(m, "DAV")
	defer p.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	id := auth.Identity{User: dataprovider.User{Username: "u", HomeDir: filepath.Join(file, "home")}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 {
		if l, err := p.Acquire(ctx, id, netip.Addr{}); err == nil {
			p.Release(l)
			t.Fatal("a session of a home that cannot be")
		}
		if len(p.bySeat) > 0 {
			t.Fatal("a seat without a session")
		}
	}
}
