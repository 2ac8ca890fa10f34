package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// Scan counts the regular files of a user and makes the result the usage. It is
// for the start, before the first session: what is uploaded meanwhile would be
// counted twice or not at all. Of a user for whom nothing is counted it does
// nothing.
func (m *Manager) Scan(ctx context.Context, user string) (dataprovider.Amount, error) {
	u, _, err := m.store.Users().Get(ctx, user)
	if err != nil {
		return noAmount, fmt.Errorf("scan: %w", err)
	}
	if !m.counts(&u) {
		return noAmount, nil
	}
	f, err := m.openStorage(ctx, &u, toInspect)
	if errors.Is(err, vfs.ErrNotExist) {
		return noAmount, m.store.Usage().Set(ctx, user, noAmount)
	}
	if err != nil {
		return noAmount, fmt.Errorf("scan: open storage of %q: %w", user, err)
	}
	defer f.Close() // only read
	total, err := countTree(ctx, f, "/")
	if err != nil {
		return noAmount, fmt.Errorf("scan %q: %w", user, err)
	}
	return total, m.store.Usage().Set(ctx, user, total)
}

// countTree counts the regular files below a directory. Links are not followed.
func countTree(ctx context.Context, f vfs.FS, dir string) (total dataprovider.Amount, err error) {
	var below []string
	for info, err := range f.List(ctx, dir) {
		if err != nil {
			return noAmount, err
		}
		if info.IsDir() {
			below = append(below, path.Join(dir, info.Name()))
			continue
		}
		total = total.Add(amountOf(info))
	}
	for _, name := range below {
		sub, err := countTree(ctx, f, name)
		if err != nil && !errors.Is(err, vfs.ErrNotExist) { // gone meanwhile
			return noAmount, err
		}
		total = total.Add(sub)
	}
	return total, nil
}

// amountOf is what a file counts for: only regular files count.
func amountOf(info fs.FileInfo) dataprovider.Amount {
	if info == nil || !info.Mode().IsRegular() {
		return dataprovider.Amount{}
	}
	return dataprovider.Amount{Files: 1, Bytes: info.Size()}
}

func minus(a, b dataprovider.Amount) dataprovider.Amount {
	return dataprovider.Amount{Files: a.Files - b.Files, Bytes: a.Bytes - b.Bytes}
}
