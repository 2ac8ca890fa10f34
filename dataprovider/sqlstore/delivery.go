package sqlstore

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"sftpgo/dataprovider"
)

// deliveryState says where in the queue index a delivery is found, so that a
// claim reads little more than what it takes, however much waits.
type deliveryState int

const (
	queued  deliveryState = iota // nothing is before it, never claimed; in order of id
	leased                       // claimed; due again when the lease ends
	resting                      // given back; due at its time
	blocked                      // an earlier delivery holds one of its keys
	dead
)

// hashKeys shortens keys. Should two keys collide, their events are delivered in
// order: a delay, no fault.
func hashKeys(keys []string) []int64 {
	out := make([]int64, 0, len(keys))
	for _, k := range keys {
		sum := sha256.Sum256([]byte(k))
		h := int64(binary.BigEndian.Uint64(sum[:]))
		if !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	return out
}

func packHashes(hashes []int64) []byte {
	b := make([]byte, 0, 8*len(hashes))
	for _, h := range hashes {
		b = binary.BigEndian.AppendUint64(b, uint64(h))
	}
	return b
}

func unpackHashes(b []byte) []int64 {
	out := make([]int64, 0, len(b)/8)
	for ; len(b) >= 8; b = b[8:] {
		out = append(out, int64(binary.BigEndian.Uint64(b)))
	}
	return out
}

// Done implements dataprovider.Outbox.
func (o outbox) Done(ctx context.Context, ids ...int64) error {
	if len(ids) == 0 {
		return nil
	}
	done := make([]finished, len(ids))
	for i, id := range ids {
		done[i].id = id
	}
	if err := o.finish(ctx, done); err != nil {
		return fmt.Errorf("acknowledge %d: %w", ids, err)
	}
	return nil
}

// finish ends deliveries that were acknowledged, each where it is.
func (o outbox) finish(ctx context.Context, done []finished) error {
	if ctx.Err() == nil {
		if done = o.ahead.acknowledge(done); len(done) == 0 {
			return nil
		}
	}
	ids := make([]int64, len(done))
	for i := range done {
		ids[i] = done[i].id
	}
	return o.ask(ctx, &request{upto: o.ahead.needs(ids...), then: func() { o.ahead.freed(ids) }, run: func(t *tx) error {
		for i := range done {
			err := error(nil)
			if done[i].kept {
				err = t.keep(&done[i])
			} else {
				err = t.done(done[i].id)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}})
}

// change runs fn, which changes one delivery in the database. Its target is served
// from there afterwards.
func (o outbox) change(ctx context.Context, id int64, fn func(*tx) error) error {
	return o.writeAfter(ctx, o.ahead.needs(id), func(t *tx) error {
		o.ahead.yield(holding(id))
		return fn(t)
	})
}

func (t *tx) done(id int64) error {
	_, err := t.remove(id)
	return err
}

// removed is what a delivery was.
type removed struct {
	id       int64 // 0: there was none
	target   string
	state    deliveryState
	keys     []byte
	attempts int
	settled  int64
	eventID  string
	event    []byte
	tries    []byte
}

// remove takes a delivery out of the queue and lets those move up that waited
// behind it.
func (t *tx) remove(id int64) (r removed, err error) {
	const query = "DELETE FROM outbox_delivery WHERE id = ?" +
		" RETURNING id, target, state, keys, attempts, settled, event_id, event, tries"
	err = t.row(query, []any{id}, &r.id, &r.target, &r.state, &r.keys, &r.attempts, &r.settled, &r.eventID, &r.event, &r.tries)
	if errors.Is(err, sql.ErrNoRows) {
		return removed{}, nil
	}
	if err == nil && r.state != dead { // a dead one holds nothing
		err = t.freeHashes(r.target, r.keys, id)
	}
	return r, err
}

// freeKeys lets those move up that waited behind a delivery, or returns
// ErrNotFound if it does not live.
func (t *tx) freeKeys(id int64) error {
	var target string
	var packed []byte
	const query = "SELECT target, keys FROM outbox_delivery WHERE id = ? AND state <> ?"
	err := t.row(query, []any{id, dead}, &target, &packed)
	if errors.Is(err, sql.ErrNoRows) {
		return dataprovider.ErrNotFound
	}
	if err != nil {
		return err
	}
	return t.freeHashes(target, packed, id)
}

func (t *tx) freeHashes(target string, packed []byte, id int64) error {
	for _, h := range unpackHashes(packed) {
		if err := t.freeKey(target, h, id); err != nil {
			return err
		}
	}
	return nil
}

const selectFirst = "SELECT delivery FROM outbox_key WHERE target = ? AND hash = ? ORDER BY delivery LIMIT 2"

// freeKey takes a delivery out of the line for one key. If it was the first, the
// next one has one thing less to wait for.
func (t *tx) freeKey(target string, hash, id int64) error {
	var line []int64
	err := t.rows(selectFirst, []any{target, hash}, func(rows *sql.Rows) error {
		var d int64
		err := rows.Scan(&d)
		line = append(line, d)
		return err
	})
	if err != nil {
		return err
	}
	const leave = "DELETE FROM outbox_key WHERE target = ? AND hash = ? AND delivery = ?"
	if _, err := t.exec(leave, target, hash, id); err != nil {
		return err
	}
	if len(line) < 2 || line[0] != id {
		return nil
	}
	const moveUp = "UPDATE outbox_delivery SET waits = waits - 1," +
		" state = CASE WHEN waits = 1 AND state = ? THEN ? ELSE state END WHERE id = ?"
	_, err = t.exec(moveUp, blocked, queued, line[1])
	return err
}

// Retry implements dataprovider.Outbox.
func (o outbox) Retry(ctx context.Context, id int64, at time.Time, try dataprovider.Try) error {
	err := o.change(ctx, id, func(t *tx) error { return t.rest(id, o.due(at), try) })
	if err != nil {
		return fmt.Errorf("retry %d: %w", id, err)
	}
	return nil
}

// rest gives a claimed delivery back.
func (t *tx) rest(id, at int64, try dataprovider.Try) error {
	const query = "UPDATE outbox_delivery SET state = ?, due_at = ? WHERE id = ? AND state IN (?, ?)"
	given, err := t.changed(query, resting, at, id, leased, resting)
	if err = cmp.Or(err, missingUnless(given)); err != nil {
		return err
	}
	return t.note(id, try)
}

// StepAside implements dataprovider.Outbox.
func (o outbox) StepAside(ctx context.Context, id int64, at time.Time, try dataprovider.Try) error {
	err := o.change(ctx, id, func(t *tx) error {
		if err := t.rest(id, o.due(at), try); err != nil {
			return err
		}
		if err := t.freeKeys(id); err != nil {
			return err
		}
		_, err := t.exec("UPDATE outbox_delivery SET keys = ? WHERE id = ?", []byte{}, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("step aside %d: %w", id, err)
	}
	return nil
}

// Release implements dataprovider.Outbox.
func (o outbox) Release(ctx context.Context, target string) error {
	o.ahead.letGo(target)
	err := o.writeBeside(ctx, func(t *tx) error {
		const query = "UPDATE outbox_delivery SET due_at = 0 WHERE target = ? AND state = ?" +
			" AND (node = ? OR NOT EXISTS (SELECT 1 FROM node WHERE node.id = outbox_delivery.node))"
		_, err := t.exec(query, target, leased, o.node.self())
		return err
	})
	if err != nil {
		return fmt.Errorf("release for %q: %w", target, err)
	}
	return nil
}

// Bury implements dataprovider.Outbox.
func (o outbox) Bury(ctx context.Context, id int64, try dataprovider.Try) error {
	err := o.change(ctx, id, func(t *tx) error {
		if err := t.freeKeys(id); err != nil {
			return err
		}
		const query = "UPDATE outbox_delivery SET state = ?, due_at = ?, waits = 0 WHERE id = ?"
		if _, err := t.exec(query, dead, o.now().UnixMicro(), id); err != nil {
			return err
		}
		return t.note(id, try)
	})
	if err != nil {
		return fmt.Errorf("bury %d: %w", id, err)
	}
	return nil
}

func missingUnless(found bool) error {
	if found {
		return nil
	}
	return dataprovider.ErrNotFound
}

// settledAt returns when a delivery was recorded; the zero time if it has gone.
func (o outbox) settledAt(ctx context.Context, id int64) (time.Time, error) {
	var at int64
	err := o.reader.row(ctx, "SELECT settled FROM outbox_delivery WHERE id = ?", []any{id}, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	return time.UnixMicro(at), nil
}
