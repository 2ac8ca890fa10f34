package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"sftpgo/dataprovider"
)

// maxDue bounds how many deliveries that came due again a claim looks at. Only
// when more than this came due since the last claim, they are taken in order of
// that, not of age.
const maxDue = 256

// Claim implements dataprovider.Outbox.
func (o outbox) Claim(ctx context.Context, target string, n int, ttl time.Duration) (out []dataprovider.Delivery, err error) {
	if n <= 0 {
		return nil, nil
	}
	if ctx.Err() == nil && o.served(ctx, target) {
		if out, ok := o.ahead.claim(target, n, o.now(), ttl); ok {
			return out, nil
		}
	}
	return o.claimStored(ctx, target, n, ttl)
}

// claimStored claims from the database.
func (o outbox) claimStored(ctx context.Context, target string, n int, ttl time.Duration) (out []dataprovider.Delivery, err error) {
	var caughtUp func()
	err = o.ask(ctx, &request{upto: allLogged, then: func() { caughtUp() }, run: func(t *tx) error {
		caughtUp, out = func() {}, nil
		now, self := o.now(), o.node.self()
		if err := t.mustBelong(self); err != nil {
			return err
		}
		ids, err := t.due(target, n, now.UnixMicro())
		if err != nil {
			return err
		}
		for _, id := range ids {
			d, err := t.lease(id, self, now.Add(ttl).UnixMicro())
			if err != nil {
				return err
			}
			d.Target = target
			out = append(out, d)
		}
		if o.ahead != nil && len(out) < n {
			caughtUp, err = t.caughtUp(target, now.UnixMicro())
		}
		return err
	}})
	if err != nil {
		return nil, fmt.Errorf("claim for %q: %w", target, err)
	}
	return out, nil
}

// What may be claimed, straight from the queue index; deliveries that were never
// claimed have due_at 0, so that they come in order of id. The states and the
// number of rows are no parameters: SQLite makes a new plan each time when a small
// number is another one than before, and is read only as far as needed.
const (
	selectQueued  = "SELECT id FROM outbox_delivery WHERE target = ? AND state = 0" + whenDue
	selectLeased  = "SELECT id FROM outbox_delivery WHERE target = ? AND state = 1" + whenDue
	selectResting = "SELECT id FROM outbox_delivery WHERE target = ? AND state = 2" + whenDue

	whenDue = " AND due_at <= ? ORDER BY due_at, id"
)

// errEnough ends the reading of rows.
var errEnough = errors.New("enough rows")

// due returns the oldest deliveries that may be claimed.
func (t *tx) due(target string, n int, now int64) (ids []int64, err error) {
	limits := map[string]int{selectQueued: n, selectLeased: max(n, maxDue), selectResting: max(n, maxDue)}
	for query, limit := range limits {
		err := t.rows(query+t.dialect.atMost(limit), []any{target, now}, func(rows *sql.Rows) error {
			if limit == 0 {
				return errEnough
			}
			limit--
			var id int64
			err := rows.Scan(&id)
			ids = append(ids, id)
			return err
		})
		if err != nil && !errors.Is(err, errEnough) {
			return nil, err
		}
	}
	slices.Sort(ids)
	return ids[:min(n, len(ids))], nil
}

const selectAlive = "SELECT id, state, due_at, keys FROM outbox_delivery WHERE target = ? AND state IN (0, 1, 2, 3)"

// mostTaken bounds how much the database may have handed out when a target is to be
// served from the log.
const mostTaken = 256

// takenOf returns what the database has handed out for a target, by id; not ok, if it
// has anything else that is alive.
func takenOf(rows func(query string, args []any, scan func(*sql.Rows) error) error, target string, now int64) (list []*entry, ok bool, err error) {
	err = rows(selectAlive, []any{target}, func(rows *sql.Rows) error {
		e := &entry{state: entryTaken}
		var state deliveryState
		var keys []byte
		if err := rows.Scan(&e.id, &state, &e.expires, &keys); err != nil {
			return err
		}
		hashes := unpackHashes(keys)
		if state != leased || e.expires <= now || len(hashes) > maxKeys || len(list) == mostTaken {
			return errEnough
		}
		e.keys = copy(e.hashes[:], hashes)
		list = append(list, e)
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil, false, nil
	}
	slices.SortFunc(list, func(a, b *entry) int { return cmp.Compare(a.id, b.id) })
	return list, err == nil, err
}

// caughtUp looks whether the database has nothing more for a target than what it
// handed out. Then what it returns, which is for after the commit, has it served from
// the log.
func (t *tx) caughtUp(target string, now int64) (then func(), err error) {
	epoch := t.ahead.changes()
	list, ok, err := takenOf(t.rows, target, now)
	if !ok || err != nil {
		return func() {}, err
	}
	return func() { t.ahead.enter(target, list, epoch) }, nil
}

// served reports whether a target may be served from the log. Now and then it looks
// for what other processes have put into the database.
func (o outbox) served(ctx context.Context, target string) bool {
	if !o.ahead.look(target) {
		return true
	}
	rows := func(query string, args []any, scan func(*sql.Rows) error) error {
		return o.reader.rows(ctx, query, args, scan)
	}
	list, ok, err := takenOf(rows, target, o.now().UnixMicro())
	if ok = ok && err == nil && o.ahead.knows(target, list); !ok {
		o.ahead.yield(toTarget(target))
	}
	return ok
}

func (t *tx) lease(id, node, until int64) (d dataprovider.Delivery, err error) {
	const query = "UPDATE outbox_delivery SET state = ?, due_at = ?, node = ?, attempts = attempts + 1 WHERE id = ?" +
		" RETURNING id, event_id, event, attempts, settled"
	var settled int64
	err = t.row(query, []any{leased, until, node, id}, &d.ID, &d.EventID, &d.Event, &d.Attempt, &settled)
	d.Settled = time.UnixMicro(settled)
	return d, err
}
