package sftp

import (
	"fmt"
	"math"

	"sftpgo/protocols"
)

// appending places what is written to a file that was opened with APPEND. Some
// clients give the true offset, as without the flag: they resume. Others count
// from 0 or always say 0 (asyncssh, ssh2, curl -a), because draft 02, section 6.3,
// has the server append. Both get what they want: the second begin at 0 where
// there is something already, which the first have no reason to do.
type appending struct {
	floor  int64 // what was there at the open, and must not be destroyed
	end    int64 // of the file
	always bool  // offsets mean nothing
}

// place tells where n bytes for the offset off go. An offset inside of what was
// there is that of a client that resumes and is wrong about the size.
func (a *appending) place(off int64, n int) (int64, error) {
	if off == 0 && a.end > 0 {
		a.always = true
	}
	switch {
	case a.always:
		off = a.end
		if off > math.MaxInt64-int64(n) {
			return 0, errBadMessage
		}
	case off < a.floor:
		return 0, &statusError{protocols.SFTPFailure, fmt.Sprintf("Invalid write offset: %d minimum valid value: %d", off, a.floor)}
	}
	a.end = max(a.end, off+int64(n))
	return off, nil
}
