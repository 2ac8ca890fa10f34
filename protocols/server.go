// Package protocols holds what all front-ends share: what a server is, and the
// one table that turns errors into the answers of each protocol.
package protocols

import (
	"context"
	"net"
)

// Server is one protocol front-end. Serve answers clients of l until ctx is
// done, then stops accepting, lets running transfers end within the grace
// period of its configuration, and returns nil. It closes l.
type Server interface {
	Serve(ctx context.Context, l net.Listener) error
}

// Names of the protocols in events, logs and records.
const (
	SFTP = "SFTP"
	SCP  = "SCP"
	SSH  = "SSH"
	FTP  = "FTP"
	DAV  = "DAV"
	HTTP = "HTTP" // resumable uploads
)
