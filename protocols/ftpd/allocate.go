package ftpd

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"sftpgo/vfs"
)

// allocate answers ALLO: nothing is reserved, the client learns whether it would
// fit. "ALLO n R m" is the form for records (RFC 959, 4.1.3).
func allocate(ctx context.Context, d *driver, arg string) (reply, error) {
	number, _, _ := strings.Cut(arg, " ")
	size, err := strconv.ParseUint(number, 10, 63)
	if err != nil {
		return reply{}, &refusal{501, "ALLO takes a number of bytes"}
	}
	d.room.Store(int64(size) + 1)
	space, err := d.s.Space(ctx, d.c.directory())
	switch {
	case errors.Is(err, vfs.ErrUnsupported): // nobody knows
		return reply{code: 202, text: "Not needed here"}, nil
	case err != nil:
		return reply{}, err
	case size > space.Avail:
		return reply{}, vfs.ErrNoSpace
	}
	return reply{code: 200, text: "There is room"}, nil
}
