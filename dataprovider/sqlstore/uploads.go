package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"sftpgo/dataprovider"
)

// uploads implements dataprovider.Uploads.
type uploads struct{ *Store }

// Add implements dataprovider.Uploads.
func (u uploads) Add(ctx context.Context, up dataprovider.Upload) error {
	doc, err := json.Marshal(up)
	if err != nil {
		return fmt.Errorf("upload %q: %w", up.ID, err)
	}
	err = u.writeAfter(ctx, u.ahead.uploads(), func(t *tx) error {
		added, err := t.addUpload(up.ID, up.Owner, doc)
		if err == nil && !added {
			return dataprovider.ErrExists
		}
		return err
	})
	return wrapUpload("add", up.ID, err)
}

func (t *tx) addUpload(id, owner string, doc []byte) (bool, error) {
	return t.changed("INSERT INTO upload (id, owner, document) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING", id, owner, doc)
}

// Record implements dataprovider.UploadRecorder: ahead of the database where that can be.
func (u uploads) Record(ctx context.Context, up dataprovider.Upload) error {
	doc, err := json.Marshal(up)
	if err != nil {
		return fmt.Errorf("upload %q: %w", up.ID, err)
	}
	if ctx.Err() == nil {
		if _, ok := u.ahead.log(&logged{kind: loggedUpload, record: doc}); ok {
			return nil
		}
	}
	err = u.writeAfter(ctx, u.ahead.uploads(), func(t *tx) error {
		_, err := t.addUpload(up.ID, up.Owner, doc)
		return err
	})
	return wrapUpload("add", up.ID, err)
}

// bringUpload puts an upload of the log into the database.
func (t *tx) bringUpload(doc []byte) error {
	var up dataprovider.Upload
	if err := json.Unmarshal(doc, &up); err != nil {
		return err
	}
	_, err := t.addUpload(up.ID, up.Owner, doc)
	return err
}

// Get implements dataprovider.Uploads.
func (u uploads) Get(ctx context.Context, id string) (up dataprovider.Upload, err error) {
	var doc []byte
	const query = "SELECT document FROM upload WHERE id = ?"
	logged := u.ahead.uploads() != 0 // asked first: it may be brought in meanwhile
	err = u.reader.row(ctx, query, []any{id}, &doc)
	if errors.Is(err, sql.ErrNoRows) && logged {
		if err = u.flushUploads(ctx); err == nil {
			err = u.reader.row(ctx, query, []any{id}, &doc)
		}
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = dataprovider.ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal(doc, &up)
	}
	return up, wrapUpload("read", id, err)
}

// flushUploads is flush for those who ask for uploads.
func (u uploads) flushUploads(ctx context.Context) error {
	upto := u.ahead.uploads()
	if upto == 0 {
		return nil
	}
	return u.writeAfter(ctx, upto, func(*tx) error { return nil })
}

// Save implements dataprovider.Uploads.
func (u uploads) Save(ctx context.Context, up dataprovider.Upload) error {
	doc, err := json.Marshal(up)
	if err != nil {
		return fmt.Errorf("upload %q: %w", up.ID, err)
	}
	err = u.writeAfter(ctx, u.ahead.uploads(), func(t *tx) error {
		saved, err := t.changed("UPDATE upload SET owner = ?, document = ? WHERE id = ?", up.Owner, doc, up.ID)
		if err == nil && !saved {
			return dataprovider.ErrNotFound
		}
		return err
	})
	return wrapUpload("save", up.ID, err)
}

// Delete implements dataprovider.Uploads.
func (u uploads) Delete(ctx context.Context, id string) error {
	err := u.writeAfter(ctx, u.ahead.uploads(), func(t *tx) error {
		if _, err := t.exec("DELETE FROM upload WHERE id = ?", id); err != nil {
			return err
		}
		_, err := t.exec("DELETE FROM upload_lease WHERE id = ?", id)
		return err
	})
	return wrapUpload("delete", id, err)
}

// List implements dataprovider.Uploads.
func (u uploads) List(ctx context.Context, owner, after string) iter.Seq2[dataprovider.Upload, error] {
	return func(yield func(dataprovider.Upload, error) bool) {
		if err := u.flushUploads(ctx); err != nil {
			yield(dataprovider.Upload{}, fmt.Errorf("list uploads: %w", err))
			return
		}
		for {
			page, err := u.page(ctx, owner, after)
			if err != nil {
				yield(dataprovider.Upload{}, fmt.Errorf("list uploads: %w", err))
				return
			}
			for _, up := range page {
				after = up.ID
				if !yield(up, nil) {
					return
				}
			}
			if len(page) < pageSize {
				return
			}
		}
	}
}

func (u uploads) page(ctx context.Context, owner, after string) (page []dataprovider.Upload, err error) {
	query, args := "SELECT document FROM upload WHERE id > ? ORDER BY id LIMIT ?", []any{after, pageSize}
	if owner != "" {
		query, args = "SELECT document FROM upload WHERE owner = ? AND id > ? ORDER BY id LIMIT ?", []any{owner, after, pageSize}
	}
	err = u.reader.rows(ctx, query, args, func(rows *sql.Rows) error {
		var doc []byte
		var up dataprovider.Upload
		err := rows.Scan(&doc)
		if err == nil {
			err = json.Unmarshal(doc, &up)
		}
		page = append(page, up)
		return err
	})
	return page, err
}

// Hold implements dataprovider.Uploads. That somebody waits is noted by a statement
// whose transaction succeeds.
func (u uploads) Hold(ctx context.Context, id, holder string, ttl time.Duration) error {
	var taken bool
	err := u.writeBeside(ctx, func(t *tx) (err error) {
		taken, err = t.hold(id, holder, u.now(), ttl)
		if err == nil && !taken {
			_, err = t.exec("UPDATE upload_lease SET wanted = 1 WHERE id = ?", id)
		}
		return err
	})
	if err == nil && !taken {
		err = dataprovider.ErrConflict
	}
	return wrapUpload("hold", id, err)
}

// hold takes or prolongs a lease that nobody else has.
func (t *tx) hold(id, holder string, now time.Time, ttl time.Duration) (bool, error) {
	until := now.Add(ttl).UnixMicro()
	mine, err := t.changed("UPDATE upload_lease SET expires = ? WHERE id = ? AND holder = ?", until, id, holder)
	if mine || err != nil {
		return mine, err
	}
	if _, err := t.exec("DELETE FROM upload_lease WHERE id = ? AND expires <= ?", id, now.UnixMicro()); err != nil {
		return false, err
	}
	return t.changed("INSERT INTO upload_lease (id, holder, wanted, expires) VALUES (?, ?, 0, ?) ON CONFLICT (id) DO NOTHING",
		id, holder, until)
}

// Renew implements dataprovider.Uploads.
func (u uploads) Renew(ctx context.Context, id, holder string, ttl time.Duration) (wanted bool, err error) {
	err = u.writeBeside(ctx, func(t *tx) error {
		taken, err := t.hold(id, holder, u.now(), ttl)
		if err == nil && !taken {
			return dataprovider.ErrConflict
		}
		if err == nil {
			err = t.row("SELECT wanted <> 0 FROM upload_lease WHERE id = ?", []any{id}, &wanted)
		}
		return err
	})
	return wanted, wrapUpload("hold", id, err)
}

// Release implements dataprovider.Uploads.
func (u uploads) Release(ctx context.Context, id, holder string) error {
	err := u.writeBeside(ctx, func(t *tx) error {
		_, err := t.exec("DELETE FROM upload_lease WHERE id = ? AND holder = ?", id, holder)
		return err
	})
	return wrapUpload("release", id, err)
}

// dropUploadsOf forgets the uploads of a user. What they had stored is swept.
func (t *tx) dropUploadsOf(owner string) error {
	if _, err := t.exec("DELETE FROM upload_lease WHERE id IN (SELECT id FROM upload WHERE owner = ?)", owner); err != nil {
		return err
	}
	_, err := t.exec("DELETE FROM upload WHERE owner = ?", owner)
	return err
}

func wrapUpload(op, id string, err error) error {
	if err != nil {
		return fmt.Errorf("%s upload %q: %w", op, id, err)
	}
	return nil
}
