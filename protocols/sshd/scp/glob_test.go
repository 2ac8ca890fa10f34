package scp

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
	"sftpgo/protocols/session"
	"sftpgo/protocols/sshd/shellword"
	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

type noMetrics struct{}

func (noMetrics) SessionsChanged(int)                          {}
func (noMetrics) TransferDone(session.Direction, int64, error) {}
func (noMetrics) CommandDone(error)                            {}

// noHooks wants nothing.
type noHooks struct{ actions.Nobody }

// open starts a session of a user who may do everything in home.
func open(t testing.TB, home string) *session.Session {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	m := session.NewManager(memstore.New(memstore.Config{}), noHooks{}, []vfs.Factory{localfs.NewFactory(log)}, noMetrics{}, log, 0, session.Config{})
	u := dataprovider.User{Username: "u", HomeDir: home, Permissions: map[string][]string{"/": {dataprovider.PermAny}}}
	s, err := m.Open(context.Background(), u, session.Peer{Protocol: "SCP", ID: "SCP_1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestExpandDoesNotMultiply: a pattern that goes down and up again stands for as
// many names as there are, not for a power of it.
func TestExpandDoesNotMultiply(t *testing.T) {
	home := t.TempDir()
	for i := range 400 {
		if err := os.Mkdir(filepath.Join(home, fmt.Sprintf("d%03d", i)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, home)
	words, err := shellword.Split(`*/../*/../*/../d00[12] */../d003`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range words {
		names, err := Expand(s, w)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, names...)
	}
	if diff := cmp.Diff([]string{"/d001", "/d002", "/d003"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
