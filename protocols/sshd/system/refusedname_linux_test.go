package system_test

import (
	"io"
	"net/netip"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/protocols/session"
	"sftpgo/protocols/sshd/command"
	"sftpgo/protocols/sshd/shellword"
)

// A hook is told of a refused name as it was given, but in a form that a program can
// be given: with a NUL the event could never be delivered.
func TestEventOfARefusedName(t *testing.T) {
	r := newRig(t)
	must(t, os.MkdirAll(r.home, 0o755))
	s, err := r.manager.Open(t.Context(), r.user, session.Peer{Protocol: "SSH", ID: "SSH_1", Remote: netip.MustParseAddr("192.0.2.7")})
	must(t, err)
	defer s.Close()
	for _, line := range []string{
		"git-upload-pack 'a\x00b'", "git-upload-pack ../../etc", "rsync --server . 'a\x00b'", "rsync --server --sender . ../../etc/", "git-upload-pack",
	} {
		words, err := shellword.Split(line)
		must(t, err)
		in, w := io.Pipe()
		must(t, w.Close())
		if status := r.commands[words[0].Text].Run(t.Context(), s, words[1:], command.Stream{Line: line, In: in, Out: io.Discard, Err: io.Discard}); status != 1 {
			t.Errorf("%q: status %d", line, status)
		}
	}
	want := []string{
		"ssh.cmd git-upload-pack /a?b 0", "ssh.cmd git-upload-pack ../../etc 0", "ssh.cmd rsync /a?b 0", "ssh.cmd rsync ../../etc/ 0", "ssh.cmd git-upload-pack  0",
	}
	got := r.events() // of different names in any order
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
