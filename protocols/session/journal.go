package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
)

// intent is what Begin stores: enough to find out, after a crash, whether the
// change happened, and to tell of it as if nothing had been.
type intent struct {
	Op     intentOp            `json:"op"`
	Name   string              `json:"name"`
	Target string              `json:"target,omitempty"`
	FileID string              `json:"file_id,omitempty"` // of the object that was to be published, removed or renamed
	Before dataprovider.Amount `json:"before"`            // what was counted for the name
	Delta  dataprovider.Amount `json:"delta"`             // of usage, when the change happened as planned
	Count  bool                `json:"count"`             // usage is kept for this user
	Event  actions.Event       `json:"event"`
}

type intentOp string

const (
	intentWrite   intentOp = "write"   // in place: the file may have any content
	intentPublish intentOp = "publish" // staged: it is there under its id, or it is not
	intentRemove  intentOp = "remove"
	intentRename  intentOp = "rename"
)

// journal records intentions and outcomes in the store.
type journal struct {
	outbox dataprovider.Outbox
	hooks  actions.Dispatcher

	mu        sync.Mutex
	unsettled []unsettled // outcomes the store would not take; see retry
}

type unsettled struct {
	id int64
	s  dataprovider.Settlement
}

// wanted reports whether a change needs the journal: somebody is told of it, or
// usage is counted.
func (j *journal) wanted(kind actions.Kind, count bool) bool {
	return count || j.hooks.Wants(kind)
}

func (j *journal) begin(ctx context.Context, in intent) (int64, error) {
	record, err := json.Marshal(in)
	if err != nil {
		return 0, fmt.Errorf("encode intention: %w", err)
	}
	return j.outbox.Begin(ctx, record)
}

func (j *journal) drop(ctx context.Context, id int64) {
	if id != 0 {
		_ = j.outbox.Drop(ctx, id) // what stays is looked at, and dropped, at the next start
	}
}

// settle records the outcome. delta counts for owner unless owner is empty. An
// outcome that the store does not take is kept and tried again, because the
// change has happened.
func (j *journal) settle(ctx context.Context, id int64, e actions.Event, owner string, delta dataprovider.Amount) error {
	targets := j.hooks.Route(&e)
	if owner == "" || delta.IsZero() {
		owner, delta = "", dataprovider.Amount{}
	}
	if len(targets) == 0 && owner == "" {
		j.drop(ctx, id)
		return nil
	}
	s := dataprovider.Settlement{Owner: owner, Delta: delta, Targets: targets}
	if len(targets) > 0 {
		body, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("encode event: %w", err)
		}
		s.EventID, s.Event, s.Keys = e.ID, body, e.Keys()
	}
	if _, err := j.outbox.Settle(ctx, id, s); err != nil {
		j.mu.Lock()
		j.unsettled = append(j.unsettled, unsettled{id, s})
		j.mu.Unlock()
		return fmt.Errorf("record event %s: %w", e.ID, err)
	}
	if len(targets) > 0 {
		j.hooks.Wake()
	}
	return nil
}

// retry settles what could not be settled before. It returns how many outcomes
// still wait.
func (j *journal) retry(ctx context.Context) int {
	j.mu.Lock()
	waiting := j.unsettled
	j.unsettled = nil
	j.mu.Unlock()
	for i, u := range waiting {
		_, err := j.outbox.Settle(ctx, u.id, u.s)
		if err != nil && !errors.Is(err, dataprovider.ErrNotFound) {
			j.mu.Lock()
			j.unsettled = append(j.unsettled, waiting[i:]...)
			n := len(j.unsettled)
			j.mu.Unlock()
			return n
		}
		j.hooks.Wake()
	}
	return 0
}

// settling bounds the end of an operation, which must not be cut short because
// the client has gone.
const settling = 30 * time.Second

func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), settling)
}
