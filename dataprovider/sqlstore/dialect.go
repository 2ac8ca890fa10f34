package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
)

// dialect is what differs between databases. The statements themselves keep to
// what all of them understand, with ? for parameters.
type dialect struct {
	goose      goose.Dialect
	migrations string // directory below migrations

	// rebind turns ? into the placeholders of the database.
	rebind func(query string) string
	// bind makes arguments what the database takes. It does not change args.
	bind func(args []any) []any
	// text is what was stored for a string; bind may have changed it.
	text func(stored string) string
	// atMost ends a SELECT that has at most n rows.
	atMost func(n int) string

	// begin starts a transaction that may write; what it reads stays true until
	// the end.
	begin []string
	// together sends several statements without parameters at once.
	together bool
	// batch is how many requests share a transaction.
	batch int
	// limit bounds a transaction; 0 is no limit.
	limit time.Duration
	// insert runs an INSERT into a table with a generated id, and returns that.
	insert func(t *tx, query string, args ...any) (int64, error)

	// version is a query for a number that changes, on one connection, when another
	// one has committed; empty where there is none.
	version string

	// newest returns the highest migration that the database has had, 0 for an
	// empty one, without changing it.
	newest func(ctx context.Context, db *sql.DB) (int64, error)
	// classify wraps errors of the driver that may pass in
	// dataprovider.ErrUnavailable and leaves the others.
	classify func(err error) error
	// lost tells that the connection has gone; nil where there is none.
	lost func(err error) bool
}

//go:embed migrations
var migrations embed.FS

// source holds the migrations of d.
func (d dialect) source() (fs.FS, error) { return fs.Sub(migrations, "migrations/"+d.migrations) }

// known returns the highest migration that this binary has.
func (d dialect) known() (int64, error) {
	src, err := d.source()
	if err != nil {
		return 0, err
	}
	names, err := fs.Glob(src, "*.sql")
	if err != nil {
		return 0, err
	}
	if len(names) == 0 {
		return 0, errors.New("no migrations in this binary")
	}
	return goose.NumericComponent(names[len(names)-1])
}

// migrate brings db to the version that this binary knows. The caller makes sure
// that nobody else does so at the same time.
func (d dialect) migrate(ctx context.Context, db *sql.DB) error {
	src, err := d.source()
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(d.goose, db, src,
		goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}
