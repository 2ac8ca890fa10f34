package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"sftpgo/dataprovider"
)

// outbox implements dataprovider.Outbox.
type outbox struct{ *Store }

// blob makes sure that nothing is empty bytes, not NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// Begin implements dataprovider.Outbox.
func (o outbox) Begin(ctx context.Context, record []byte) (id int64, err error) {
	err = o.write(ctx, func(t *tx) error {
		switch self := o.node.self(); {
		case self != 0:
			const query = "INSERT INTO outbox_pending (record, node) SELECT ?, id FROM node WHERE id = ?"
			id, err = t.dialect.insert(t, query, blob(record), self)
			if errors.Is(err, sql.ErrNoRows) {
				return errFenced
			}
		case o.ahead != nil:
			id = o.ahead.take()
			err = t.intend(id, record)
		case o.file.beside():
			if id, err = t.besideID(o.now()); err == nil {
				err = t.intend(id, record)
			}
		default:
			id, err = t.dialect.insert(t, "INSERT INTO outbox_pending (record, node) VALUES (?, 0)", blob(record))
		}
		return err
	})
	if err != nil {
		o.node.doubt(id)
		return 0, fmt.Errorf("begin: %w", err)
	}
	o.node.took(id)
	return id, nil
}

// intend stores an intention under an id.
func (t *tx) intend(id int64, record []byte) error {
	_, err := t.exec("INSERT INTO outbox_pending (id, record, node) VALUES (?, ?, 0)", id, blob(record))
	return err
}

// besideID returns an id for an intention of a command. It is negative, since the
// server may have given any other that is free to what its log has and the database
// has not, and the nanoseconds in it are nobody else's.
func (t *tx) besideID(now time.Time) (int64, error) {
	var last int64
	err := t.row("SELECT coalesce(max(id), ?) FROM outbox_pending WHERE id < 0", []any{int64(math.MinInt64)}, &last)
	return max(last+1, now.UnixNano()-1<<62), err
}

// Announce implements dataprovider.Outbox.
func (o outbox) Announce(ctx context.Context, record []byte) (int64, error) {
	if ctx.Err() == nil {
		if id, ok := o.ahead.log(logged{kind: loggedBegin, record: slices.Clone(record)}); ok {
			return id, nil
		}
	}
	return o.Begin(ctx, record)
}

// flush brings into the database what was logged ahead of it, for those who read.
func (s *Store) flush(ctx context.Context) error {
	if !s.ahead.waiting() {
		return nil
	}
	return s.write(ctx, func(*tx) error { return nil })
}

// Pending implements dataprovider.Outbox.
func (o outbox) Pending(ctx context.Context) iter.Seq2[dataprovider.Pending, error] {
	return func(yield func(dataprovider.Pending, error) bool) {
		if err := errors.Join(o.flush(ctx), o.takeOver(ctx)); err != nil {
			yield(dataprovider.Pending{}, fmt.Errorf("take over what is pending: %w", err))
			return
		}
		last := int64(math.MinInt64)
		for {
			page, err := o.pendingPage(ctx, last)
			if err != nil {
				yield(dataprovider.Pending{}, fmt.Errorf("list pending: %w", err))
				return
			}
			for _, p := range page {
				if !yield(p, nil) {
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

// takeOver makes this process the one that takes care of intentions whose process
// has gone. Those of a file have none to begin with.
func (o outbox) takeOver(ctx context.Context) error {
	if o.node == nil {
		return nil
	}
	return o.write(ctx, func(t *tx) error {
		_, err := t.exec("UPDATE outbox_pending SET node = ? WHERE "+orphan, -o.node.self())
		return err
	})
}

func (o outbox) pendingPage(ctx context.Context, after int64) (page []dataprovider.Pending, err error) {
	const query = "SELECT id, record FROM outbox_pending WHERE node = ? AND id > ? ORDER BY id LIMIT ?"
	err = o.reader.rows(ctx, query, []any{-o.node.self(), after, pageSize}, func(rows *sql.Rows) error {
		var p dataprovider.Pending
		if err := rows.Scan(&p.ID, &p.Record); err != nil {
			return err
		}
		page = append(page, p)
		return nil
	})
	return page, err
}

// Drop implements dataprovider.Outbox.
func (o outbox) Drop(ctx context.Context, id int64) error {
	if ctx.Err() == nil && id != 0 {
		if _, ok := o.ahead.log(logged{kind: loggedDrop, id: id}); ok {
			return nil
		}
	}
	undo := o.ahead.end(id)
	err := o.write(ctx, func(t *tx) error {
		_, err := t.exec("DELETE FROM outbox_pending WHERE id = ?", id)
		return err
	})
	if err != nil {
		undo()
		return fmt.Errorf("drop %d: %w", id, err)
	}
	return nil
}

// Settle implements dataprovider.Outbox.
func (o outbox) Settle(ctx context.Context, id int64, s dataprovider.Settlement) (sum dataprovider.Amount, err error) {
	if ctx.Err() == nil && s.Owner == "" && len(s.Properties) == 0 {
		if _, ok := o.ahead.log(logged{kind: loggedSettle, id: id, at: o.now().UnixMicro(), s: own(s)}); ok {
			return dataprovider.Amount{}, nil
		}
	}
	undo := o.ahead.end(id)
	err = o.write(ctx, func(t *tx) error {
		if id != 0 {
			was, err := t.changed("DELETE FROM outbox_pending WHERE id = ?", id)
			if err != nil {
				return err
			}
			if !was && o.node.lost(id) {
				return dataprovider.ErrTakenOver
			}
			if !was {
				return dataprovider.ErrNotFound
			}
		}
		for _, p := range s.Amended {
			if err := t.amend(p); err != nil {
				return err
			}
		}
		now := o.now()
		if err := t.deliverAll(s, now.UnixMicro()); err != nil {
			return err
		}
		if err := o.moveProperties(t, s.Properties); err != nil {
			return err
		}
		if s.Owner == "" {
			return nil
		}
		sum, err = t.addUsage(s.Owner, s.Delta, now)
		return err
	})
	if err != nil {
		undo()
		return dataprovider.Amount{}, fmt.Errorf("settle %d: %w", id, err)
	}
	return sum, nil
}

// own is a settlement that its caller cannot change any more.
func own(s dataprovider.Settlement) dataprovider.Settlement {
	s.Event, s.Keys, s.Targets = slices.Clone(s.Event), slices.Clone(s.Keys), slices.Clone(s.Targets)
	s.Amended = slices.Clone(s.Amended)
	for i := range s.Amended {
		s.Amended[i].Record = slices.Clone(s.Amended[i].Record)
	}
	return s
}

// amend changes what an intention says, if it is still there.
func (t *tx) amend(p dataprovider.Pending) error {
	_, err := t.exec("UPDATE outbox_pending SET record = ? WHERE id = ?", blob(p.Record), p.ID)
	return err
}

// deliverAll queues an event for each of its targets.
func (t *tx) deliverAll(s dataprovider.Settlement, now int64) error {
	hashes := hashKeys(s.Keys)
	for i, target := range s.Targets {
		if slices.Contains(s.Targets[:i], target) {
			continue
		}
		if err := t.deliver(target, hashes, s, now); err != nil {
			return err
		}
	}
	return nil
}

const selectHeld = "SELECT 1 FROM outbox_key WHERE target = ? AND hash = ? LIMIT 1"

// deliver queues an event for a target.
func (t *tx) deliver(target string, hashes []int64, s dataprovider.Settlement, now int64) error {
	_, err := t.enqueue(target, hashes, s.EventID, s.Event, now)
	return err
}

// enqueue queues an event behind those that hold its keys.
func (t *tx) enqueue(target string, hashes []int64, eventID string, event []byte, now int64) (int64, error) {
	waits := 0
	for _, h := range hashes {
		var held int
		switch err := t.row(selectHeld, []any{target, h}, &held); {
		case err == nil:
			waits++
		case !errors.Is(err, sql.ErrNoRows):
			return 0, err
		}
	}
	state := queued
	if waits > 0 {
		state = blocked
	}
	id, err := t.dialect.insert(t, "INSERT INTO outbox_delivery"+
		" (target, state, due_at, waits, attempts, settled, cause, keys, event_id, event)"+
		" VALUES (?, ?, 0, ?, 0, ?, '', ?, ?, ?)",
		target, state, waits, now, packHashes(hashes), eventID, blob(event))
	if err != nil {
		return 0, err
	}
	for _, h := range hashes {
		const query = "INSERT INTO outbox_key (target, hash, delivery) VALUES (?, ?, ?)"
		if _, err := t.exec(query, target, h, id); err != nil {
			return 0, err
		}
	}
	return id, nil
}

const selectBacklog = "SELECT target, state, count(*), min(id) FROM outbox_delivery" +
	" GROUP BY target, state ORDER BY target, state"

// Backlog implements dataprovider.Outbox.
func (o outbox) Backlog(ctx context.Context) (out []dataprovider.Backlog, err error) {
	if err := o.flush(ctx); err != nil {
		return nil, fmt.Errorf("backlog: %w", err)
	}
	var oldest int64 // lowest id of the target that was last seen
	byTarget := map[string]int64{}
	err = o.reader.rows(ctx, selectBacklog, nil, func(rows *sql.Rows) error {
		var target string
		var state deliveryState
		var n, first int64
		if err := rows.Scan(&target, &state, &n, &first); err != nil {
			return err
		}
		if len(out) == 0 || out[len(out)-1].Target != target {
			out, oldest = append(out, dataprovider.Backlog{Target: target}), 0
		}
		b := &out[len(out)-1]
		if state == dead {
			b.Dead = n
			return nil
		}
		b.Queued += n
		if oldest == 0 || first < oldest {
			oldest = first
			byTarget[target] = first
		}
		return nil
	})
	for i := 0; i < len(out) && err == nil; i++ {
		out[i].Oldest, err = o.settledAt(ctx, byTarget[out[i].Target])
	}
	if err != nil {
		return nil, fmt.Errorf("backlog: %w", err)
	}
	return out, nil
}
