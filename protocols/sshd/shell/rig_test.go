package shell_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
	"sftpgo/protocols/session"
	"sftpgo/protocols/sshd/command"
	"sftpgo/protocols/sshd/scp"
	"sftpgo/protocols/sshd/shell"
	"sftpgo/protocols/sshd/shellword"
	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

// open starts a session on a directory of the host, after change.
func open(t testing.TB, home string, change ...func(*dataprovider.User)) *session.Session {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	store := memstore.New(memstore.Config{})
	t.Cleanup(func() { store.Close() })
	m := session.NewManager(store, noHooks{}, []vfs.Factory{localfs.NewFactory(log)}, noMetrics{}, log, 0, session.Config{})
	u := dataprovider.User{Username: "u", HomeDir: home, Permissions: map[string][]string{"/": {dataprovider.PermAny}}}
	for _, f := range change {
		f(&u)
	}
	s, err := m.Open(context.Background(), u, session.Peer{Protocol: "SCP", ID: "SCP_1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// run answers lines, with all commands that need no program of the host.
func run(t testing.TB, s *session.Session, in string) (out, stderr string, status uint32) {
	t.Helper()
	cfg := shell.Config{Commands: map[string]command.Command{}, SCP: copier{}}
	for _, c := range command.Virtual() {
		cfg.Commands[c.Name()] = c
	}
	var o, e bytes.Buffer
	status = shell.Run(t.Context(), s, cfg, shell.Stream{In: strings.NewReader(in), Out: &o, Err: &e})
	return o.String(), e.String(), status
}

type copier struct{}

func (copier) Copy(_ context.Context, s *session.Session, args []shellword.Word, st command.Stream) error {
	return scp.Run(args, scp.Stream{In: st.In, Out: st.Out, Err: st.Err}, s)
}

type noHooks struct{ actions.Nobody }

type noMetrics struct{}

func (noMetrics) SessionsChanged(int)                          {}
func (noMetrics) TransferDone(session.Direction, int64, error) {}
func (noMetrics) CommandDone(error)                            {}
