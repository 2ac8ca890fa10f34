package ftpd

import (
	"bytes"
	"context"

	"github.com/fclairamb/ftpserverlib"
)

// The answers to a transfer before PASV or PORT (RFC 959, section 5.4), and to one
// before PROT P where TLS is required. The library would open the file first, and so
// empty one that is written in place.
var (
	errNoPassage = &refusal{ftpserver.StatusCannotOpenDataConnection, "Use PASV, EPSV, PORT or EPRT first"}
	errNoTLS     = &refusal{ftpserver.StatusServiceNotAvailable, "TLS is required: PROT P"}
)

// mayTransfer tells why no data connection can be opened, as far as that is known.
func (c *client) mayTransfer() error {
	cc := c.context()
	switch {
	case !c.control.hasPassage():
		return errNoPassage
	case c.srv.binding.TLSMode == tlsRequired && (cc == nil || !cc.HasTLSForTransfers()):
		return errNoTLS
	}
	return nil
}

// notePassage reads from the replies whether there is a way for a data connection;
// each serves one. The caller holds t.write.
func (t *control) notePassage(line []byte) {
	switch codeOf(line) {
	case ftpserver.StatusEnteringPASV, ftpserver.StatusEnteringEPSV:
		t.ready = true
	case ftpserver.StatusOK:
		t.ready = t.ready || bytes.HasSuffix(bytes.TrimSpace(line), []byte("PRT command successful")) ||
			bytes.HasSuffix(bytes.TrimSpace(line), []byte("PORT command successful"))
	case ftpserver.StatusFileStatusOK:
		t.ready = false
	}
}

func (t *control) hasPassage() bool {
	t.write.Lock()
	defer t.write.Unlock()
	return t.ready
}

func (t *control) closePassage() {
	t.write.Lock()
	defer t.write.Unlock()
	t.ready = false
}

// abort takes ABOR. Beside a transfer that is open the library ends it; the reply of
// one that it refuses comes first.
func (t *control) abort(line []byte) []byte {
	t.closePassage()
	t.c.interrupt()
	if !t.starting.wait(t.c.ctx.Done()) || !t.c.loggedIn() {
		return line
	}
	return t.later(func(context.Context, *driver) (reply, error) {
		return reply{code: ftpserver.StatusClosingDataConn, text: "Nothing to abort"}, nil
	})
}
