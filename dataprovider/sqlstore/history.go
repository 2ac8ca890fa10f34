package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"
	"time"

	"sftpgo/dataprovider"
)

// note adds a try that failed to the history of a delivery.
func (t *tx) note(id int64, try dataprovider.Try) error {
	var text []byte
	if err := t.row("SELECT tries FROM outbox_delivery WHERE id = ?", []any{id}, &text); err != nil {
		return err
	}
	try.Failed = true
	tries := dataprovider.AppendTry(dataprovider.DecodeTries(text), try)
	_, err := t.exec("UPDATE outbox_delivery SET cause = ?, tries = ? WHERE id = ?",
		tries[len(tries)-1].Answer, dataprovider.EncodeTries(tries), id)
	return err
}

// Acknowledge implements dataprovider.Outbox.
func (o outbox) Acknowledge(ctx context.Context, acks ...dataprovider.Acknowledgement) error {
	if len(acks) == 0 {
		return nil
	}
	now := o.now().UnixMicro()
	done := make([]finished, len(acks))
	for i, a := range acks {
		done[i] = finished{id: a.ID, at: now, kept: true, try: a.Try}
	}
	if err := o.finish(ctx, done); err != nil {
		return fmt.Errorf("acknowledge %d deliveries: %w", len(acks), err)
	}
	return nil
}

const (
	insertDelivered = "INSERT INTO outbox_delivered (id, target, delivered, attempts, settled, keys, event_id, event, tries) VALUES "
	deliveredRow    = "(?, ?, ?, ?, ?, ?, ?, ?, ?)"
)

// keep moves a delivery to the history.
func (t *tx) keep(f *finished) error {
	r, err := t.remove(f.id)
	if err != nil || r.id == 0 {
		return err
	}
	tries := dataprovider.AppendTry(dataprovider.DecodeTries(r.tries), f.try)
	_, err = t.exec(insertDelivered+deliveredRow, r.id, r.target, f.at, r.attempts, r.settled, blob(r.keys), r.eventID, blob(r.event),
		dataprovider.EncodeTries(tries))
	return err
}

// keepRows is how many rows one statement adds to the history.
const keepRows = 16

// keepAll adds to the history what never was in the queue of the database.
func (t *tx) keepAll(done []*entry) error {
	for len(done) > 0 {
		n := 1
		if len(done) >= keepRows {
			n = keepRows
		}
		args := make([]any, 0, 9*n)
		for _, e := range done[:n] {
			args = append(args, e.id, e.track.target, e.end.at, 1, e.settled, packHashes(e.hashList()), e.eventID, blob(e.event),
				dataprovider.EncodeTries(dataprovider.AppendTry(nil, e.end.try)))
		}
		if _, err := t.exec(insertDelivered+deliveredRow+strings.Repeat(", "+deliveredRow, n-1), args...); err != nil {
			return err
		}
		done = done[n:]
	}
	return nil
}

const selectDelivered = "SELECT id, target, delivered, attempts, settled, event_id, event, tries FROM outbox_delivered"

// scanDelivered reads a row of selectDelivered.
func scanDelivered(scan func(...any) error) (d dataprovider.QueuedDelivery, err error) {
	var delivered, settled int64
	var tries []byte
	err = scan(&d.ID, &d.Target, &delivered, &d.Attempt, &settled, &d.EventID, &d.Event, &tries)
	d.Settled, d.Due = time.UnixMicro(settled), time.UnixMicro(delivered)
	d.State, d.Tries = dataprovider.DeliveryDone, dataprovider.DecodeTries(tries)
	return d, err
}

// Delivered implements dataprovider.Outbox.
func (o outbox) Delivered(ctx context.Context, since time.Time) iter.Seq2[dataprovider.QueuedDelivery, error] {
	return func(yield func(dataprovider.QueuedDelivery, error) bool) {
		if err := o.flush(ctx); err != nil {
			yield(dataprovider.QueuedDelivery{}, fmt.Errorf("list what was delivered: %w", err))
			return
		}
		from, after := int64(math.MinInt64), int64(0)
		if !since.IsZero() { // the zero time is beyond what microseconds can say
			from = since.UnixMicro()
		}
		for {
			page, err := o.deliveredPage(ctx, from, after)
			if err != nil {
				yield(dataprovider.QueuedDelivery{}, fmt.Errorf("list what was delivered: %w", err))
				return
			}
			for _, d := range page {
				if !yield(d, nil) {
					return
				}
			}
			if len(page) < pageSize {
				return
			}
			last := page[len(page)-1]
			from, after = last.Due.UnixMicro(), last.ID
		}
	}
}

// deliveredPage begins at a time, behind an id.
func (o outbox) deliveredPage(ctx context.Context, from, after int64) (page []dataprovider.QueuedDelivery, err error) {
	const query = selectDelivered + " WHERE delivered >= ? AND (delivered > ? OR id > ?) ORDER BY delivered, id LIMIT ?"
	err = o.reader.rows(ctx, query, []any{from, from, after, pageSize}, func(rows *sql.Rows) error {
		d, err := scanDelivered(rows.Scan)
		page = append(page, d)
		return err
	})
	return page, err
}

// Delivery implements dataprovider.Outbox.
func (o outbox) Delivery(ctx context.Context, id int64) (d dataprovider.QueuedDelivery, err error) {
	now := o.now().UnixMicro()
	// It may move from one table to the other between the two looks, never back.
	queued := func(rows *sql.Rows) error { d, err = scanQueued(rows.Scan, now); return err }
	kept := func(rows *sql.Rows) error { d, err = scanDelivered(rows.Scan); return err }
	if err = o.flush(ctx); err == nil {
		err = o.reader.rows(ctx, selectQueue+" WHERE id = ?", []any{id}, queued)
	}
	if err == nil && d.ID == 0 {
		err = o.reader.rows(ctx, selectDelivered+" WHERE id = ?", []any{id}, kept)
	}
	if err == nil && d.ID == 0 {
		err = dataprovider.ErrNotFound
	}
	if err != nil {
		return dataprovider.QueuedDelivery{}, fmt.Errorf("delivery %d: %w", id, err)
	}
	return d, nil
}

// Replay implements dataprovider.Outbox.
func (o outbox) Replay(ctx context.Context, id int64) (again int64, err error) {
	err = o.writeAfter(ctx, o.ahead.needs(id), func(t *tx) error {
		var target, eventID string
		var keys, event []byte
		const query = "SELECT target, keys, event_id, event FROM outbox_delivered WHERE id = ?"
		err := t.row(query, []any{id}, &target, &keys, &eventID, &event)
		if errors.Is(err, sql.ErrNoRows) {
			return dataprovider.ErrNotFound
		}
		if err != nil {
			return err
		}
		t.ahead.yield(toTarget(target))
		again, err = t.enqueue(newDelivery{
			id: t.ahead.deliveryID(), target: target, hashes: unpackHashes(keys), eventID: eventID, event: event, settled: o.now().UnixMicro(),
		})
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("replay %d: %w", id, err)
	}
	return again, nil
}

// sweepSize bounds what one transaction of Sweep removes: others wait meanwhile.
const sweepSize = 500

// Sweep implements dataprovider.Outbox.
func (o outbox) Sweep(ctx context.Context, before time.Time, keep int) (forgotten int64, err error) {
	if err := o.flush(ctx); err != nil {
		return 0, fmt.Errorf("sweep: %w", err)
	}
	o.ahead.sweeps(keep)
	until, last := before.UnixMicro(), int64(-1) // all up to this time and id
	var at, id int64                             // of the latest that is too many
	const query = "SELECT delivered, id FROM outbox_delivered ORDER BY delivered DESC, id DESC LIMIT 1 OFFSET ?"
	switch err := o.reader.row(ctx, query, []any{keep}, &at, &id); {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return 0, fmt.Errorf("sweep: %w", err)
	case at >= until:
		until, last = at, id
	}
	for {
		var n int64
		err := o.writeBeside(ctx, func(t *tx) error {
			const query = "DELETE FROM outbox_delivered WHERE id IN" +
				" (SELECT id FROM outbox_delivered WHERE delivered < ? OR (delivered = ? AND id <= ?)" +
				" ORDER BY delivered, id LIMIT ?)"
			r, err := t.exec(query, until, until, last, sweepSize)
			if err != nil {
				return err
			}
			n, err = r.RowsAffected()
			return err
		})
		if err != nil {
			return forgotten, fmt.Errorf("sweep: %w", err)
		}
		if forgotten += n; n < sweepSize {
			return forgotten, nil
		}
	}
}
