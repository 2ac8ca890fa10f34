package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"time"
)

// Listen opens the listener of the configuration: TCP, or a Unix socket, whose
// file is replaced if a server that has ended left it behind. The socket is open
// to the group.
func (c Config) Listen(ctx context.Context) (net.Listener, error) {
	var lc net.ListenConfig
	if !c.socket() {
		return lc.Listen(ctx, "tcp", net.JoinHostPort(c.BindAddress, strconv.Itoa(c.BindPort)))
	}
	if err := removeStale(ctx, c.BindAddress); err != nil {
		return nil, err
	}
	l, err := lc.Listen(ctx, "unix", c.BindAddress)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(c.BindAddress, 0o660); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// removeStale removes a socket that nobody listens on. Anything else stays, and
// listening fails.
func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != fs.ModeSocket {
		return nil
	}
	d := net.Dialer{Timeout: time.Second}
	conn, err := d.DialContext(ctx, "unix", path)
	if err == nil {
		return errors.Join(fmt.Errorf("another process listens on %s", path), conn.Close())
	}
	return os.Remove(path)
}
