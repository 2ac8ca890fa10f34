package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"sftpgo/dataprovider"
)

// locks implements dataprovider.Locks. The revision is a sequence of its own.
type locks struct{ *Store }

const lockRevision = "SELECT value FROM sequence WHERE name = 'locks'"

// Revision implements dataprovider.Locks.
func (l locks) Revision(ctx context.Context) (dataprovider.Revision, error) {
	rev, err := l.reader.number(ctx, lockRevision)
	if err != nil {
		return 0, fmt.Errorf("revision of locks: %w", err)
	}
	return dataprovider.Revision(rev), nil
}

// Load implements dataprovider.Locks. It is one statement, so that the locks are
// those of the revision.
func (l locks) Load(ctx context.Context) (all []dataprovider.Lock, rev dataprovider.Revision, err error) {
	const query = "SELECT s.value, l.token, l.path, l.holder, l.owner, l.shared, l.deep, l.expires" +
		" FROM sequence s LEFT JOIN locks l ON 1 = 1 WHERE s.name = 'locks'"
	err = l.reader.rows(ctx, query, nil, func(rows *sql.Rows) error {
		var token, path, holder, owner sql.NullString
		var shared, deep, expires sql.NullInt64
		if err := rows.Scan(&rev, &token, &path, &holder, &owner, &shared, &deep, &expires); err != nil {
			return err
		}
		if token.Valid {
			all = append(all, dataprovider.Lock{
				Token: token.String, Path: l.dialect.text(path.String), Holder: holder.String, Owner: owner.String,
				Shared: shared.Int64 != 0, Deep: deep.Int64 != 0, Expires: time.UnixMicro(expires.Int64),
			})
		}
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("load locks: %w", err)
	}
	return all, rev, nil
}

// Change implements dataprovider.Locks.
func (l locks) Change(ctx context.Context, rev dataprovider.Revision, put []dataprovider.Lock, drop []string,
) (next dataprovider.Revision, err error) {
	err = l.writeBeside(ctx, func(t *tx) error {
		var now dataprovider.Revision
		if err := t.row(lockRevision, nil, &now); err != nil {
			return err
		}
		if now != rev {
			return dataprovider.ErrConflict
		}
		for _, token := range drop {
			if err := t.dropLock(token); err != nil {
				return err
			}
		}
		for _, lock := range put {
			if err := t.putLock(lock); err != nil {
				return err
			}
		}
		n, err := t.next("locks")
		next = dataprovider.Revision(n)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("change locks: %w", err)
	}
	return next, nil
}

func (t *tx) putLock(l dataprovider.Lock) error {
	if err := t.dropLock(l.Token); err != nil {
		return err
	}
	_, err := t.exec("INSERT INTO locks (token, path, holder, owner, shared, deep, expires) VALUES (?, ?, ?, ?, ?, ?, ?)",
		l.Token, l.Path, l.Holder, l.Owner, number(l.Shared), number(l.Deep), l.Expires.UnixMicro())
	return err
}

func (t *tx) dropLock(token string) error {
	_, err := t.exec("DELETE FROM locks WHERE token = ?", token)
	return err
}

// dropLocksOf ends the locks of a user.
func (t *tx) dropLocksOf(holder string) error {
	gone, err := t.changed("DELETE FROM locks WHERE holder = ?", holder)
	if err == nil && gone {
		_, err = t.next("locks")
	}
	return err
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
