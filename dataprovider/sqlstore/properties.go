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
	"time"

	"sftpgo/dataprovider"
)

// properties implements dataprovider.Properties.
type properties struct{ *Store }

// lookForProperties finds out whether there are any. As long as there are none, the
// one server of the database need not ask: nobody else adds some.
func (s *Store) lookForProperties(ctx context.Context, exclusive bool) error {
	if !exclusive {
		return nil
	}
	var some bool
	if err := s.reader.row(ctx, "SELECT EXISTS (SELECT 1 FROM property)", nil, &some); err != nil {
		return err
	}
	s.vacant.Store(!some)
	return nil
}

// Vacant implements dataprovider.Properties.
func (p properties) Vacant() bool { return p.vacant.Load() }

// inside is the range of directories strictly below path: from the first value on,
// and before the second. "0" is the character after "/".
func inside(path string) (from, to string) {
	path = strings.TrimSuffix(path, "/")
	return path + "/", path + "0"
}

// Any implements dataprovider.Properties.
func (p properties) Any(ctx context.Context, path string) (some bool, err error) {
	if p.Vacant() {
		return false, nil
	}
	dir, name := dataprovider.SplitPath(path)
	from, to := inside(path)
	const query = "SELECT EXISTS (SELECT 1 FROM property WHERE dir = ? AND name = ?)" +
		" OR EXISTS (SELECT 1 FROM property WHERE dir = ?)" +
		" OR EXISTS (SELECT 1 FROM property WHERE dir >= ? AND dir < ?)"
	err = p.reader.row(ctx, query, []any{dir, name, path, from, to}, &some)
	return some, wrapProperties(path, err)
}

// AnyMember implements dataprovider.Properties.
func (p properties) AnyMember(ctx context.Context, dir string) (some bool, err error) {
	if p.Vacant() {
		return false, nil
	}
	err = p.reader.row(ctx, "SELECT EXISTS (SELECT 1 FROM property WHERE dir = ?)", []any{dir}, &some)
	return some, wrapProperties(dir, err)
}

// Get implements dataprovider.Properties.
func (p properties) Get(ctx context.Context, path string) (list []dataprovider.Property, err error) {
	if p.Vacant() {
		return nil, nil
	}
	dir, name := dataprovider.SplitPath(path)
	var doc []byte
	err = p.reader.row(ctx, "SELECT document FROM property WHERE dir = ? AND name = ?", []any{dir, name}, &doc)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(doc, &list)
	}
	return list, wrapProperties(path, err)
}

// Members implements dataprovider.Properties.
func (p properties) Members(ctx context.Context, dir string, names []string) (map[string][]dataprovider.Property, error) {
	found := map[string][]dataprovider.Property{}
	if len(names) == 0 || p.Vacant() {
		return found, nil
	}
	if len(names) > dataprovider.MaxMembers {
		return nil, wrapProperties(dir, fmt.Errorf("%d names at a time", len(names)))
	}
	args := make([]any, 1, dataprovider.MaxMembers+1)
	args[0] = dir
	for i := range dataprovider.MaxMembers {
		args = append(args, names[min(i, len(names)-1)])
	}
	query := "SELECT name, document FROM property WHERE dir = ? AND name IN (?" +
		strings.Repeat(", ?", dataprovider.MaxMembers-1) + ")"
	err := p.reader.rows(ctx, query, args, func(rows *sql.Rows) error {
		var name string
		var doc []byte
		if err := rows.Scan(&name, &doc); err != nil {
			return err
		}
		var list []dataprovider.Property
		err := json.Unmarshal(doc, &list)
		found[p.dialect.text(name)] = list
		return err
	})
	return found, wrapProperties(dir, err)
}

// Patch implements dataprovider.Properties.
func (p properties) Patch(ctx context.Context, patch dataprovider.PropertyPatch) error {
	p.vacant.Store(false)
	err := p.writeBeside(ctx, func(t *tx) error { return t.patchProperties(patch, p.now()) })
	return wrapProperties(patch.Path, err)
}

func (t *tx) patchProperties(p dataprovider.PropertyPatch, now time.Time) error {
	dir, name := dataprovider.SplitPath(p.Path)
	var was []dataprovider.Property
	var doc []byte
	var owner string
	var before int64
	err := t.row("SELECT owner, bytes, document FROM property WHERE dir = ? AND name = ?", []any{dir, name}, &owner, &before, &doc)
	known := err == nil
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if known {
		if err := json.Unmarshal(doc, &was); err != nil {
			return err
		}
	}
	next, err := p.Next(was)
	if err != nil {
		return err
	}
	if len(next) == 0 {
		_, err := t.exec("DELETE FROM property WHERE dir = ? AND name = ?", dir, name)
		return err
	}
	after := dataprovider.PropertyBytes(p.Path, next)
	total, err := total(t.row, p.Owner)
	if err != nil {
		return err
	}
	if !p.Limits.Fits(total.Bytes, before, after, known && owner == p.Owner) {
		return dataprovider.ErrLimit
	}
	if doc, err = encodeProperties(next); err != nil {
		return err
	}
	if known {
		_, err = t.exec("UPDATE property SET owner = ?, root = ?, changed = ?, bytes = ?, document = ? WHERE dir = ? AND name = ?",
			p.Owner, p.Root, now.UnixMicro(), after, doc, dir, name)
		return err
	}
	_, err = t.exec("INSERT INTO property (dir, name, owner, root, changed, bytes, document) VALUES (?, ?, ?, ?, ?, ?, ?)",
		dir, name, p.Owner, p.Root, now.UnixMicro(), after, doc)
	return err
}

// encodeProperties leaves the brackets of XML as they are.
func encodeProperties(list []dataprovider.Property) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(list)
	return b.Bytes(), err
}

// Total implements dataprovider.Properties.
func (p properties) Total(ctx context.Context, owner string) (dataprovider.Amount, error) {
	sum, err := total(func(query string, args []any, dest ...any) error {
		return p.reader.row(ctx, query, args, dest...)
	}, owner)
	if err != nil {
		return sum, fmt.Errorf("properties of user %q: %w", owner, err)
	}
	return sum, nil
}

func total(row func(query string, args []any, dest ...any) error, owner string) (sum dataprovider.Amount, err error) {
	err = row("SELECT resources, bytes FROM property_total WHERE owner = ?", []any{owner}, &sum.Files, &sum.Bytes)
	if errors.Is(err, sql.ErrNoRows) {
		return dataprovider.Amount{}, nil
	}
	return sum, err
}

// Below implements dataprovider.Properties.
func (p properties) Below(ctx context.Context, dir, root string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		first, last := inside(dir)
		if dir != "/" {
			first = dir // and dir itself, as the place of its members
		}
		after, name := first, ""
		for {
			page, err := p.pageBelow(ctx, after, name, last, root)
			if err != nil {
				yield("", wrapProperties(dir, err))
				return
			}
			for _, at := range page {
				after, name = at[0], at[1]
				path := strings.TrimSuffix(after, "/") + "/" + name
				if strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/") && !yield(path, nil) {
					return
				}
			}
			if len(page) < pageSize {
				return
			}
		}
	}
}

func (p properties) pageBelow(ctx context.Context, after, name, last, root string) (page [][2]string, err error) {
	const query = "SELECT dir, name FROM property WHERE (dir, name) > (?, ?) AND dir < ? AND root = ?" +
		" ORDER BY dir, name LIMIT ?"
	err = p.reader.rows(ctx, query, []any{after, name, last, root, pageSize}, func(rows *sql.Rows) error {
		var at [2]string
		err := rows.Scan(&at[0], &at[1])
		page = append(page, [2]string{p.dialect.text(at[0]), p.dialect.text(at[1])})
		return err
	})
	return page, err
}

// Forget implements dataprovider.Properties.
func (p properties) Forget(ctx context.Context, path string, since time.Time) error {
	dir, name := dataprovider.SplitPath(path)
	err := p.writeBeside(ctx, func(t *tx) error {
		_, err := t.exec("DELETE FROM property WHERE dir = ? AND name = ? AND changed < ?", dir, name, since.UnixMicro())
		return err
	})
	return wrapProperties(path, err)
}

func wrapProperties(path string, err error) error {
	if err != nil {
		return fmt.Errorf("properties of %q: %w", path, err)
	}
	return nil
}
