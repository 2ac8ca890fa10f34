package sqlstore_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/sqlstore"
)

// modelRun is a store beside its model.
type modelRun struct {
	*testing.T
	*model
	rng   *rand.Rand
	path  string
	store *sqlstore.Store
	clock *atomic.Int64 // milliseconds
	step  int
}

func (r *modelRun) now() time.Time { return time.UnixMilli(r.clock.Load()) }

func (r *modelRun) open(path string) *sqlstore.Store {
	r.Helper()
	s, err := sqlstore.Open(r.Context(), sqlstore.Config{Path: path, Exclusive: true, Now: r.now})
	r.must(err)
	return s
}

func (r *modelRun) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatalf("step %d: %v", r.step, err)
	}
}

// pick returns one of a list, or nil.
func (r *modelRun) pick(list []*modelDelivery) *modelDelivery {
	if len(list) == 0 {
		return nil
	}
	return list[r.rng.IntN(len(list))]
}

func (r *modelRun) outbox() dataprovider.Outbox { return r.store.Outbox() }

// settle ends an intention, or none, with an event or without.
func (r *modelRun) settle() {
	id, event := int64(0), fmt.Sprintf("e%d", r.step)
	ids := slices.Sorted(maps.Keys(r.pending))
	if len(ids) > 0 && r.rng.IntN(3) > 0 {
		id = ids[r.rng.IntN(len(ids))]
	}
	s := dataprovider.Settlement{EventID: event, Event: []byte("event " + event)}
	for range r.rng.IntN(3) {
		s.Keys = append(s.Keys, fmt.Sprintf("/%d", r.rng.IntN(6)))
	}
	switch r.rng.IntN(6) {
	case 0:
		s.Targets = modelTargets
	case 1:
		s.Targets = modelTargets[1:]
	default:
		s.Targets = modelTargets[:1]
	}
	if r.rng.IntN(25) == 0 {
		s.Owner, s.Delta = "alice", dataprovider.Amount{Files: 1}
		r.files++
	}
	if len(ids) > 0 && r.rng.IntN(8) == 0 {
		other := ids[r.rng.IntN(len(ids))]
		s.Amended = []dataprovider.Pending{{ID: other, Record: []byte(event)}}
		r.pending[other] = event
	}
	_, err := r.outbox().Settle(r.Context(), id, s)
	r.must(err)
	delete(r.pending, id)
	for _, target := range s.Targets {
		r.deliveries = append(r.deliveries, &modelDelivery{event: event, target: target, keys: s.Keys})
	}
}

func (r *modelRun) begin() {
	record := fmt.Sprint("record ", r.step)
	begin := r.outbox().Announce
	if r.rng.IntN(10) == 0 {
		begin = r.outbox().Begin
	}
	id, err := begin(r.Context(), []byte(record))
	r.must(err)
	r.pending[id] = record
}

func (r *modelRun) drop() {
	for id := range r.pending {
		r.must(r.outbox().Drop(r.Context(), id))
		delete(r.pending, id)
		return
	}
}

// claim must return what the rules say, no more and no less.
func (r *modelRun) claim() {
	target, n := modelTargets[r.rng.IntN(2)], 1+r.rng.IntN(8)
	want := r.due(target, n, r.now())
	claimed, err := r.outbox().Claim(r.Context(), target, n, time.Minute)
	r.must(err)
	var got []string
	for _, d := range claimed {
		got = append(got, d.Target+" "+d.EventID)
	}
	if diff := cmp.Diff(modelNames(want), got); diff != "" {
		r.Fatalf("step %d: claimed (-want +got):\n%s", r.step, diff)
	}
	for i, d := range want {
		if d.id != 0 && d.id != claimed[i].ID || string(claimed[i].Event) != "event "+d.event {
			r.Fatalf("step %d: %+v, and %+v", r.step, d, claimed[i])
		}
		d.id, d.state, d.due = claimed[i].ID, modelClaimed, r.now().Add(time.Minute)
	}
	last := int64(0)
	for _, d := range r.deliveries {
		if d.id != 0 && d.id <= last {
			r.Fatalf("step %d: id %d of %s is not above %d", r.step, d.id, d.event, last)
		}
		last = max(last, d.id)
	}
}

// finish ends some of what is claimed.
func (r *modelRun) finish() {
	claimed := r.in(modelClaimed)
	r.rng.Shuffle(len(claimed), func(i, j int) { claimed[i], claimed[j] = claimed[j], claimed[i] })
	claimed = claimed[:min(len(claimed), 1+r.rng.IntN(6))]
	if len(claimed) == 0 {
		return
	}
	keep := r.rng.IntN(2) == 0
	ids := []int64{1 << 50}
	acks := []dataprovider.Acknowledgement{{ID: 1 << 50}}
	for _, d := range claimed {
		ids = append(ids, d.id)
		acks = append(acks, dataprovider.Acknowledgement{ID: d.id, Try: dataprovider.Try{Answer: d.event}})
		d.state, d.history = modelDone, keep
	}
	if keep {
		r.must(r.outbox().Acknowledge(r.Context(), acks...))
	} else {
		r.must(r.outbox().Done(r.Context(), ids...))
	}
}

// fail ends one that is claimed the other way.
func (r *modelRun) fail() {
	d := r.pick(r.in(modelClaimed))
	if d == nil {
		return
	}
	d.due, d.state = r.now().Add(time.Duration(r.rng.IntN(4))*time.Second), modelResting
	try := dataprovider.Try{Failed: true, Answer: "no"}
	switch r.rng.IntN(3) {
	case 0:
		r.must(r.outbox().Retry(r.Context(), d.id, d.due, try))
	case 1:
		r.must(r.outbox().StepAside(r.Context(), d.id, d.due, try))
		d.keys = nil
	default:
		r.must(r.outbox().Bury(r.Context(), d.id, try))
		d.state = modelDead
	}
}

// byHand is what people do.
func (r *modelRun) byHand() {
	d := r.pick(r.in(modelDead))
	if d == nil || r.rng.IntN(2) == 0 {
		d = r.pick(r.in(modelDone))
	}
	switch {
	case d == nil || d.id == 0:
	case d.state == modelDead:
		r.must(r.outbox().Revive(r.Context(), d.id))
		d.state, d.due, d.keys = modelResting, time.Time{}, nil
	case d.history:
		id, err := r.outbox().Replay(r.Context(), d.id)
		r.must(err)
		r.deliveries = append(r.deliveries, &modelDelivery{event: d.event, target: d.target, keys: d.keys, id: id})
	default:
		err := r.outbox().Retry(r.Context(), d.id, r.now(), dataprovider.Try{})
		if !errors.Is(err, dataprovider.ErrNotFound) {
			r.Fatalf("step %d: retry of what is done: %v", r.step, err)
		}
	}
}

// release is what a server does when it starts.
func (r *modelRun) release() {
	for _, target := range modelTargets {
		r.must(r.outbox().Release(r.Context(), target))
	}
	for _, d := range r.in(modelClaimed) {
		d.due = time.Time{}
	}
}

// Whatever happens in whatever order, and wherever a kill comes in between: what
// was settled is delivered, in order, what was acknowledged is not delivered
// again, and is remembered.
func TestOutboxModel(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := &modelRun{
				T: t, model: &model{pending: map[int64]string{}}, rng: rand.New(rand.NewPCG(seed, 1)),
				path: filepath.Join(t.TempDir(), "sftpgo.db"), clock: new(atomic.Int64),
			}
			r.clock.Store(time.Date(2024, 3, 1, 10, 0, 0, 0, time.UTC).UnixMilli())
			r.store = r.open(r.path)
			t.Cleanup(func() { _ = r.store.Close() })
			// Seeds differ in how often things go wrong: mostly well, mostly not.
			trouble := 2 + 20*int(seed%3)
			for r.step = range 700 {
				r.act(trouble)
			}
			r.checkKill()
			r.look(r.store, r.model)
		})
	}
}

// act does one random thing.
func (r *modelRun) act(trouble int) {
	switch n := r.rng.IntN(100); {
	case n < 15:
		r.begin()
	case n < 45:
		r.settle()
	case n < 47:
		r.drop()
	case n < 68:
		r.claim()
	case n < 88:
		r.finish()
	case n < 88+trouble/4:
		r.trouble()
	}
	r.clock.Add(r.rng.Int64N(50))
	if r.rng.IntN(12) == 0 {
		r.checkKill()
	}
}

// backlog must count what waits, wherever that is.
func (r *modelRun) backlog() {
	want := map[string]string{}
	for _, target := range modelTargets {
		var queued, gone int
		for _, d := range r.deliveries {
			if d.target == target && d.alive() {
				queued++
			} else if d.target == target && d.state == modelDead {
				gone++
			}
		}
		if queued+gone > 0 {
			want[target] = fmt.Sprint(queued, " ", gone, " ", queued > 0)
		}
	}
	got := map[string]string{}
	list, err := r.outbox().Backlog(r.Context())
	r.must(err)
	for _, b := range list {
		got[b.Target] = fmt.Sprint(b.Queued, " ", b.Dead, " ", !b.Oldest.IsZero())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		r.Fatalf("step %d: backlog (-want +got):\n%s", r.step, diff)
	}
}

func (r *modelRun) trouble() {
	switch r.rng.IntN(12) {
	case 0, 1, 2, 3:
		r.fail()
	case 4, 5:
		r.byHand()
	case 6:
		r.look(r.store, r.model)
	case 7:
		r.clock.Add((2 * time.Minute).Milliseconds())
	case 8:
		r.backlog()
	case 9:
		r.release()
	case 10:
		r.restart()
	default:
		time.Sleep(time.Duration(r.rng.IntN(40)) * time.Millisecond)
	}
}
