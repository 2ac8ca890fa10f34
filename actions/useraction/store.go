// Package useraction records changes of accounts as events: add, update and delete
// of the action contract. It is a store around a store, for those who manage
// accounts; what the server itself notes about them (a login, a hash that is made
// anew, the usage) does not go through it, and nobody is told.
package useraction

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"

	"sftpgo/actions"
	"sftpgo/dataprovider"
)

// Record returns a store whose changes of accounts are recorded for target, if they
// are of one of the kinds: the event is in the outbox, and the server that delivers
// need not run. Closing it closes the inner store.
func Record(inner dataprovider.Store, target string, kinds []actions.Kind) dataprovider.Store {
	if len(kinds) == 0 {
		return inner
	}
	r := &recorder{outbox: inner.Outbox(), target: target, kinds: map[actions.Kind]bool{}}
	for _, k := range kinds {
		r.kinds[k] = true
	}
	return &store{Store: inner, r: r}
}

// store records what is done to Users.
type store struct {
	dataprovider.Store
	r *recorder
}

// Users implements dataprovider.Store.
func (s *store) Users() dataprovider.Collection[dataprovider.User] {
	return &users{Collection: s.Store.Users(), usage: s.Store.Usage(), r: s.r}
}

type users struct {
	dataprovider.Collection[dataprovider.User]
	usage dataprovider.Usage
	r     *recorder
}

// Put implements dataprovider.Collection.
func (u *users) Put(ctx context.Context, v dataprovider.User, rev dataprovider.Revision) (dataprovider.Revision, error) {
	kind := actions.UserUpdated
	if rev == 0 {
		kind = actions.UserAdded
	}
	if !u.r.kinds[kind] {
		return u.Collection.Put(ctx, v, rev)
	}
	if _, _, err := u.Collection.Get(ctx, v.Username); rev == 0 && !errors.Is(err, dataprovider.ErrNotFound) {
		return u.Collection.Put(ctx, v, rev) // says what is wrong
	}
	e, err := event(kind, v, dataprovider.UsageRecord{})
	if err != nil {
		return 0, err
	}
	id, err := u.r.begin(ctx, e, rev)
	if err != nil {
		return 0, err
	}
	now, err := u.Collection.Put(ctx, v, rev)
	if err != nil {
		u.r.drop(ctx, id)
		return 0, err
	}
	// What the store has added, of this very state.
	if stored, _, gerr := u.Collection.Get(ctx, v.Username); gerr == nil {
		v.ID = stored.ID
	}
	return now, u.r.settle(ctx, id, e, v, u.counted(ctx, v.Username))
}

// Delete implements dataprovider.Collection.
func (u *users) Delete(ctx context.Context, name string) error {
	if !u.r.kinds[actions.UserDeleted] {
		return u.Collection.Delete(ctx, name)
	}
	v, rev, err := u.Collection.Get(ctx, name)
	if err != nil {
		return err
	}
	usage := u.counted(ctx, name)
	e, err := event(actions.UserDeleted, v, usage)
	if err != nil {
		return err
	}
	id, err := u.r.begin(ctx, e, rev)
	if err != nil {
		return err
	}
	if err := u.Collection.Delete(ctx, name); err != nil {
		u.r.drop(ctx, id)
		return err
	}
	return u.r.settle(ctx, id, e, v, usage)
}

// counted is the usage that the event shows; that it cannot be read is no reason to
// fail.
func (u *users) counted(ctx context.Context, name string) dataprovider.UsageRecord {
	usage, _ := u.usage.Get(ctx, name)
	return usage
}

// event tells of v as it is shown to others.
func event(kind actions.Kind, v dataprovider.User, usage dataprovider.UsageRecord) (*actions.Event, error) {
	e := &actions.Event{
		ID: ulid.Make().String(), Kind: kind, Time: time.Now().UTC(),
		Session: actions.Session{User: v.Username},
		Object:  actions.Object{Name: v.Username},
		Result:  actions.Result{Status: actions.StatusOK},
	}
	return e, fill(e, v, usage)
}

func fill(e *actions.Event, v dataprovider.User, usage dataprovider.UsageRecord) error {
	record, err := json.Marshal(v.Redacted().WithUsage(usage))
	if err != nil {
		return fmt.Errorf("encode user %q: %w", v.Username, err)
	}
	e.Account = &actions.Account{
		ID: v.ID, Status: v.Status, Expiration: v.ExpirationDate, Home: v.HomeDir, UID: v.UID, GID: v.GID, Record: record,
	}
	return nil
}
