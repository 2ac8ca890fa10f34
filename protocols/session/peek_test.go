package session_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/netip"
	"testing"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

// TestPeek: that nothing is there is an answer, and no record; anything else is as with
// Stat.
func TestPeek(t *testing.T) {
	var written bytes.Buffer
	log := slog.New(slog.NewTextHandler(&written, &slog.HandlerOptions{Level: slog.LevelDebug}))
	m := session.NewManager(memstore.New(memstore.Config{}), &hooks{}, []vfs.Factory{localfs.NewFactory(log)}, &counters{}, log, 0, session.Config{})
	s, err := m.Open(t.Context(), dataprovider.User{
		Username: "alice", HomeDir: t.TempDir(), Permissions: map[string][]string{"/": {"*"}, "/blind": {"upload"}},
	}, session.Peer{Protocol: "DAV", ID: "DAV_1", Remote: netip.MustParseAddr("192.0.2.7")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if info, err := s.Peek(t.Context(), "/none"); info != nil || err != nil || written.Len() > 0 {
		t.Errorf("nothing is there: %v, %v, %s", info, err, &written)
	}
	if info, err := s.Peek(t.Context(), "/"); err != nil || !info.IsDir() {
		t.Errorf("the root: %v, %v", info, err)
	}
	if info, err := s.Peek(t.Context(), "/blind/f"); info != nil || !errors.Is(err, vfs.ErrPermission) || written.Len() == 0 {
		t.Errorf("not to be looked at: %v, %v, %q", info, err, &written)
	}
	if _, err := s.Stat(t.Context(), "/none"); !errors.Is(err, vfs.ErrNotExist) {
		t.Errorf("Stat: %v", err)
	}
}
