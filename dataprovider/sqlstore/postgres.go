package sqlstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
)

const (
	// postgresBatch is less than maxBatch: beyond 64 subtransactions PostgreSQL
	// keeps track of them on disk.
	postgresBatch = 60
	// postgresLimit bounds a transaction of the writer: a connection of which
	// nothing is heard must not stop it for ever.
	postgresLimit = 30 * time.Second
)

// postgresDialect is for the tables of one schema, which the locks that its
// processes take are named after.
func postgresDialect(locks lockSpace) dialect {
	return dialect{
		goose:      goose.DialectPostgres,
		migrations: "postgres",
		rebind:     postgresRebind,
		bind:       postgresBind,
		text:       decodeText,
		atMost:     func(n int) string { return " LIMIT " + strconv.Itoa(n) },
		// Writers take turns, as in SQLite: whoever has the lock sees what all others
		// have committed, and nobody changes it meanwhile.
		begin:    []string{"BEGIN", "SELECT pg_advisory_xact_lock(" + locks.key(writerLock) + ")"},
		together: true,
		batch:    postgresBatch,
		limit:    postgresLimit,
		insert: func(t *tx, query string, args ...any) (id int64, err error) {
			err = t.row(query+" RETURNING id", args, &id)
			return id, err
		},
		newest:   postgresNewest,
		classify: postgresClassify,
		lost:     postgresLost,
	}
}

// lockSpace tells the advisory locks of one schema from those of others in the
// same database.
type lockSpace int32

// Keys of a lockSpace; those of nodes are above.
const (
	writerLock    int32 = 0
	migrationLock int32 = -1
)

func newLockSpace(schema string) lockSpace {
	sum := sha256.Sum256([]byte("sftpgo/" + schema))
	return lockSpace(binary.BigEndian.Uint32(sum[:]))
}

// key is the two arguments of a lock function.
func (l lockSpace) key(k int32) string { return fmt.Sprintf("%d, %d", l, k) }

// postgresRebind numbers the parameters. No statement has a question mark in a
// literal.
func postgresRebind(query string) string {
	var b strings.Builder
	n := 0
	for {
		before, after, found := strings.Cut(query, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		n++
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
		query = after
	}
}

func postgresBind(args []any) []any {
	var changed []any
	for i, a := range args {
		s, ok := a.(string)
		if !ok {
			continue
		}
		if e := encodeText(s); e != s {
			if changed == nil {
				changed = append(changed, args...)
			}
			changed[i] = e
		}
	}
	if changed != nil {
		return changed
	}
	return args
}

func postgresNewest(ctx context.Context, db *sql.DB) (version int64, err error) {
	var ours bool
	var others string
	const find = `SELECT EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1),
		coalesce((SELECT min(tablename) FROM pg_tables WHERE schemaname = current_schema() AND tablename = ANY($2)), '')`
	err = db.QueryRowContext(ctx, find, goose.DefaultTablename, []string{"users", "usage", "locks", "sequence", "property", "upload"}).
		Scan(&ours, &others)
	if err != nil {
		return 0, err
	}
	if !ours {
		if others != "" {
			return 0, fmt.Errorf("it has a table %q of another program; name a database or a schema of its own, "+
				"and load the users from a dump (serve --loaddata-from)", others)
		}
		return 0, nil
	}
	const newest = `SELECT coalesce(max(version_id), 0) FROM ` + goose.DefaultTablename + ` WHERE is_applied`
	err = db.QueryRowContext(ctx, newest).Scan(&version)
	return version, err
}

// postgresMigrating waits for the lock without which nobody migrates.
func postgresMigrating(db *sql.DB, locks lockSpace) func(context.Context, func() (bool, error)) (func() error, error) {
	return func(ctx context.Context, stop func() (bool, error)) (func() error, error) {
		conn, err := db.Conn(ctx)
		if err != nil {
			return nil, err
		}
		for {
			var taken bool
			err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock("+locks.key(migrationLock)+")").Scan(&taken)
			if err != nil {
				return nil, errors.Join(err, conn.Close())
			}
			if taken {
				break
			}
			if stopped, err := stop(); stopped || err != nil {
				return nil, errors.Join(err, conn.Close())
			}
			select {
			case <-ctx.Done():
				return nil, errors.Join(errMigrating, conn.Close())
			case <-time.After(20 * time.Millisecond):
			}
		}
		return func() error {
			// The end of the connection would end the lock too, but it goes back to others.
			_, err := conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock("+locks.key(migrationLock)+")")
			return errors.Join(err, conn.Close())
		}, nil
	}
}
