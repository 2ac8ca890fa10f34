package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"time"

	"sftpgo/dataprovider"
)

// Queue implements dataprovider.Outbox. Each page is read by itself, so that a
// slow reader holds up nobody.
func (o outbox) Queue(ctx context.Context, after int64) iter.Seq2[dataprovider.QueuedDelivery, error] {
	return func(yield func(dataprovider.QueuedDelivery, error) bool) {
		if err := o.flush(ctx); err != nil {
			yield(dataprovider.QueuedDelivery{}, fmt.Errorf("list deliveries: %w", err))
			return
		}
		for last := after; ; {
			page, err := o.queuePage(ctx, last)
			if err != nil {
				yield(dataprovider.QueuedDelivery{}, fmt.Errorf("list deliveries: %w", err))
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
			last = page[len(page)-1].ID
		}
	}
}

func (o outbox) queuePage(ctx context.Context, after int64) (page []dataprovider.QueuedDelivery, err error) {
	now := o.now().UnixMicro()
	const query = selectQueue + " WHERE id > ? ORDER BY id LIMIT ?"
	err = o.reader.rows(ctx, query, []any{after, pageSize}, func(rows *sql.Rows) error {
		d, err := scanQueued(rows.Scan, now)
		page = append(page, d)
		return err
	})
	return page, err
}

const selectQueue = "SELECT id, target, state, due_at, attempts, settled, cause, event_id, event, tries FROM outbox_delivery"

// scanQueued reads a row of selectQueue.
func scanQueued(scan func(...any) error, now int64) (d dataprovider.QueuedDelivery, err error) {
	var state deliveryState
	var due, settled int64
	var tries []byte
	err = scan(&d.ID, &d.Target, &state, &due, &d.Attempt, &settled, &d.Cause, &d.EventID, &d.Event, &tries)
	if err != nil {
		return d, err
	}
	d.Settled, d.State, d.Tries = time.UnixMicro(settled), state.public(due, now), dataprovider.DecodeTries(tries)
	switch d.State {
	case dataprovider.DeliveryClaimed, dataprovider.DeliveryResting, dataprovider.DeliveryDead:
		d.Due = time.UnixMicro(due)
	}
	return d, nil
}

// public is the state for those who look into the outbox.
func (s deliveryState) public(due, now int64) dataprovider.DeliveryState {
	switch {
	case s == blocked:
		return dataprovider.DeliveryBlocked
	case s == dead:
		return dataprovider.DeliveryDead
	case due <= now:
		return dataprovider.DeliveryReady
	case s == leased:
		return dataprovider.DeliveryClaimed
	}
	return dataprovider.DeliveryResting
}

// Revive implements dataprovider.Outbox.
func (o outbox) Revive(ctx context.Context, id int64) error {
	err := o.writeAfter(ctx, o.ahead.needs(id), func(t *tx) error {
		o.ahead.yield(anyTrack)
		var state deliveryState
		var due int64
		err := t.row("SELECT state, due_at FROM outbox_delivery WHERE id = ?", []any{id}, &state, &due)
		if errors.Is(err, sql.ErrNoRows) {
			return dataprovider.ErrNotFound
		}
		if err != nil {
			return err
		}
		switch state.public(due, o.now().UnixMicro()) {
		case dataprovider.DeliveryDead: // its keys were freed when it died
			const query = "UPDATE outbox_delivery SET state = ?, due_at = 0, attempts = 0, keys = ? WHERE id = ?"
			_, err = t.exec(query, queued, []byte{}, id)
		case dataprovider.DeliveryResting:
			_, err = t.exec("UPDATE outbox_delivery SET due_at = 0 WHERE id = ?", id)
		case dataprovider.DeliveryBlocked, dataprovider.DeliveryClaimed:
			return dataprovider.ErrConflict
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("revive %d: %w", id, err)
	}
	return nil
}
