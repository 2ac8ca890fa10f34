package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
)

// hint is what to do about a store that is not up to date.
const hint = "run `sftpgo initprovider` to create or update it"

// prepare makes sure that the schema is the one this binary knows. It looks with
// a handle that cannot change anything, and writes only when it knows that it
// should. Two processes never migrate at the same time: the lock of the server is
// needed for it.
func (s *Store) prepare(ctx context.Context, cfg Config, d dialect, r, w *sql.DB) error {
	if cfg.Exclusive {
		// Only the server does so: its store is the one that must not be built on
		// sand, and it starts rarely.
		if err := sqliteQuickCheck(ctx, r, s.path); err != nil {
			return err
		}
	}
	current, err := upToDate(ctx, d, r)
	if current || err != nil {
		return err
	}
	if cfg.UpdateMode != 0 {
		return fmt.Errorf("its schema is not up to date; %s", hint)
	}
	if s.lock == nil {
		l, err := waitLock(ctx, s.path+".lock", func() (bool, error) { return upToDate(ctx, d, r) })
		if l == nil {
			return err // or somebody else migrated meanwhile
		}
		defer func() { _ = l.release() }()
		if current, err := upToDate(ctx, d, r); current || err != nil {
			return err
		}
	}
	if err := d.migrate(ctx, w); err != nil {
		return fmt.Errorf("update its schema: %w", err)
	}
	return nil
}

// upToDate returns an error for a database that this binary is too old for, or
// that is of another program.
func upToDate(ctx context.Context, d dialect, db *sql.DB) (bool, error) {
	known, err := d.known()
	if err != nil {
		return false, err
	}
	have, err := d.newest(ctx, db)
	if err != nil {
		return false, err
	}
	if have > known {
		return false, fmt.Errorf("it was written by a newer version of sftpgo (schema %d, this one knows %d)", have, known)
	}
	return have == known, nil
}
