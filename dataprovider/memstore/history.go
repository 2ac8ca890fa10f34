package memstore

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"sftpgo/dataprovider"
)

// kept is what was delivered.
type kept struct {
	dataprovider.QueuedDelivery
	keys []string
}

// note adds a try that failed.
func (d *delivery) note(try dataprovider.Try) {
	try.Failed = true
	d.tries = dataprovider.AppendTry(d.tries, try)
}

// shown is a delivery for those who look into the outbox.
func (q *queue) shown(d *delivery, now time.Time) dataprovider.QueuedDelivery {
	w := dataprovider.QueuedDelivery{Delivery: d.Delivery, Tries: slices.Clone(d.tries)}
	w.Event = slices.Clone(d.Event)
	w.State, w.Due = q.state(d, now)
	for _, t := range d.tries {
		w.Cause = t.Answer
	}
	return w
}

// Acknowledge implements dataprovider.Outbox.
func (o outbox) Acknowledge(ctx context.Context, acks ...dataprovider.Acknowledgement) error {
	q := &o.Store.outbox
	err := o.do(ctx, func() error {
		for _, a := range acks {
			d, ok := q.deliveries[a.ID]
			if !ok {
				continue
			}
			k := &kept{keys: d.keys}
			k.Delivery, k.State, k.Due = d.Delivery, dataprovider.DeliveryDone, o.now()
			k.Tries = dataprovider.AppendTry(d.tries, a.Try)
			q.delivered = append(q.delivered, k)
			q.leave(d)
			delete(q.deliveries, a.ID)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("acknowledge %d deliveries: %w", len(acks), err)
	}
	return nil
}

// Delivered implements dataprovider.Outbox. It yields what was there when the loop
// began.
func (o outbox) Delivered(ctx context.Context, since time.Time) iter.Seq2[dataprovider.QueuedDelivery, error] {
	return func(yield func(dataprovider.QueuedDelivery, error) bool) {
		var all []*kept
		err := o.do(ctx, func() error {
			all = slices.DeleteFunc(slices.Clone(o.Store.outbox.delivered), func(k *kept) bool { return k.Due.Before(since) })
			return nil
		})
		if err != nil {
			yield(dataprovider.QueuedDelivery{}, fmt.Errorf("list what was delivered: %w", err))
		}
		for _, k := range all {
			if !yield(k.QueuedDelivery, nil) {
				return
			}
		}
	}
}

// Delivery implements dataprovider.Outbox.
func (o outbox) Delivery(ctx context.Context, id int64) (found dataprovider.QueuedDelivery, err error) {
	q := &o.Store.outbox
	err = o.do(ctx, func() error {
		if d, ok := q.deliveries[id]; ok {
			found = q.shown(d, o.now())
			return nil
		}
		k, err := q.kept(id)
		if err == nil {
			found = k.QueuedDelivery
		}
		return err
	})
	if err != nil {
		return found, fmt.Errorf("delivery %d: %w", id, err)
	}
	return found, nil
}

func (q *queue) kept(id int64) (*kept, error) {
	i := slices.IndexFunc(q.delivered, func(k *kept) bool { return k.ID == id })
	if i < 0 {
		return nil, dataprovider.ErrNotFound
	}
	return q.delivered[i], nil
}

// Replay implements dataprovider.Outbox.
func (o outbox) Replay(ctx context.Context, id int64) (again int64, err error) {
	q := &o.Store.outbox
	err = o.do(ctx, func() error {
		k, err := q.kept(id)
		if err != nil {
			return err
		}
		again = q.add(k.Target, dataprovider.Settlement{EventID: k.EventID, Event: k.Event, Keys: k.keys}, o.now()).ID
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("replay %d: %w", id, err)
	}
	return again, nil
}

// Sweep implements dataprovider.Outbox.
func (o outbox) Sweep(ctx context.Context, before time.Time, keep int) (forgotten int64, err error) {
	q := &o.Store.outbox
	err = o.do(ctx, func() error {
		n := max(0, len(q.delivered)-keep)
		for n < len(q.delivered) && q.delivered[n].Due.Before(before) {
			n++
		}
		q.delivered = slices.Delete(q.delivered, 0, n)
		forgotten = int64(n)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("sweep: %w", err)
	}
	return forgotten, nil
}
