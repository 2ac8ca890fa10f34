// Package scp is the remote side of the legacy copy protocol of rcp, as
// "scp -O" of OpenSSH, WinSCP in SCP mode, pscp and libssh2 speak it over an
// SSH command. It has no policy of its own: a session decides.
//
// The protocol: the sender announces each file or directory by a line, waits
// for the answer, sends the bytes and a zero byte, and waits again. An answer is
// a zero byte, or 1 (go on) or 2 (the end) with a text.
package scp

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"sftpgo/protocols/session"
	"sftpgo/protocols/sshd/shellword"
)

// chunk is how much of a file is moved at a time: a few SSH packets.
const chunk = 128 << 10

// InputBuffer is how many bytes are read ahead.
const InputBuffer = 32 << 10

// ErrStream: the run ended where the two sides do not agree on what the next byte
// means, for instance in the middle of a file. Nothing else can use the stream.
var ErrStream = errors.New("stream left in the middle")

// Stream is what the command reads and writes.
type Stream struct {
	// In is read ahead, unless it is a *bufio.Reader with room for InputBuffer bytes:
	// what follows the last byte of the run is left in that.
	In       io.Reader
	Out, Err io.Writer
}

// Run carries out the command whose words after "scp" are given. The error is
// for the log and for the exit status; the client has been told. It wraps
// ErrStream if the streams are of no more use.
func Run(words []shellword.Word, st Stream, s *session.Session) error {
	a, err := parseArguments(words)
	if err != nil {
		fmt.Fprintf(st.Err, "scp: %s\n", err)
		return fmt.Errorf("scp: %w", err)
	}
	w := &wire{in: bufio.NewReaderSize(st.In, InputBuffer), out: st.Out, log: s.Log()}
	p := peer{wire: w, arguments: a, s: s, stderr: st.Err, buf: make([]byte, chunk)}
	switch a.direction {
	case sinking:
		err = (&sink{peer: p}).run()
	case sourcing:
		err = (&source{peer: p}).run()
	}
	switch {
	case err == nil && w.failed:
		err = errIncomplete
	case err != nil && !errors.Is(err, errEnded) && !isRefused(err):
		err = fmt.Errorf("%w: %w", ErrStream, err)
	}
	if err != nil {
		return fmt.Errorf("scp: %w", err)
	}
	return nil
}

// peer is what both sides of the protocol have.
type peer struct {
	*wire
	arguments
	s      *session.Session
	stderr io.Writer
	buf    []byte
}

// isRefused reports whether err concerns one file only.
func isRefused(err error) bool { return errors.Is(err, errRefused) }
