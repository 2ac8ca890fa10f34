package ftpd

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"syscall"

	"github.com/fclairamb/ftpserverlib"

	"sftpgo/protocols"
)

// mark begins the part of a reply that comes from refusal. NUL is in no name
// that a session accepts.
const mark = 0

// refusal is an error that carries its own reply. The library lets a driver
// choose between 552, 553 and one default code per command, and sends the text
// of the error; so the text names the code, and control puts it in its place.
type refusal struct {
	code int
	text string
}

func (r *refusal) Error() string { return fmt.Sprintf("%c%03d %s", mark, r.code, r.text) }

// refuse turns an error of the session layer into what the client is told: the
// row of the table of failures and nothing else.
func refuse(err error) error {
	if err == nil {
		return nil
	}
	var known *refusal
	if errors.As(err, &known) {
		return known
	}
	if connectionLost(err) {
		err = context.Canceled
	}
	st := protocols.StatusOf(err)
	return &refusal{code: st.FTP, text: st.Text}
}

// connectionLost reports whether err comes from the data connection and not from
// the storage. The kernel's copy from socket to file reports its errors through
// the file, hence the bare numbers.
func connectionLost(err error) bool {
	var (
		network *net.OpError
		record  tls.RecordHeaderError
	)
	return errors.As(err, &network) || errors.As(err, &record) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ETIMEDOUT)
}

// rewrite turns one line of the library into the line for the client: a refusal
// replaces code and text, whatever the library put round it. The dash of a reply
// with several lines stays.
func rewrite(line []byte) []byte {
	// The library tells which addresses it listens on and dials.
	if codeOf(line) == ftpserver.StatusCannotOpenDataConnection && bytes.IndexByte(line, mark) < 0 {
		return []byte("425 Cannot open the data connection\r\n")
	}
	// And what its parsers of arguments say.
	for _, start := range []string{"501 ", "550 "} {
		text, ok := bytes.CutPrefix(line, []byte(start))
		if ok && (bytes.HasPrefix(text, []byte("Couldn't parse ")) || bytes.HasPrefix(text, []byte("Problem parsing "))) {
			return []byte("501 Malformed argument\r\n")
		}
	}
	at := bytes.LastIndexByte(line, mark)
	if at < 0 || codeOf(line) == 0 {
		return line
	}
	own := line[at+1:]
	if codeOf(own) == 0 || own[3] != ' ' {
		return line
	}
	return append(append(bytes.Clone(own[:3]), line[3]), own[4:]...)
}

// oneLine keeps a CR in a name from ending a reply for clients that take it for the
// end of a line, as Python does.
func oneLine(line []byte) []byte {
	text, ended := bytes.CutSuffix(line, []byte("\r\n"))
	if !ended || bytes.IndexByte(text, '\r') < 0 {
		return line
	}
	return append(bytes.ReplaceAll(text, []byte("\r"), []byte("?")), "\r\n"...)
}

// codeOf returns the reply code that begins a line, or 0.
func codeOf(line []byte) int {
	if len(line) < 4 || line[3] != ' ' && line[3] != '-' {
		return 0
	}
	code, err := strconv.ParseUint(string(line[:3]), 10, 16)
	if err != nil || code < 100 || code > 599 {
		return 0
	}
	return int(code)
}
