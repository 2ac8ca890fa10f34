package session

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/dataprovider"
)

// takenOutbox is one whose intentions another server has ended.
type takenOutbox struct {
	dataprovider.Outbox
	settled []dataprovider.Settlement
}

func (o *takenOutbox) Settle(_ context.Context, id int64, s dataprovider.Settlement) (dataprovider.Amount, error) {
	if id != 0 {
		return dataprovider.Amount{}, dataprovider.ErrTakenOver
	}
	o.settled = append(o.settled, s)
	return dataprovider.Amount{}, nil
}

type oneHook struct{ actions.Nobody }

func (oneHook) Route(*actions.Event) []string { return []string{"hook"} }

// A server that was taken for gone still tells of what it did, and leaves what the
// other one has counted.
func TestSettleWhatWasTakenOver(t *testing.T) {
	out := &takenOutbox{}
	j := &journal{outbox: out, hooks: oneHook{}}
	e := &actions.Event{ID: "e1", Kind: actions.UploadDone}
	if err := j.settle(t.Context(), 7, e, "alice", dataprovider.Amount{Files: 1, Bytes: 5}, along{}); err != nil {
		t.Fatal(err)
	}
	if len(out.settled) != 1 || j.backlog() != 0 {
		t.Fatalf("settled %+v, %d wait", out.settled, j.backlog())
	}
	s := out.settled[0]
	if diff := cmp.Diff([]any{"e1", []string{"hook"}, "", dataprovider.Amount{}}, []any{s.EventID, s.Targets, s.Owner, s.Delta}); diff != "" {
		t.Errorf("settlement (-want +got):\n%s", diff)
	}
}
