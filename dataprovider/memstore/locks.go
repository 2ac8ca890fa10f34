package memstore

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"sftpgo/dataprovider"
)

// locks implements dataprovider.Locks.
type locks struct{ *Store }

// lockTable is what locks keeps. The lock of the store guards it.
type lockTable struct {
	rev     dataprovider.Revision
	byToken map[string]dataprovider.Lock
}

// dropHolder ends the locks of a user.
func (t *lockTable) dropHolder(name string) {
	before := len(t.byToken)
	maps.DeleteFunc(t.byToken, func(_ string, l dataprovider.Lock) bool { return l.Holder == name })
	if len(t.byToken) != before {
		t.rev++
	}
}

// Revision implements dataprovider.Locks.
func (l locks) Revision(ctx context.Context) (rev dataprovider.Revision, err error) {
	err = l.do(ctx, func() error {
		rev = l.lockTable.rev
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("revision of locks: %w", err)
	}
	return rev, nil
}

// Load implements dataprovider.Locks.
func (l locks) Load(ctx context.Context) (all []dataprovider.Lock, rev dataprovider.Revision, err error) {
	err = l.do(ctx, func() error {
		all, rev = slices.Collect(maps.Values(l.lockTable.byToken)), l.lockTable.rev
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
	err = l.do(ctx, func() error {
		if l.lockTable.rev != rev {
			return dataprovider.ErrConflict
		}
		for _, token := range drop {
			delete(l.lockTable.byToken, token)
		}
		for _, lock := range put {
			l.lockTable.byToken[lock.Token] = lock
		}
		l.lockTable.rev++
		next = l.lockTable.rev
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("change locks: %w", err)
	}
	return next, nil
}
