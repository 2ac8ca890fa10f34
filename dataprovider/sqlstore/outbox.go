package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math"
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
	err = o.writeBeside(ctx, func(t *tx) error {
		switch self := o.node.self(); {
		case self != 0:
			const query = "INSERT INTO outbox_pending (record, node) SELECT ?, id FROM node WHERE id = ?"
			id, err = t.dialect.insert(t, query, blob(record), self)
			if errors.Is(err, sql.ErrNoRows) {
				return errFenced
			}
		case o.ahead != nil:
			id = o.ahead.takeID()
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
		if id, ok := o.ahead.log(&logged{kind: loggedBegin, record: record}); ok {
			return id, nil
		}
	}
	return o.Begin(ctx, record)
}

// flush brings into the database what was logged ahead of it, for those who read.
func (s *Store) flush(ctx context.Context) error {
	if s.ahead.waiting() == 0 {
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
		if _, ok := o.ahead.log(&logged{kind: loggedDrop, id: id}); ok {
			return nil
		}
	}
	upto, undo := o.ahead.end(id)
	err := o.writeAfter(ctx, upto, func(t *tx) error {
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
		op := logged{kind: loggedEvent, id: id, event: settled{
			at: o.now().UnixMicro(), eventID: s.EventID, event: s.Event, hashes: hashKeys(s.Keys), targets: unique(s.Targets), amended: s.Amended,
		}}
		if _, ok := o.ahead.log(&op); ok {
			return dataprovider.Amount{}, nil
		}
	}
	upto, undo := o.ahead.end(id)
	if len(s.Amended) > 0 { // which may have been announced
		upto = o.ahead.waiting()
	}
	err = o.writeAfter(ctx, upto, func(t *tx) error {
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

// amend changes what an intention says, if it is still there.
func (t *tx) amend(p dataprovider.Pending) error {
	_, err := t.exec("UPDATE outbox_pending SET record = ? WHERE id = ?", blob(p.Record), p.ID)
	return err
}

// deliverAll queues an event for each of its targets.
func (t *tx) deliverAll(s dataprovider.Settlement, now int64) error {
	hashes := hashKeys(s.Keys)
	for _, target := range unique(s.Targets) {
		t.ahead.yield(toTarget(target))
		n := newDelivery{id: t.ahead.deliveryID(), target: target, hashes: hashes, eventID: s.EventID, event: s.Event, settled: now}
		if _, err := t.enqueue(n); err != nil {
			return err
		}
	}
	return nil
}

// newDelivery is an event for a target.
type newDelivery struct {
	id      int64 // 0: the database gives one
	target  string
	hashes  []int64
	eventID string
	event   []byte
	settled int64 // Unix microseconds
	leased  bool  // it was handed out already
	expires int64 // when the lease ends
}

const selectHeld = "SELECT delivery FROM outbox_key WHERE target = ? AND hash = ? ORDER BY delivery LIMIT 1"

// enqueue queues an event behind those that hold its keys, and in front of those
// with a higher id: other processes give ids, too.
func (t *tx) enqueue(n newDelivery) (int64, error) {
	waits := 0
	for _, h := range n.hashes {
		var first int64
		switch err := t.row(selectHeld, []any{n.target, h}, &first); {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return 0, err
		case n.id != 0 && first > n.id:
			if err := t.holdBack(first); err != nil {
				return 0, err
			}
		default:
			waits++
		}
	}
	id, err := t.insertDelivery(n, waits)
	if err != nil {
		return 0, err
	}
	for _, h := range n.hashes {
		const query = "INSERT INTO outbox_key (target, hash, delivery) VALUES (?, ?, ?)"
		if _, err := t.exec(query, n.target, h, id); err != nil {
			return 0, err
		}
	}
	return id, nil
}

// holdBack makes a delivery wait for one key more. One that was handed out already
// is not called back.
func (t *tx) holdBack(id int64) error {
	_, err := t.exec("UPDATE outbox_delivery SET waits = waits + 1, state = CASE WHEN state = ? THEN ? ELSE state END WHERE id = ?",
		queued, blocked, id)
	return err
}

func (t *tx) insertDelivery(n newDelivery, waits int) (int64, error) {
	state, attempts := queued, 0
	switch {
	case n.leased:
		state, attempts = leased, 1
	case waits > 0:
		state = blocked
	}
	const columns = " (target, state, due_at, waits, attempts, settled, cause, keys, event_id, event"
	if n.id == 0 {
		return t.dialect.insert(t, "INSERT INTO outbox_delivery"+columns+") VALUES (?, ?, ?, ?, ?, ?, '', ?, ?, ?)",
			n.target, state, n.expires, waits, attempts, n.settled, packHashes(n.hashes), n.eventID, blob(n.event))
	}
	_, err := t.exec("INSERT INTO outbox_delivery"+columns+", id) VALUES (?, ?, ?, ?, ?, ?, '', ?, ?, ?, ?)",
		n.target, state, n.expires, waits, attempts, n.settled, packHashes(n.hashes), n.eventID, blob(n.event), n.id)
	return n.id, err
}

const selectBacklog = "SELECT target, state, count(*), min(id) FROM outbox_delivery" +
	" GROUP BY target, state ORDER BY target, state"

// Backlog implements dataprovider.Outbox.
func (o outbox) Backlog(ctx context.Context) ([]dataprovider.Backlog, error) {
	out, err := o.backlog(ctx)
	if err != nil {
		return nil, fmt.Errorf("backlog: %w", err)
	}
	return out, nil
}

// backlog adds what the database has and what waits for it. While that is on its way,
// it waits until all is there.
func (o outbox) backlog(ctx context.Context) ([]dataprovider.Backlog, error) {
	still := o.ahead.still()
	stored, err := o.storedBacklog(ctx)
	if err != nil {
		return nil, err
	}
	if out, ok := o.ahead.backlog(stored, still); ok {
		return sums(out), nil
	}
	if err := o.flush(ctx); err != nil {
		return nil, err
	}
	stored, err = o.storedBacklog(ctx)
	return sums(stored), err
}

// waitingFor is the backlog of one target.
type waitingFor struct {
	dataprovider.Backlog
	first int64 // id of the oldest; 0: there is none
}

func sums(list []waitingFor) (out []dataprovider.Backlog) {
	for _, w := range list {
		out = append(out, w.Backlog)
	}
	return out
}

// storedBacklog is what the database has, by target.
func (o outbox) storedBacklog(ctx context.Context) (out []waitingFor, err error) {
	err = o.reader.rows(ctx, selectBacklog, nil, func(rows *sql.Rows) error {
		var target string
		var state deliveryState
		var n, first int64
		if err := rows.Scan(&target, &state, &n, &first); err != nil {
			return err
		}
		if len(out) == 0 || out[len(out)-1].Target != target {
			out = append(out, waitingFor{Backlog: dataprovider.Backlog{Target: target}})
		}
		b := &out[len(out)-1]
		if state == dead {
			b.Dead = n
			return nil
		}
		b.Queued += n
		if b.first == 0 || first < b.first {
			b.first = first
		}
		return nil
	})
	for i := 0; i < len(out) && err == nil; i++ {
		if out[i].first != 0 {
			out[i].Oldest, err = o.settledAt(ctx, out[i].first)
		}
	}
	return out, err
}
