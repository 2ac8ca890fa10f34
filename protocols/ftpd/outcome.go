package ftpd

import (
	"bytes"
	"fmt"

	"github.com/fclairamb/ftpserverlib"
)

// conclude says how a transfer has ended, before the library does.
func (t *control) conclude(err error) {
	outcome := reply{code: ftpserver.StatusClosingDataConn, text: "Closing transfer connection"}
	if err != nil {
		outcome = refused(err)
	}
	t.write.Lock()
	defer t.write.Unlock()
	t.outcome = outcome
}

// concluded puts the outcome in the place of what the library says about the
// connection, with its addresses: to close one with TLS may fail when all has
// arrived, because the client has gone already. The caller holds t.write.
func (t *control) concluded(line []byte) []byte {
	if !bytes.HasPrefix(line, []byte("550 Issue during transfer")) {
		return line
	}
	return fmt.Appendf(nil, "%d %s\r\n", t.outcome.code, t.outcome.text)
}
