package memstore

import (
	"context"
	"fmt"
	"time"

	"sftpgo/dataprovider"
)

// usage implements dataprovider.Usage.
type usage struct{ *Store }

// maxAmount is where a counter stops: far above what can be, and two of them can
// still be added.
const maxAmount = 1 << 61

// sum adds within 0 and maxAmount. a is in there already.
func sum(a, delta int64) int64 {
	delta = max(-maxAmount, min(delta, maxAmount))
	return max(0, min(a+delta, maxAmount))
}

// Get implements dataprovider.Usage.
func (u usage) Get(ctx context.Context, owner string) (r dataprovider.UsageRecord, err error) {
	err = u.do(ctx, func() error {
		r = u.usage[owner]
		return nil
	})
	if err != nil {
		return r, fmt.Errorf("usage of %q: %w", owner, err)
	}
	return r, nil
}

// Add implements dataprovider.Usage.
func (u usage) Add(ctx context.Context, owner string, delta dataprovider.Amount) (total dataprovider.Amount, err error) {
	err = u.do(ctx, func() error {
		total = u.addUsage(owner, delta)
		return nil
	})
	if err != nil {
		return total, fmt.Errorf("add to usage of %q: %w", owner, err)
	}
	return total, nil
}

// addUsage needs the lock.
func (s *Store) addUsage(owner string, delta dataprovider.Amount) dataprovider.Amount {
	r := s.usage[owner]
	if delta.IsZero() {
		return r.Amount
	}
	r.Files, r.Bytes = sum(r.Files, delta.Files), sum(r.Bytes, delta.Bytes)
	r.LastUpdate = s.now()
	s.usage[owner] = r
	return r.Amount
}

// Set implements dataprovider.Usage.
func (u usage) Set(ctx context.Context, owner string, total dataprovider.Amount) error {
	err := u.do(ctx, func() error {
		r := u.usage[owner]
		r.Files, r.Bytes = sum(0, total.Files), sum(0, total.Bytes)
		r.LastUpdate = u.now()
		u.usage[owner] = r
		return nil
	})
	if err != nil {
		return fmt.Errorf("set usage of %q: %w", owner, err)
	}
	return nil
}

// Login implements dataprovider.Usage.
func (u usage) Login(ctx context.Context, owner string, at time.Time) error {
	err := u.do(ctx, func() error {
		if r := u.usage[owner]; at.After(r.LastLogin) {
			r.LastLogin = at
			u.usage[owner] = r
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note login of %q: %w", owner, err)
	}
	return nil
}
