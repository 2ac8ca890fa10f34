package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"sftpgo/dataprovider"
)

const (
	// beat is how often a node shows that it lives, and looks for those that do not.
	beat = 2 * time.Second
	// silence is how long nothing was heard of a node, whose lock is free as well,
	// until it counts as gone. A restart of the database, which ends all locks, must
	// be over by then.
	silence = 10 * time.Second
)

// node is this process among those that share a database. It holds a lock for as
// long as it is connected, so that a process that only is slow never counts as
// gone, and one that was killed does as soon as it is silent.
//
// An id is never given twice. A node that was taken for gone, because the network
// was cut, goes on under a new one.
type node struct {
	store *Store
	locks lockSpace
	db    *sql.DB // for one connection

	id     atomic.Int64
	begun  atomic.Int64 // highest intention
	fenced atomic.Int64 // up to this one, intentions were begun under an id that was taken for gone
	skew   atomic.Int64 // microseconds that the clock of the database is ahead

	mu       sync.Mutex
	doubtful []int64 // see doubt

	quit    chan struct{}
	stopped chan struct{}
	orphans chan struct{} // intentions without a node were seen

	conn *sql.Conn // has the lock; only for the goroutine of run, and before it starts
}

// errFenced: the process must get a new id first.
var errFenced = fmt.Errorf("%w: the other servers took this one for gone", dataprovider.ErrUnavailable)

// joinNodes makes the process a node, and settles with those that have gone.
func joinNodes(ctx context.Context, s *Store, db *sql.DB, locks lockSpace) (*node, error) {
	n := &node{
		store: s, locks: locks, db: db,
		quit: make(chan struct{}), stopped: make(chan struct{}), orphans: make(chan struct{}, 1),
	}
	if err := n.beat(ctx); err != nil {
		n.disconnect()
		return nil, err
	}
	go n.run()
	return n, nil
}

// self is the id of this process; 0 where there are no nodes.
func (n *node) self() int64 {
	if n == nil {
		return 0
	}
	return n.id.Load()
}

// took notes an intention of this process.
func (n *node) took(intention int64) {
	if n == nil {
		return
	}
	for {
		was := n.begun.Load()
		if was >= intention || n.begun.CompareAndSwap(was, intention) {
			return
		}
	}
}

// doubt notes an intention that its caller takes for one that was not begun: of the
// commit only the answer may have been lost. It must not stay, or the end of this
// process would be taken for the interruption of what happened long since.
func (n *node) doubt(intention int64) {
	if n == nil || intention == 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.doubtful = append(n.doubtful, intention)
}

// clear takes out what is doubtful.
func (n *node) clear(ctx context.Context) error {
	n.mu.Lock()
	ids := n.doubtful
	n.doubtful = nil
	n.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	err := n.store.write(ctx, func(t *tx) error {
		for _, id := range ids {
			if _, err := t.exec("DELETE FROM outbox_pending WHERE id = ?", id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.doubtful = append(n.doubtful, ids...)
	}
	return err
}

// lost reports whether an intention was taken over from this process.
func (n *node) lost(intention int64) bool { return n != nil && intention <= n.fenced.Load() }

func (n *node) run() {
	defer close(n.stopped)
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		select {
		case <-n.quit:
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(context.Background(), defaultTimeout)
		if err := n.beat(ctx); err != nil {
			n.disconnect() // the next beat connects
		}
		cancel()
	}
}

// beat shows that the process lives, and buries those that do not.
func (n *node) beat(ctx context.Context) error {
	if err := n.connect(ctx); err != nil {
		return err
	}
	const show = "UPDATE node SET seen = " + databaseTime + " WHERE id = $1 RETURNING seen"
	var seen int64
	before := time.Now()
	err := n.conn.QueryRowContext(ctx, show, n.id.Load()).Scan(&seen)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		err = n.register(ctx)
	case err == nil:
		middle := before.Add(time.Since(before) / 2)
		n.skew.Store(seen - middle.UnixMicro())
	}
	if err != nil {
		return err
	}
	if err := n.clear(ctx); err != nil {
		return err
	}
	return n.buryGone(ctx)
}

// databaseTime is the clock that all share.
const databaseTime = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

// connect makes sure that there is a connection, and that it has the lock.
func (n *node) connect(ctx context.Context) error {
	if n.conn != nil {
		return nil
	}
	conn, err := n.db.Conn(ctx)
	if err != nil {
		return err
	}
	n.conn = conn
	if n.id.Load() == 0 {
		return nil // register takes the lock
	}
	return n.lock(ctx, n.id.Load())
}

// lock takes the lock of an id. The server may need a moment to notice that an
// earlier connection has gone.
func (n *node) lock(ctx context.Context, id int64) error {
	_, err := n.conn.ExecContext(ctx, "SELECT pg_advisory_lock("+n.locks.key(int32(id))+")")
	return err
}

func (n *node) disconnect() {
	if n.conn == nil {
		return
	}
	_ = n.conn.Close() // its lock goes with it
	n.conn = nil
}

// register gives the process a new id. What it has begun, and nobody has taken over,
// stays its own.
func (n *node) register(ctx context.Context) error {
	var id int64
	err := n.store.write(ctx, func(t *tx) (err error) {
		id, err = t.next("node")
		return err
	})
	if err != nil {
		return err
	}
	if err := n.lock(ctx, id); err != nil { // before anybody sees the id
		return err
	}
	err = n.store.write(ctx, func(t *tx) error {
		if _, err := t.exec("INSERT INTO node (id, seen) VALUES (?, "+databaseTime+")", id); err != nil {
			return err
		}
		_, err := t.exec("UPDATE outbox_pending SET node = ? WHERE node = ? AND node <> 0", id, n.id.Load())
		return err
	})
	if err != nil {
		return err
	}
	n.fenced.Store(n.begun.Load())
	n.id.Store(id)
	return nil
}

// gone is the condition for a node that is silent and has no lock. After a start of
// the database all have the time to connect again.
func (n *node) gone() string {
	return fmt.Sprintf("%s AND seen < %s - %d AND pg_postmaster_start_time() < clock_timestamp() - interval '%d microseconds'",
		n.unlocked(), databaseTime, silence.Microseconds(), silence.Microseconds())
}

// unlocked is the condition for a node without a lock.
func (n *node) unlocked() string {
	return fmt.Sprintf("NOT EXISTS (SELECT 1 FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2"+
		" AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"+
		" AND l.classid::bigint = %d AND l.objid::bigint = node.id)", uint32(n.locks))
}

// buryGone ends the leases of those that have gone, and tells of their intentions.
func (n *node) buryGone(ctx context.Context) error {
	for {
		var id int64
		query := "SELECT id FROM node WHERE id <> $1 AND " + n.gone() + " LIMIT 1"
		err := n.conn.QueryRowContext(ctx, query, n.id.Load()).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			break
		}
		if err == nil {
			err = n.store.write(ctx, func(t *tx) error { return t.leaveNodes(id, n.gone()) })
		}
		if err != nil {
			return err
		}
	}
	var some bool
	const orphaned = "SELECT EXISTS (SELECT 1 FROM outbox_pending WHERE " + orphan + ")"
	if err := n.conn.QueryRowContext(ctx, orphaned).Scan(&some); err != nil {
		return err
	}
	if some {
		select {
		case n.orphans <- struct{}{}:
		default: // somebody is about to look
		}
	}
	return nil
}

// orphan is an intention of which no node takes care.
const orphan = "NOT EXISTS (SELECT 1 FROM node WHERE node.id = abs(outbox_pending.node))"

// leaveNodes takes a node out, on a condition. Its leases end.
func (t *tx) leaveNodes(id int64, condition string) error {
	left, err := t.changed("DELETE FROM node WHERE id = ? AND "+condition, id)
	if !left || err != nil {
		return err
	}
	_, err = t.exec("UPDATE outbox_delivery SET due_at = 0 WHERE state = 1 AND node = ?", id)
	return err
}

// mustBelong returns errFenced when the others took this process for gone.
func (t *tx) mustBelong(id int64) error {
	if id == 0 {
		return nil
	}
	var one int
	err := t.row("SELECT 1 FROM node WHERE id = ?", []any{id}, &one)
	if errors.Is(err, sql.ErrNoRows) {
		return errFenced
	}
	return err
}

// waitForGone waits, at the start, for nodes that have left intentions and are about
// to count as gone: what they did comes before what this process will do.
func (n *node) waitForGone(ctx context.Context) error {
	const waits = "SELECT EXISTS (SELECT 1 FROM node WHERE id <> ? AND %s" +
		" AND EXISTS (SELECT 1 FROM outbox_pending WHERE abs(outbox_pending.node) = node.id))"
	limit := time.NewTimer(2 * silence)
	defer limit.Stop()
	for {
		var some bool
		err := n.store.reader.row(ctx, fmt.Sprintf(waits, n.unlocked()), []any{n.self()}, &some)
		if err != nil || !some {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-limit.C: // they come and go
			return nil
		case <-time.After(beat / 4):
		}
	}
}

// leave hands over what the process had. If the database cannot be reached, the
// others notice.
func (n *node) leave() {
	if n == nil {
		return
	}
	close(n.quit)
	<-n.stopped
	ctx, cancel := context.WithTimeout(context.Background(), defaultTimeout)
	defer cancel()
	_ = n.clear(ctx) // else the others tell of it as interrupted
	_ = n.store.write(ctx, func(t *tx) error { return t.leaveNodes(n.id.Load(), "TRUE") })
	n.disconnect()
	_ = n.db.Close() // of a connection that is not needed any more
}
