package memstore

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"sftpgo/dataprovider"
)

// collection keeps records as JSON documents, so that what a caller does to a
// record does not reach the stored one.
type collection[T any] struct {
	store   *Store
	kind    string // for errors
	records map[string]document
	lastID  int64
	lastRev dataprovider.Revision // of any record: a namesake never has a revision of the old one

	name     func(*T) string
	setID    func(*T, int64)
	stored   func(T) T         // what of a record is stored
	replaced func(name string) // called when the record of a name is added or deleted
}

type document struct {
	id   int64
	rev  dataprovider.Revision
	json []byte
}

func userCollection(s *Store) collection[dataprovider.User] {
	return collection[dataprovider.User]{
		store: s, kind: "user", records: map[string]document{},
		name:  func(u *dataprovider.User) string { return u.Username },
		setID: func(u *dataprovider.User, id int64) { u.ID = id },
		stored: func(u dataprovider.User) dataprovider.User {
			return u.WithUsage(dataprovider.UsageRecord{}) // counted elsewhere
		},
		replaced: func(name string) {
			delete(s.usage, name)
			s.lockTable.dropHolder(name)
			s.uploads.dropOwner(name)
			s.disown(name)
		},
	}
}

// Get implements dataprovider.Collection.
func (c *collection[T]) Get(ctx context.Context, name string) (v T, _ dataprovider.Revision, err error) {
	var d document
	err = c.store.do(ctx, func() error {
		var ok bool
		if d, ok = c.records[name]; !ok {
			return dataprovider.ErrNotFound
		}
		return nil
	})
	if err == nil {
		v, err = c.decode(d)
	}
	if err != nil {
		var zero T
		return zero, 0, c.wrap(name, err)
	}
	return v, d.rev, nil
}

// List implements dataprovider.Collection. It yields the records of the moment
// when the loop began.
func (c *collection[T]) List(ctx context.Context, after string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var docs []document
		err := c.store.do(ctx, func() error {
			for _, name := range slices.Sorted(maps.Keys(c.records)) {
				if name > after {
					docs = append(docs, c.records[name])
				}
			}
			return nil
		})
		for i := 0; i < len(docs) && err == nil; i++ {
			var v T
			if v, err = c.decode(docs[i]); err == nil && !yield(v, nil) {
				return
			}
		}
		if err != nil {
			var zero T
			yield(zero, fmt.Errorf("list %ss: %w", c.kind, err))
		}
	}
}

// Put implements dataprovider.Collection.
func (c *collection[T]) Put(ctx context.Context, v T, rev dataprovider.Revision) (next dataprovider.Revision, err error) {
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
	err = c.store.do(ctx, func() error {
		old, ok := c.records[name]
		switch {
		case rev == 0 && ok:
			return dataprovider.ErrExists
		case rev != 0 && !ok:
			return dataprovider.ErrNotFound
		case old.rev != rev:
			return dataprovider.ErrConflict
		case !ok:
			c.lastID++
			old.id = c.lastID
			c.replaced(name)
		}
		c.lastRev++
		next = c.lastRev
		c.records[name] = document{id: old.id, rev: next, json: doc}
		return nil
	})
	if err != nil {
		return 0, c.wrap(name, err)
	}
	return next, nil
}

// Delete implements dataprovider.Collection.
func (c *collection[T]) Delete(ctx context.Context, name string) error {
	err := c.store.do(ctx, func() error {
		if _, ok := c.records[name]; !ok {
			return dataprovider.ErrNotFound
		}
		delete(c.records, name)
		c.replaced(name)
		return nil
	})
	if err != nil {
		return c.wrap(name, err)
	}
	return nil
}

func (c *collection[T]) decode(d document) (v T, err error) {
	if err := json.Unmarshal(d.json, &v); err != nil {
		return v, fmt.Errorf("stored record %d: %w", d.id, err)
	}
	c.setID(&v, d.id)
	return v, nil
}

func (c *collection[T]) wrap(name string, err error) error {
	return fmt.Errorf("%s %q: %w", c.kind, name, err)
}
