package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"sftpgo/dataprovider"
)

func sqliteDialect() dialect {
	return dialect{
		goose:      goose.DialectSQLite3,
		migrations: "sqlite",
		rebind:     func(query string) string { return query },
		bind:       func(args []any) []any { return args },
		text:       func(stored string) string { return stored },
		atMost:     func(int) string { return "" }, // a number would make a plan for each
		begin:      []string{"BEGIN IMMEDIATE"},
		batch:      maxBatch,
		insert: func(t *tx, query string, args ...any) (int64, error) {
			r, err := t.exec(query, args...)
			if err != nil {
				return 0, err
			}
			return r.LastInsertId()
		},
		version:  "PRAGMA data_version",
		newest:   sqliteNewest,
		classify: sqliteClassify,
	}
}

// sqliteDSN names the database file for one purpose. mode=rw: SQLite never
// creates it, for it would not do so with our file mode.
func sqliteDSN(path string, busy time.Duration, pragmas ...string) string {
	p := filepath.ToSlash(path)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p // a drive letter
	}
	q := url.Values{
		"mode": {"rw"}, "_txlock": {"immediate"}, "_dqs": {"0"},
		"_pragma": append([]string{fmt.Sprintf("busy_timeout(%d)", busy.Milliseconds())}, pragmas...),
	}
	return (&url.URL{Scheme: "file", Path: p, RawQuery: q.Encode()}).String()
}

// sqliteOpen returns the handle that writes, with one connection, and the one
// that reads. They connect at first use.
func sqliteOpen(path string, busy time.Duration, readers int) (w, r *sql.DB, err error) {
	w, err = sql.Open("sqlite", sqliteDSN(path, busy,
		"journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(1)",
		"journal_size_limit(67108864)")) // a burst does not leave its log behind for ever
	if err != nil {
		return nil, nil, err
	}
	r, err = sql.Open("sqlite", sqliteDSN(path, busy, "query_only(1)"))
	if err != nil {
		return nil, nil, errors.Join(err, w.Close())
	}
	w.SetMaxOpenConns(1)
	r.SetMaxOpenConns(readers)
	r.SetMaxIdleConns(readers)
	return w, r, nil
}

func sqliteNewest(ctx context.Context, db *sql.DB) (version int64, err error) {
	var ours, others int
	const find = `SELECT count(*) FILTER (WHERE name = ?), count(*) FILTER (WHERE name <> ?) FROM sqlite_master WHERE type = 'table'`
	err = db.QueryRowContext(ctx, find, goose.DefaultTablename, goose.DefaultTablename).Scan(&ours, &others)
	if err != nil {
		return 0, err
	}
	if ours == 0 {
		if others > 0 {
			return 0, errForeign
		}
		return 0, nil
	}
	const newest = `SELECT coalesce(max(version_id), 0) FROM ` + goose.DefaultTablename + ` WHERE is_applied`
	err = db.QueryRowContext(ctx, newest).Scan(&version)
	return version, err
}

// errForeign is met by who points the server at the database of an installation of
// 2021.
var errForeign = errors.New("it is the database of another program; " +
	"name a new file, and load the users from a dump (serve --loaddata-from)")

// sqliteCheckFile says what is wrong with the database file before SQLite sees
// it. It never opens the file: closing it again would drop the locks that another
// store of this process holds on it. The error is fs.ErrNotExist if there is none.
func sqliteCheckFile(path string) error {
	dir := filepath.Dir(path)
	if fi, err := os.Stat(dir); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("directory %s does not exist", dir)
		}
		return err
	} else if !fi.IsDir() {
		return fmt.Errorf("%s is not a directory", dir)
	}
	fi, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", dataprovider.ErrUnavailable, err)
	case fi.IsDir():
		return errors.New("it is a directory, not a database file")
	case !fi.Mode().IsRegular():
		return errors.New("it is not a regular file")
	}
	// SQLite would open a file that it may not write for reading, and fail later.
	if err := writable(path); err != nil {
		return fmt.Errorf("%w: %w", dataprovider.ErrUnavailable, err)
	}
	if err := writable(dir); err != nil {
		return fmt.Errorf("%w: the directory holds the write-ahead log: %w", dataprovider.ErrUnavailable, err)
	}
	return nil
}

// sqliteCreate makes an empty database that only our user can read.
func sqliteCreate(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil // somebody was quicker
	}
	if err != nil {
		return fmt.Errorf("%w: %w", dataprovider.ErrUnavailable, err)
	}
	return f.Close()
}

// sqliteQuickCheck reads the whole database. Above a size that is read in a
// fraction of a second it does nothing: damage then shows where it is met.
func sqliteQuickCheck(ctx context.Context, db *sql.DB, path string) error {
	const limit = 64 << 20
	if fi, err := os.Stat(path); err != nil || fi.Size() > limit {
		return err
	}
	var verdict string
	if err := db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("%w (%s)", errDamaged, strings.Join(strings.Fields(verdict), " "))
	}
	return nil
}

// errDamaged: no later try will be better.
var errDamaged = errors.New("the database file is damaged; restore it from a backup")

func sqliteClassify(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("%w: locked by another process: %w", dataprovider.ErrUnavailable, err)
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY,
		sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PROTOCOL:
		return fmt.Errorf("%w: %w", dataprovider.ErrUnavailable, err)
	case sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%w: %w", errDamaged, err)
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("it is not an SQLite database, or a damaged one: %w", err)
	}
	return err
}
