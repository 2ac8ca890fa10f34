package webdavd

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// clientTime is the header by which the clients of ownCloud and Nextcloud, and rclone,
// send the time of a file along with it, in seconds since 1970.
const clientTime = "X-OC-Mtime"

// setTime gives an upload the time that the client sent, and says so. Without the
// permission, or a storage that can, the file has the time of its arrival, which the
// client sees by the missing answer.
func (q *request) setTime(t *session.Transfer) error {
	header := strings.TrimSpace(q.Header.Get(clientTime))
	if header == "" {
		return nil
	}
	seconds, err := strconv.ParseFloat(header, 64) // some send a fraction
	const last = 1 << 40
	if err != nil || !(seconds >= 0 && seconds < last) {
		q.s.Log().Debug("the time of a file is not understood", "header", shorten(header))
		return nil
	}
	when := time.Unix(int64(seconds), 0)
	err = t.SetAttrs(q.changing(), vfs.Attrs{Mtime: &when})
	if errors.Is(err, vfs.ErrPermission) || errors.Is(err, vfs.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("time of %q: %w", q.name, err)
	}
	q.w.Header().Set(clientTime, "accepted")
	return nil
}
