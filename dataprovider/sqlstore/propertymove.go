package sqlstore

import (
	"context"
	"fmt"

	"sftpgo/dataprovider"
)

// Apply implements dataprovider.Properties.
func (p properties) Apply(ctx context.Context, moves ...dataprovider.PropertyMove) error {
	err := p.writeBeside(ctx, func(t *tx) error { return p.moveProperties(t, moves) })
	if err != nil {
		return fmt.Errorf("move properties: %w", err)
	}
	return nil
}

// moveProperties does what happened to the storage. It makes none where there were
// none.
func (s *Store) moveProperties(t *tx, moves []dataprovider.PropertyMove) error {
	for _, m := range moves {
		if m.Path == m.To {
			continue
		}
		var err error
		switch m.Op {
		case dataprovider.PropertiesDropped:
			err = t.dropProperties(m.Path)
		case dataprovider.PropertiesMoved:
			err = t.moveTree(m, s.now().UnixMicro())
		case dataprovider.PropertiesCopied:
			err = t.copyProperties(m, s.now().UnixMicro())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// dropProperties forgets path and all below.
func (t *tx) dropProperties(path string) error {
	dir, name := dataprovider.SplitPath(path)
	if _, err := t.exec("DELETE FROM property WHERE dir = ? AND name = ?", dir, name); err != nil {
		return err
	}
	if _, err := t.exec("DELETE FROM property WHERE dir = ?", path); err != nil {
		return err
	}
	from, to := inside(path)
	_, err := t.exec("DELETE FROM property WHERE dir >= ? AND dir < ?", from, to)
	return err
}

// moveTree renames path and all below.
func (t *tx) moveTree(m dataprovider.PropertyMove, now int64) error {
	if err := t.dropProperties(m.To); err != nil {
		return err
	}
	dir, name := dataprovider.SplitPath(m.Path)
	toDir, toName := dataprovider.SplitPath(m.To)
	if _, err := t.exec("UPDATE property SET dir = ?, name = ?, changed = ? WHERE dir = ? AND name = ?",
		toDir, toName, now, dir, name); err != nil {
		return err
	}
	if _, err := t.exec("UPDATE property SET dir = ?, changed = ? WHERE dir = ?", m.To, now, m.Path); err != nil {
		return err
	}
	from, to := inside(m.Path)
	_, err := t.exec("UPDATE property SET dir = ? || substr(dir, length(?) + 1), changed = ? WHERE dir >= ? AND dir < ?",
		m.To, m.Path, now, from, to)
	return err
}

// copyProperties gives the target what the path has.
func (t *tx) copyProperties(m dataprovider.PropertyMove, now int64) error {
	if err := t.dropProperties(m.To); err != nil {
		return err
	}
	dir, name := dataprovider.SplitPath(m.Path)
	toDir, toName := dataprovider.SplitPath(m.To)
	_, err := t.exec("INSERT INTO property (dir, name, owner, root, changed, bytes, document)"+
		" SELECT ?, ?, ?, ?, ?, bytes + ?, document FROM property WHERE dir = ? AND name = ?",
		toDir, toName, m.Owner, m.Root, now, len(m.To)-len(m.Path), dir, name)
	return err
}

// disown leaves the properties of a user who is deleted to nobody: a new user of
// that name starts with nothing.
func (t *tx) disown(owner string) error {
	_, err := t.exec("UPDATE property SET owner = '' WHERE owner = ?", owner)
	return err
}
