package useraction

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
)

// intent is what the outbox keeps until the change is done. Others who read the
// outbox know by Op that it is not theirs.
type intent struct {
	Op       string                `json:"op"`
	Target   string                `json:"target"`
	Revision dataprovider.Revision `json:"revision"` // of the record before; 0: there was none
	Event    *actions.Event        `json:"event"`
}

// Op is how the intentions of this package are marked in the outbox.
const Op = "user"

// settling bounds the end of a change, which must not be cut short.
const settling = 30 * time.Second

type recorder struct {
	outbox dataprovider.Outbox
	target string
	kinds  map[actions.Kind]bool
}

func (r *recorder) begin(ctx context.Context, e *actions.Event, rev dataprovider.Revision) (int64, error) {
	record, err := json.Marshal(intent{Op: Op, Target: r.target, Revision: rev, Event: e})
	if err != nil {
		return 0, fmt.Errorf("encode intention: %w", err)
	}
	return r.outbox.Begin(ctx, record)
}

func (r *recorder) drop(ctx context.Context, id int64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settling)
	defer cancel()
	_ = r.outbox.Drop(ctx, id) // else the next server finds out that nothing came of it
}

// settle records the event of v as it was stored.
func (r *recorder) settle(ctx context.Context, id int64, e *actions.Event, v dataprovider.User, usage dataprovider.UsageRecord) error {
	if err := fill(e, v, usage); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settling)
	defer cancel()
	err := settle(ctx, r.outbox, id, r.target, e)
	if errors.Is(err, dataprovider.ErrNotFound) {
		// A server that has started meanwhile took this process for one that was killed. It
		// may have looked before the change was made, and told nobody; what is told twice
		// has one id.
		err = settle(ctx, r.outbox, 0, r.target, e)
	}
	if err != nil {
		return fmt.Errorf("the account %q is changed, but its event is not recorded until the next start of the server: %w", e.Session.User, err)
	}
	return nil
}

func settle(ctx context.Context, o dataprovider.Outbox, id int64, target string, e *actions.Event) error {
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	_, err = o.Settle(ctx, id, dataprovider.Settlement{EventID: e.ID, Event: body, Keys: e.Keys(), Targets: []string{target}})
	return err
}

// Recover settles what commands that were killed have left between a change of an
// account and its event. It returns how many there were. It runs before accounts are
// changed through this process.
func Recover(ctx context.Context, s dataprovider.Store) (int, error) {
	type left struct {
		id int64
		intent
	}
	var list []left
	for p, err := range s.Outbox().Pending(ctx) {
		if err != nil {
			return 0, fmt.Errorf("read intentions: %w", err)
		}
		l := left{id: p.ID}
		if err := json.Unmarshal(p.Record, &l.intent); err == nil && l.Op == Op && l.Event != nil {
			list = append(list, l)
		}
	}
	for _, l := range list {
		if err := recoverOne(ctx, s, l.id, l.intent); err != nil {
			return len(list), fmt.Errorf("settle intention %d: %w", l.id, err)
		}
	}
	return len(list), nil
}

// recoverOne looks whether the change has happened.
func recoverOne(ctx context.Context, s dataprovider.Store, id int64, in intent) error {
	v, rev, err := s.Users().Get(ctx, in.Event.Session.User)
	if err != nil && !errors.Is(err, dataprovider.ErrNotFound) {
		return err
	}
	there := err == nil
	asBefore := there && rev == in.Revision || !there && in.Revision == 0
	if asBefore || !there && in.Event.Kind != actions.UserDeleted { // not done, or undone since
		return s.Outbox().Drop(ctx, id)
	}
	if in.Event.Kind != actions.UserDeleted {
		usage, err := s.Usage().Get(ctx, v.Username)
		if err != nil {
			return err
		}
		if err := fill(in.Event, v, usage); err != nil {
			return err
		}
	}
	err = settle(ctx, s.Outbox(), id, in.Target, in.Event)
	if errors.Is(err, dataprovider.ErrNotFound) {
		return nil // the command lives, and has told of it
	}
	return err
}
