package memstore

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"sftpgo/dataprovider"
)

// outbox implements dataprovider.Outbox.
type outbox struct{ *Store }

// Begin implements dataprovider.Outbox.
func (o outbox) Begin(ctx context.Context, record []byte) (id int64, err error) {
	q := &o.Store.outbox
	err = o.do(ctx, func() error {
		q.lastPending++
		id = q.lastPending
		q.pending[id] = slices.Clone(record)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("begin: %w", err)
	}
	return id, nil
}

// Announce implements dataprovider.Outbox.
func (o outbox) Announce(ctx context.Context, record []byte) (int64, error) {
	return o.Begin(ctx, record)
}

// Pending implements dataprovider.Outbox. It yields what was pending when the loop
// began.
func (o outbox) Pending(ctx context.Context) iter.Seq2[dataprovider.Pending, error] {
	return func(yield func(dataprovider.Pending, error) bool) {
		var all []dataprovider.Pending
		err := o.do(ctx, func() error {
			pending := o.Store.outbox.pending
			for _, id := range slices.Sorted(maps.Keys(pending)) {
				all = append(all, dataprovider.Pending{ID: id, Record: slices.Clone(pending[id])})
			}
			return nil
		})
		if err != nil {
			yield(dataprovider.Pending{}, fmt.Errorf("list pending: %w", err))
		}
		for _, p := range all {
			if !yield(p, nil) {
				return
			}
		}
	}
}

// Settle implements dataprovider.Outbox.
func (o outbox) Settle(ctx context.Context, id int64, s dataprovider.Settlement) (total dataprovider.Amount, err error) {
	q := &o.Store.outbox
	err = o.do(ctx, func() error {
		if _, ok := q.pending[id]; !ok && id != 0 {
			return dataprovider.ErrNotFound
		}
		delete(q.pending, id)
		for _, p := range s.Amended {
			if _, ok := q.pending[p.ID]; ok {
				q.pending[p.ID] = slices.Clone(p.Record)
			}
		}
		for i, target := range s.Targets {
			if !slices.Contains(s.Targets[:i], target) {
				q.add(target, s, o.now())
			}
		}
		o.moveProperties(s.Properties)
		if s.Owner != "" {
			total = o.addUsage(s.Owner, s.Delta)
		}
		return nil
	})
	if err != nil {
		return total, fmt.Errorf("settle %d: %w", id, err)
	}
	return total, nil
}

// Drop implements dataprovider.Outbox.
func (o outbox) Drop(ctx context.Context, id int64) error {
	err := o.do(ctx, func() error {
		delete(o.Store.outbox.pending, id)
		return nil
	})
	if err != nil {
		return fmt.Errorf("drop %d: %w", id, err)
	}
	return nil
}

// Claim implements dataprovider.Outbox.
func (o outbox) Claim(ctx context.Context, target string, n int, ttl time.Duration) (out []dataprovider.Delivery, err error) {
	err = o.do(ctx, func() error {
		out = o.Store.outbox.claim(target, n, o.now(), ttl)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claim for %q: %w", target, err)
	}
	return out, nil
}

// Done implements dataprovider.Outbox.
func (o outbox) Done(ctx context.Context, ids ...int64) error {
	q := &o.Store.outbox
	err := o.do(ctx, func() error {
		for _, id := range ids {
			if d, ok := q.deliveries[id]; ok {
				q.leave(d)
				delete(q.deliveries, id)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("acknowledge %d: %w", ids, err)
	}
	return nil
}

// Retry implements dataprovider.Outbox.
func (o outbox) Retry(ctx context.Context, id int64, at time.Time, try dataprovider.Try) error {
	err := o.do(ctx, func() error {
		d, ok := o.Store.outbox.deliveries[id]
		if !ok || d.heap == nil || d.Attempt == 0 {
			return dataprovider.ErrNotFound // gone, dead, or not claimed yet
		}
		d.heap.take(d)
		d.due, d.leased = at, false
		d.note(try)
		o.Store.outbox.targets[d.Target].timed.put(d)
		return nil
	})
	if err != nil {
		return fmt.Errorf("retry %d: %w", id, err)
	}
	return nil
}

// StepAside implements dataprovider.Outbox.
func (o outbox) StepAside(ctx context.Context, id int64, at time.Time, try dataprovider.Try) error {
	q := &o.Store.outbox
	err := o.do(ctx, func() error {
		d, ok := q.deliveries[id]
		if !ok || d.heap == nil || d.Attempt == 0 {
			return dataprovider.ErrNotFound // gone, dead, or not claimed yet
		}
		q.leave(d)
		d.due, d.leased = at, false
		d.note(try)
		q.targets[d.Target].timed.put(d)
		return nil
	})
	if err != nil {
		return fmt.Errorf("step aside %d: %w", id, err)
	}
	return nil
}

// Release implements dataprovider.Outbox.
func (o outbox) Release(ctx context.Context, target string) error {
	err := o.do(ctx, func() error {
		l := o.Store.outbox.line(target)
		for _, d := range slices.Clone(l.timed.all) {
			if d.leased {
				l.timed.take(d)
				d.leased = false
				l.ready.put(d)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("release for %q: %w", target, err)
	}
	return nil
}

// Bury implements dataprovider.Outbox.
func (o outbox) Bury(ctx context.Context, id int64, try dataprovider.Try) error {
	q := &o.Store.outbox
	err := o.do(ctx, func() error {
		d, ok := q.deliveries[id]
		if !ok || d.dead {
			return dataprovider.ErrNotFound
		}
		q.leave(d)
		d.dead, d.due = true, o.now()
		d.note(try)
		return nil
	})
	if err != nil {
		return fmt.Errorf("bury %d: %w", id, err)
	}
	return nil
}

// Queue implements dataprovider.Outbox. It yields what waited when the loop began.
func (o outbox) Queue(ctx context.Context, after int64) iter.Seq2[dataprovider.QueuedDelivery, error] {
	return func(yield func(dataprovider.QueuedDelivery, error) bool) {
		var all []dataprovider.QueuedDelivery
		err := o.do(ctx, func() error {
			q := &o.Store.outbox
			for _, id := range slices.Sorted(maps.Keys(q.deliveries)) {
				d := q.deliveries[id]
				if id <= after {
					continue
				}
				all = append(all, q.shown(d, o.now()))
			}
			return nil
		})
		if err != nil {
			yield(dataprovider.QueuedDelivery{}, fmt.Errorf("list deliveries: %w", err))
		}
		for _, w := range all {
			if !yield(w, nil) {
				return
			}
		}
	}
}

// Revive implements dataprovider.Outbox.
func (o outbox) Revive(ctx context.Context, id int64) error {
	q := &o.Store.outbox
	err := o.do(ctx, func() error {
		d, ok := q.deliveries[id]
		if !ok {
			return dataprovider.ErrNotFound
		}
		return q.revive(d, o.now())
	})
	if err != nil {
		return fmt.Errorf("revive %d: %w", id, err)
	}
	return nil
}

// Backlog implements dataprovider.Outbox.
func (o outbox) Backlog(ctx context.Context) (out []dataprovider.Backlog, err error) {
	err = o.do(ctx, func() error {
		byTarget := map[string]*dataprovider.Backlog{}
		oldest := map[string]int64{}
		for id, d := range o.Store.outbox.deliveries {
			b := byTarget[d.Target]
			if b == nil {
				b = &dataprovider.Backlog{Target: d.Target}
				byTarget[d.Target] = b
			}
			if d.dead {
				b.Dead++
				continue
			}
			b.Queued++
			if first, ok := oldest[d.Target]; !ok || id < first {
				oldest[d.Target], b.Oldest = id, d.Settled
			}
		}
		for _, b := range byTarget {
			out = append(out, *b)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("backlog: %w", err)
	}
	slices.SortFunc(out, func(a, b dataprovider.Backlog) int { return strings.Compare(a.Target, b.Target) })
	return out, nil
}
