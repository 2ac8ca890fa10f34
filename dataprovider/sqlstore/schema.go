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
// should. Two processes never migrate at the same time: lock returns nil when stop
// says that somebody else did so meanwhile.
func (d dialect) prepare(ctx context.Context, r, w *sql.DB, updateMode int,
	lock func(ctx context.Context, stop func() (bool, error)) (unlock func() error, err error),
) error {
	current, err := upToDate(ctx, d, r)
	if current || err != nil {
		return err
	}
	if updateMode != 0 {
		return fmt.Errorf("its schema is not up to date; %s", hint)
	}
	unlock, err := lock(ctx, func() (bool, error) { return upToDate(ctx, d, r) })
	if unlock == nil {
		return err
	}
	defer func() { _ = unlock() }()
	if current, err := upToDate(ctx, d, r); current || err != nil {
		return err
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
