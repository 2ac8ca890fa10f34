package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"

	"sftpgo/dataprovider"
)

// table keeps records of one type as JSON documents, with their id, name and
// revision beside them.
type table[T any] struct {
	store *Store
	kind  string // for errors
	table string

	name func(*T) string
	// setID puts the id of the row into a record, for the row is what counts.
	setID func(*T, int64)
	// stored returns what of a record is stored.
	stored func(T) T
	// clone returns a copy that shares nothing that can be changed.
	clone func(T) T
	// replaced runs in the transaction that adds or deletes the record of a name.
	replaced func(t *tx, name string) error

	recent recent[T]
}

// pageSize is how many records List reads at a time, so that a loop holds no
// connection.
const pageSize = 200

// Get implements dataprovider.Collection. A record that was read before is read again
// only if it may have changed since.
func (c *table[T]) Get(ctx context.Context, name string) (T, dataprovider.Revision, error) {
	rec, err := c.find(ctx, name)
	if err != nil {
		var zero T
		return zero, 0, c.wrap(name, err)
	}
	return c.clone(rec.value), rec.rev, nil
}

// find returns a record that is not the caller's.
func (c *table[T]) find(ctx context.Context, name string) (*recentRecord[T], error) {
	if ctx.Err() != nil {
		return nil, ended(ctx)
	}
	now := c.store.reader.versions.now(ctx) // before anything is read
	rec := c.recent.get(name)
	if rec != nil && now.known() && rec.as == now {
		return rec, nil
	}
	rec, err := c.load(ctx, name, rec)
	if err != nil {
		c.recent.drop(name)
		return nil, err
	}
	rec.as = now
	c.recent.put(name, rec)
	return rec, nil
}

// load reads a record. It decodes it if it is not what it was before; nil is for one
// that was not known.
func (c *table[T]) load(ctx context.Context, name string, before *recentRecord[T]) (*recentRecord[T], error) {
	rec := &recentRecord[T]{}
	query := "SELECT id, revision, document FROM " + c.table + " WHERE name = ?"
	err := c.store.reader.row(ctx, query, []any{name}, &rec.id, &rec.rev, &rec.doc)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		err = dataprovider.ErrNotFound
	case err != nil:
	case before != nil && before.id == rec.id && bytes.Equal(before.doc, rec.doc):
		rec.doc, rec.value = before.doc, before.value
	default:
		rec.value, err = c.decode(rec.id, rec.doc)
	}
	return rec, err
}

// List implements dataprovider.Collection.
func (c *table[T]) List(ctx context.Context, after string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			page, err := c.page(ctx, after)
			if err != nil {
				var zero T
				yield(zero, fmt.Errorf("list %ss: %w", c.kind, err))
				return
			}
			for _, v := range page {
				if !yield(v, nil) {
					return
				}
			}
			if len(page) < pageSize {
				return
			}
			after = c.name(&page[len(page)-1])
		}
	}
}

func (c *table[T]) page(ctx context.Context, after string) (page []T, err error) {
	query := "SELECT id, document FROM " + c.table + " WHERE name > ? ORDER BY name LIMIT ?"
	err = c.store.reader.rows(ctx, query, []any{after, pageSize}, func(rows *sql.Rows) error {
		var id int64
		var doc []byte
		if err := rows.Scan(&id, &doc); err != nil {
			return err
		}
		v, err := c.decode(id, doc)
		page = append(page, v)
		return err
	})
	return page, err
}

// Put implements dataprovider.Collection.
func (c *table[T]) Put(ctx context.Context, v T, rev dataprovider.Revision) (dataprovider.Revision, error) {
	name := c.name(&v)
	if name == "" || !utf8.ValidString(name) || strings.ContainsRune(name, 0) {
		return 0, c.wrap(name, fmt.Errorf("%w: not a name", dataprovider.ErrInvalid))
	}
	stored := c.stored(v)
	c.setID(&stored, 0)
	doc, err := json.Marshal(stored)
	if err != nil {
		return 0, c.wrap(name, err)
	}
	var next dataprovider.Revision
	err = c.store.write(ctx, func(t *tx) (err error) {
		if rev == 0 {
			next, err = c.add(t, name, doc)
		} else {
			next, err = c.update(t, name, doc, rev)
		}
		return err
	})
	if err != nil {
		return 0, c.wrap(name, err)
	}
	return next, nil
}

func (c *table[T]) add(t *tx, name string, doc []byte) (dataprovider.Revision, error) {
	_, _, err := c.head(t, name)
	if err == nil {
		return 0, dataprovider.ErrExists
	}
	if !errors.Is(err, dataprovider.ErrNotFound) {
		return 0, err
	}
	id, err := t.next(c.table)
	if err != nil {
		return 0, err
	}
	rev, err := t.next("revision")
	if err != nil {
		return 0, err
	}
	query := "INSERT INTO " + c.table + " (id, name, revision, document) VALUES (?, ?, ?, ?)"
	if _, err := t.exec(query, id, name, rev, doc); err != nil {
		return 0, err
	}
	return dataprovider.Revision(rev), c.replaced(t, name)
}

func (c *table[T]) update(t *tx, name string, doc []byte, rev dataprovider.Revision) (dataprovider.Revision, error) {
	id, current, err := c.head(t, name)
	if err != nil {
		return 0, err
	}
	if current != rev {
		return 0, dataprovider.ErrConflict
	}
	next, err := t.next("revision")
	if err != nil {
		return 0, err
	}
	_, err = t.exec("UPDATE "+c.table+" SET revision = ?, document = ? WHERE id = ?", next, doc, id)
	return dataprovider.Revision(next), err
}

// Delete implements dataprovider.Collection.
func (c *table[T]) Delete(ctx context.Context, name string) error {
	err := c.store.write(ctx, func(t *tx) error {
		gone, err := t.changed("DELETE FROM "+c.table+" WHERE name = ?", name)
		if err != nil {
			return err
		}
		if !gone {
			return dataprovider.ErrNotFound
		}
		return c.replaced(t, name)
	})
	if err != nil {
		return c.wrap(name, err)
	}
	return nil
}

func (c *table[T]) head(t *tx, name string) (id int64, rev dataprovider.Revision, err error) {
	err = t.row("SELECT id, revision FROM "+c.table+" WHERE name = ?", []any{name}, &id, &rev)
	if errors.Is(err, sql.ErrNoRows) {
		err = dataprovider.ErrNotFound
	}
	return id, rev, err
}

func (c *table[T]) decode(id int64, doc []byte) (v T, err error) {
	if err := json.Unmarshal(doc, &v); err != nil {
		return v, fmt.Errorf("stored record %d: %w", id, err)
	}
	c.setID(&v, id)
	return v, nil
}

func (c *table[T]) wrap(name string, err error) error {
	return fmt.Errorf("%s %q: %w", c.kind, name, err)
}

// next draws from a sequence. Revisions are drawn from one for all records, so
// that a record which was deleted and added again never has one of the old.
func (t *tx) next(sequence string) (n int64, err error) {
	if _, err := t.exec("UPDATE sequence SET value = value + 1 WHERE name = ?", sequence); err != nil {
		return 0, err
	}
	err = t.row("SELECT value FROM sequence WHERE name = ?", []any{sequence}, &n)
	return n, err
}
