package ftpd

import (
	"context"
	"fmt"
	"time"
)

// maxStatusEntries is the longest listing on the control connection.
const maxStatusEntries = 10_000

// status answers STAT with a name: a listing on the control connection (RFC 959,
// 4.1.3).
func status(ctx context.Context, d *driver, arg string) (reply, error) {
	l, err := d.listArg(ctx, "STAT", arg)
	if err != nil {
		return reply{}, err
	}
	entries, code := []*entry{l.entry}, 213
	if l.entry.IsDir() {
		code = 212
		if entries, err = d.list(ctx, l.name, l.pattern, maxStatusEntries, linkArrow); err != nil {
			return reply{}, err
		}
	}
	r := reply{code: code, head: "Status of " + l.name, text: "End"}
	now := time.Now()
	for _, e := range entries {
		r.body = append(r.body, string(appendLong(nil, e, now)))
	}
	return r, nil
}

// serverStatus answers STAT alone, while a transfer runs too.
func (c *client) serverStatus() reply {
	r := reply{code: 211, head: fmt.Sprintf("SFTPGo %s FTP Server", c.srv.version), text: "End"}
	say := func(format string, args ...any) { r.body = append(r.body, fmt.Sprintf(format, args...)) }
	say("Connected from %s since %s", c.remote, c.since.UTC().Format(time.RFC3339))
	if c.control.isSecure() {
		say("Control connection: TLS")
	} else {
		say("Control connection: clear text")
	}
	if s := c.current(); s != nil {
		say("Logged in as %s", s.User().Username)
	} else {
		say("Not logged in")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.transfer != "" {
		say("Transfer of %s", c.transfer)
	} else {
		say("No transfer")
	}
	return r
}
