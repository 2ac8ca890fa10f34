package sqlstore

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"sftpgo/dataprovider"
)

// errMigrating: another process is at it for longer than this one waits.
var errMigrating = fmt.Errorf("%w: another process updates its schema", dataprovider.ErrUnavailable)

// passing are the classes and codes of errors that may pass.
var passing = []string{
	"08",    // connection exception
	"53",    // insufficient resources: connections, disk, memory
	"57P",   // operator intervention: shutdown, crash, starting up
	"58",    // system error
	"40",    // transaction rollback: deadlock, serialization
	"55P03", // lock not available
	"57014", // query cancelled: statement_timeout
	"25006", // read only: a standby, before it is promoted
	"25P03", // idle in transaction for too long
}

func postgresClassify(err error) error {
	if err == nil || errors.Is(err, dataprovider.ErrUnavailable) {
		return err
	}
	var e *pgconn.PgError
	if errors.As(err, &e) {
		if !slices.ContainsFunc(passing, func(p string) bool { return strings.HasPrefix(e.Code, p) }) {
			return err
		}
	} else if !postgresLost(err) {
		return err
	}
	return fmt.Errorf("%w: %w", dataprovider.ErrUnavailable, line{err})
}

// postgresLost reports whether the connection has gone or cannot be made.
func postgresLost(err error) bool {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return strings.HasPrefix(e.Code, "57P") || strings.HasPrefix(e.Code, "08") || e.Code == "25P03"
	}
	var network net.Error
	var connect *pgconn.ConnectError
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network) ||
		errors.As(err, &connect) || pgconn.Timeout(err) || pgconn.SafeToRetry(err)
}

// line is an error whose text is one line: the driver lists the addresses that it
// has tried below each other.
type line struct{ error }

func (l line) Error() string { return strings.Join(strings.Fields(l.error.Error()), " ") }
func (l line) Unwrap() error { return l.error }
