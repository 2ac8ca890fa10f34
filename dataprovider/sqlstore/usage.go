package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"sftpgo/dataprovider"
)

// usage implements dataprovider.Usage.
type usage struct{ *Store }

// maxAmount is where a counter stops: far above what can be, and two of them can
// still be added.
const maxAmount = 1 << 61

// clamp keeps sums within what the database can hold.
func clamp(a dataprovider.Amount) dataprovider.Amount {
	return dataprovider.Amount{
		Files: max(-maxAmount, min(a.Files, maxAmount)),
		Bytes: max(-maxAmount, min(a.Bytes, maxAmount)),
	}
}

// Get implements dataprovider.Usage.
func (u usage) Get(ctx context.Context, owner string) (r dataprovider.UsageRecord, err error) {
	var update, login sql.NullInt64
	const query = "SELECT files, bytes, last_update, last_login FROM usage WHERE owner = ?"
	err = u.reader.row(ctx, query, []any{owner}, &r.Files, &r.Bytes, &update, &login)
	if errors.Is(err, sql.ErrNoRows) {
		return dataprovider.UsageRecord{}, nil
	}
	if err != nil {
		return dataprovider.UsageRecord{}, fmt.Errorf("usage of %q: %w", owner, err)
	}
	if update.Valid {
		r.LastUpdate = time.UnixMicro(update.Int64)
	}
	if login.Valid {
		r.LastLogin = time.UnixMicro(login.Int64)
	}
	return r, nil
}

// Add implements dataprovider.Usage.
func (u usage) Add(ctx context.Context, owner string, delta dataprovider.Amount) (sum dataprovider.Amount, err error) {
	err = u.writeBeside(ctx, func(t *tx) error {
		sum, err = t.addUsage(owner, delta, u.now())
		return err
	})
	if err != nil {
		return dataprovider.Amount{}, fmt.Errorf("add to usage of %q: %w", owner, err)
	}
	return sum, nil
}

// Set implements dataprovider.Usage.
func (u usage) Set(ctx context.Context, owner string, total dataprovider.Amount) error {
	total = clamp(dataprovider.Amount{Files: max(0, total.Files), Bytes: max(0, total.Bytes)})
	err := u.writeBeside(ctx, func(t *tx) error {
		if err := t.usageRow(owner); err != nil {
			return err
		}
		_, err := t.exec("UPDATE usage SET files = ?, bytes = ?, last_update = ? WHERE owner = ?",
			total.Files, total.Bytes, u.now().UnixMicro(), owner)
		return err
	})
	if err != nil {
		return fmt.Errorf("set usage of %q: %w", owner, err)
	}
	return nil
}

// Login implements dataprovider.Usage.
func (u usage) Login(ctx context.Context, owner string, at time.Time) error {
	err := u.writeBeside(ctx, func(t *tx) error {
		if err := t.usageRow(owner); err != nil {
			return err
		}
		_, err := t.exec("UPDATE usage SET last_login = ? WHERE owner = ? AND (last_login IS NULL OR last_login < ?)",
			at.UnixMicro(), owner, at.UnixMicro())
		return err
	})
	if err != nil {
		return fmt.Errorf("note login of %q: %w", owner, err)
	}
	return nil
}

// usageRow makes sure that there is a row of owner.
func (t *tx) usageRow(owner string) error {
	_, err := t.exec("INSERT INTO usage (owner, files, bytes) SELECT ?, 0, 0"+
		" WHERE NOT EXISTS (SELECT 1 FROM usage WHERE owner = ?)", owner, owner)
	return err
}

// addUsage adds in the database: what another process adds at the same time is
// not lost. It returns the sum.
func (t *tx) addUsage(owner string, delta dataprovider.Amount, now time.Time) (sum dataprovider.Amount, err error) {
	if delta.IsZero() {
		err = t.row("SELECT files, bytes FROM usage WHERE owner = ?", []any{owner}, &sum.Files, &sum.Bytes)
		if errors.Is(err, sql.ErrNoRows) {
			return dataprovider.Amount{}, nil
		}
		return sum, err
	}
	d := clamp(delta)
	const update = "UPDATE usage SET last_update = ?," +
		" files = CASE WHEN files + ? < 0 THEN 0 WHEN files + ? > ? THEN ? ELSE files + ? END," +
		" bytes = CASE WHEN bytes + ? < 0 THEN 0 WHEN bytes + ? > ? THEN ? ELSE bytes + ? END" +
		" WHERE owner = ? RETURNING files, bytes"
	args := []any{
		now.UnixMicro(), d.Files, d.Files, maxAmount, maxAmount, d.Files,
		d.Bytes, d.Bytes, maxAmount, maxAmount, d.Bytes, owner,
	}
	err = t.row(update, args, &sum.Files, &sum.Bytes)
	if errors.Is(err, sql.ErrNoRows) {
		if err := t.usageRow(owner); err != nil {
			return sum, err
		}
		err = t.row(update, args, &sum.Files, &sum.Bytes)
	}
	return sum, err
}
