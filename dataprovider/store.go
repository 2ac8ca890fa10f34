// Package dataprovider holds the records of the server: users, the usage of
// their quota, the events that wait for delivery, locks and properties. It says
// what a store is; the stores themselves are in its sub-packages.
package dataprovider

import (
	"context"
	"errors"
	"iter"
	"time"
)

// The sentinels that stores wrap.
var (
	// ErrNotFound: there is no such record.
	ErrNotFound = errors.New("not found")
	// ErrExists: a record of that name is already there.
	ErrExists = errors.New("already exists")
	// ErrConflict: the record was changed since it was read.
	ErrConflict = errors.New("changed by someone else")
	// ErrInvalid: the record does not pass validation; the text says why.
	ErrInvalid = errors.New("validation error")
	// ErrTakenOver: another process, which took this one for gone, has ended the
	// intention.
	ErrTakenOver = errors.New("taken over by another server")
	// ErrUnavailable: the store cannot be reached or written at the moment.
	ErrUnavailable = errors.New("data store unavailable")
)

// Revision grows with each change of a record. 0 stands for "not stored yet". A
// record that was deleted and added again never has a revision of the old one.
type Revision int64

// Collection holds the records of one type, by name. It is safe for concurrent
// use.
type Collection[T any] interface {
	// Get returns the record and its revision, or ErrNotFound.
	Get(ctx context.Context, name string) (T, Revision, error)
	// List yields the records in name order, starting after the name given.
	List(ctx context.Context, after string) iter.Seq2[T, error]
	// Put stores v if its revision is still rev, and returns the new one.
	// Revision 0 adds: ErrExists if the name is taken. Another revision that is
	// out of date is ErrConflict, a record that has gone ErrNotFound, a name that
	// is empty, not UTF-8 or contains NUL ErrInvalid. The store numbers records
	// itself: an id never changes and is never given again.
	Put(ctx context.Context, v T, rev Revision) (Revision, error)
	// Delete removes the record, or returns ErrNotFound.
	Delete(ctx context.Context, name string) error
}

// Store is one data provider. It is safe for concurrent use.
type Store interface {
	Users() Collection[User]
	Usage() Usage
	Outbox() Outbox
	Locks() Locks
	Properties() Properties
	Uploads() Uploads

	// Ping tells whether the store can be used right now.
	Ping(ctx context.Context) error
	Close() error
}

// Peers is what a Store has that several server processes share.
type Peers interface {
	// Orphans receives when intentions are there whose process has gone: it is time
	// for Outbox.Pending. It is nil where there is one process.
	Orphans() <-chan struct{}
}

// Amount is a number of files and of bytes, or a change of both.
type Amount struct {
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes"`
}

// Add returns the sum.
func (a Amount) Add(b Amount) Amount { return Amount{a.Files + b.Files, a.Bytes + b.Bytes} }

// IsZero reports whether nothing would change.
func (a Amount) IsZero() bool { return a == Amount{} }

// UsageRecord is what the server counts for one owner. Nothing here changes the
// revision of the user.
type UsageRecord struct {
	Amount
	LastUpdate time.Time // of the amount; zero if never
	LastLogin  time.Time // zero if never
}

// Usage counts what users store: added to, never read, modified and written.
// An owner who was never counted has the zero record. Counters never go below
// zero. Deleting a user removes the record of that name, and so does adding one: a
// new user inherits nothing. A delta of zero changes nothing, not even LastUpdate.
type Usage interface {
	Get(ctx context.Context, owner string) (UsageRecord, error)
	Add(ctx context.Context, owner string, delta Amount) (Amount, error)
	Set(ctx context.Context, owner string, total Amount) error // after a scan
	// Login notes the time of a login.
	Login(ctx context.Context, owner string, at time.Time) error
}

// Outbox keeps events until every target has acknowledged them.
//
// An operation that changes the storage calls Begin before, Settle after: a
// crash in between leaves a pending record, and whoever starts next looks at
// the storage, and settles or drops it. An event that changes nothing (a
// download) is settled without Begin. What callers hand over stays theirs: a store
// copies the bytes it keeps.
type Outbox interface {
	// Begin stores an intention. The bytes mean something only to the caller.
	Begin(ctx context.Context, record []byte) (id int64, err error)
	// Announce is Begin for an intention that in all likelihood changes nobody's
	// usage and no properties, for which a store may have a quicker way.
	Announce(ctx context.Context, record []byte) (id int64, err error)
	// Pending yields the intentions that were neither settled nor dropped, oldest
	// first. Of a store with several processes it takes over, and yields, those whose
	// process has gone.
	Pending(ctx context.Context) iter.Seq2[Pending, error]
	// Settle ends an intention (0: there was none), records a delivery for each
	// target and adds the delta to the owner's usage, in one transaction. It
	// returns the owner's new usage (the zero Amount when Owner is empty). An id
	// that is not pending any more is ErrNotFound, or ErrTakenOver, and nothing is recorded.
	Settle(ctx context.Context, id int64, s Settlement) (Amount, error)
	// Drop forgets an intention whose operation did not happen. An unknown id is
	// no error.
	Drop(ctx context.Context, id int64) error

	// Claim leases up to n deliveries of one target that are due, oldest first,
	// for ttl. A delivery is held back while an earlier one of the same target
	// shares a key with it, so that receivers see the events of a file in order.
	// A lease that runs out makes the delivery due again.
	Claim(ctx context.Context, target string, n int, ttl time.Duration) ([]Delivery, error)
	// Done removes acknowledged deliveries, claimed or not, alive or dead. An
	// unknown id is no error.
	Done(ctx context.Context, ids ...int64) error
	// Acknowledge is Done, and keeps the deliveries as history until Sweep. An
	// unknown id is no error.
	Acknowledge(ctx context.Context, acks ...Acknowledgement) error
	// Retry gives a claimed delivery back, to be claimed again not before at. One
	// that is gone, dead or was never claimed is ErrNotFound.
	Retry(ctx context.Context, id int64, at time.Time, t Try) error
	// Release ends the leases of one target that are of this process, or of none that
	// is there, so that what a killed process had claimed is due at once. It is
	// called before the first Claim.
	Release(ctx context.Context, target string) error
	// StepAside is Retry out of line: later deliveries that share a key no longer
	// wait for this one. It is for a receiver that has got the event and refuses
	// it, so that one refusal does not hold up what follows.
	StepAside(ctx context.Context, id int64, at time.Time, t Try) error
	// Bury makes a delivery a dead letter: kept, never claimed, in nobody's way.
	// One that is gone or dead is ErrNotFound.
	Bury(ctx context.Context, id int64, t Try) error
	// Backlog tells how much waits.
	Backlog(ctx context.Context) ([]Backlog, error)

	// Queue yields all deliveries, the dead ones included, in settle order, starting
	// after the id given.
	Queue(ctx context.Context, after int64) iter.Seq2[QueuedDelivery, error]
	// Revive makes a delivery due at once: one that was given back, at its place in
	// the order; a dead letter, out of line and as if it had never been tried. For
	// one that is due anyway it does nothing. One that is claimed or waits for an
	// earlier one is ErrConflict, one that is gone ErrNotFound.
	Revive(ctx context.Context, id int64) error

	// Delivery returns one delivery, waiting, dead or delivered, or ErrNotFound.
	Delivery(ctx context.Context, id int64) (QueuedDelivery, error)
	// Delivered yields what was acknowledged at or after since and is still kept, in
	// that order.
	Delivered(ctx context.Context, since time.Time) iter.Seq2[QueuedDelivery, error]
	// Replay has a delivered event delivered once more: under a new id of the
	// delivery, which is returned, with the same event and event id, behind what
	// waits for its keys. ErrNotFound means that it is not kept.
	Replay(ctx context.Context, id int64) (int64, error)
	// Sweep forgets what was acknowledged before a time, and of the rest all but
	// the latest keep. It returns how many it forgot.
	Sweep(ctx context.Context, before time.Time, keep int) (int64, error)
}

// Pending is an intention found after a crash.
type Pending struct {
	ID     int64
	Record []byte
}

// Settlement is the end of an operation.
type Settlement struct {
	EventID string   // stable identity of the event
	Event   []byte   // encoded event
	Keys    []string // what must stay in order, at most two
	Targets []string // who is to be told; none: only usage is counted
	Owner   string   // whose usage changes; empty: nobody's
	Delta   Amount
	Amended []Pending // other intentions that read differently from now on; unknown ids are no error

	Properties []PropertyMove // what the change does to dead properties
}

// Delivery is one event on its way to one target.
type Delivery struct {
	ID      int64 // of the delivery, not of the event; grows in settle order
	EventID string
	Event   []byte
	Target  string
	Attempt int       // 1 for the first
	Settled time.Time // when it was recorded
}

// QueuedDelivery is a delivery as those see it who look into the outbox.
type QueuedDelivery struct {
	Delivery // Attempt is the number of those that began
	State    DeliveryState
	Due      time.Time // end of the lease, next attempt, or when it died or was delivered; else zero
	Cause    string    // of the last failure
	Tries    []Try     // that have ended, see AppendTry
}

// DeliveryState says what a delivery waits for.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryReady   DeliveryState = "ready"   // to be claimed
	DeliveryClaimed DeliveryState = "claimed" // on its way, or its lease will end
	DeliveryResting DeliveryState = "resting" // failed, to be tried again
	DeliveryBlocked DeliveryState = "blocked" // an earlier event of the file is not done
	DeliveryDead    DeliveryState = "dead"
	// DeliveryDone is kept as history: see Outbox.Delivered.
	DeliveryDone DeliveryState = "delivered"
)

// Backlog is what waits for one target.
type Backlog struct {
	Target string
	Queued int64
	Dead   int64
	Oldest time.Time // of the queued ones; zero if there are none
}
