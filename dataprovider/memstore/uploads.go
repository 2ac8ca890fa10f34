package memstore

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"sftpgo/dataprovider"
)

// uploads implements dataprovider.Uploads.
type uploads struct{ *Store }

// uploadTable is what uploads keeps. The lock of the store guards it.
type uploadTable struct {
	records map[string]dataprovider.Upload
	leases  map[string]uploadLease
}

type uploadLease struct {
	holder  string
	wanted  bool
	expires time.Time
}

// dropOwner forgets the uploads of a user.
func (t *uploadTable) dropOwner(name string) {
	for id, up := range t.records {
		if up.Owner == name {
			delete(t.records, id)
			delete(t.leases, id)
		}
	}
}

// Add implements dataprovider.Uploads.
func (u uploads) Add(ctx context.Context, up dataprovider.Upload) error {
	err := u.do(ctx, func() error {
		if _, ok := u.uploads.records[up.ID]; ok {
			return dataprovider.ErrExists
		}
		u.put(up)
		return nil
	})
	return wrapUpload("add", up.ID, err)
}

// put stores a copy that shares nothing with the caller.
func (u uploads) put(up dataprovider.Upload) {
	up.Parts = slices.Clone(up.Parts)
	u.uploads.records[up.ID] = up
}

// Get implements dataprovider.Uploads.
func (u uploads) Get(ctx context.Context, id string) (up dataprovider.Upload, err error) {
	err = u.do(ctx, func() error {
		var ok bool
		if up, ok = u.uploads.records[id]; !ok {
			return dataprovider.ErrNotFound
		}
		up.Parts = slices.Clone(up.Parts)
		return nil
	})
	return up, wrapUpload("read", id, err)
}

// Save implements dataprovider.Uploads.
func (u uploads) Save(ctx context.Context, up dataprovider.Upload) error {
	err := u.do(ctx, func() error {
		if _, ok := u.uploads.records[up.ID]; !ok {
			return dataprovider.ErrNotFound
		}
		u.put(up)
		return nil
	})
	return wrapUpload("save", up.ID, err)
}

// Delete implements dataprovider.Uploads.
func (u uploads) Delete(ctx context.Context, id string) error {
	err := u.do(ctx, func() error {
		delete(u.uploads.records, id)
		delete(u.uploads.leases, id)
		return nil
	})
	return wrapUpload("delete", id, err)
}

// List implements dataprovider.Uploads.
func (u uploads) List(ctx context.Context, owner, after string) iter.Seq2[dataprovider.Upload, error] {
	return func(yield func(dataprovider.Upload, error) bool) {
		var list []dataprovider.Upload
		err := u.do(ctx, func() error {
			for _, id := range slices.Sorted(maps.Keys(u.uploads.records)) {
				if up := u.uploads.records[id]; id > after && (owner == "" || up.Owner == owner) {
					up.Parts = slices.Clone(up.Parts)
					list = append(list, up)
				}
			}
			return nil
		})
		if err != nil {
			yield(dataprovider.Upload{}, fmt.Errorf("list uploads: %w", err))
			return
		}
		for _, up := range list {
			if !yield(up, nil) {
				return
			}
		}
	}
}

// Hold implements dataprovider.Uploads.
func (u uploads) Hold(ctx context.Context, id, holder string, ttl time.Duration) error {
	err := u.do(ctx, func() error {
		if !u.hold(id, holder, ttl) {
			l := u.uploads.leases[id]
			l.wanted = true
			u.uploads.leases[id] = l
			return dataprovider.ErrConflict
		}
		return nil
	})
	return wrapUpload("hold", id, err)
}

// hold takes or prolongs a lease that nobody else has.
func (u uploads) hold(id, holder string, ttl time.Duration) bool {
	now := u.now()
	l, held := u.uploads.leases[id]
	switch {
	case held && l.holder != holder && now.Before(l.expires):
		return false
	case !held || l.holder != holder:
		l = uploadLease{holder: holder}
	}
	l.expires = now.Add(ttl)
	u.uploads.leases[id] = l
	return true
}

// Renew implements dataprovider.Uploads.
func (u uploads) Renew(ctx context.Context, id, holder string, ttl time.Duration) (wanted bool, err error) {
	err = u.do(ctx, func() error {
		if !u.hold(id, holder, ttl) {
			return dataprovider.ErrConflict
		}
		wanted = u.uploads.leases[id].wanted
		return nil
	})
	return wanted, wrapUpload("hold", id, err)
}

// Release implements dataprovider.Uploads.
func (u uploads) Release(ctx context.Context, id, holder string) error {
	err := u.do(ctx, func() error {
		if u.uploads.leases[id].holder == holder {
			delete(u.uploads.leases, id)
		}
		return nil
	})
	return wrapUpload("release", id, err)
}

func wrapUpload(op, id string, err error) error {
	if err != nil {
		return fmt.Errorf("%s upload %q: %w", op, id, err)
	}
	return nil
}
