package sqlstore_test

import (
	"sort"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/sqlstore"
)

// killed copies the files as a kill would leave them now.
func (r *modelRun) killed() string {
	release := sqlstore.Hold(r.Context(), r.store)
	defer release()
	return killedCopy(r.T, r.path)
}

// restart ends the server, well or not, and goes on with another.
func (r *modelRun) restart() {
	if r.rng.IntN(2) == 0 {
		path := r.killed()
		r.must(r.store.Close())
		r.path = path
	} else {
		r.must(r.store.Close())
	}
	r.store = r.open(r.path)
	for _, d := range r.in(modelClaimed) { // of which the database may not know
		d.state, d.due = modelResting, time.Time{}
	}
	r.release()
}

// look reads all that can be read, and compares.
func (r *modelRun) look(s *sqlstore.Store, m *model) {
	r.Helper()
	var alive, gone, kept []string
	for d, err := range s.Outbox().Queue(r.Context(), 0) {
		r.must(err)
		if name := d.Target + " " + d.EventID; d.State == dataprovider.DeliveryDead {
			gone = append(gone, name)
		} else {
			alive = append(alive, name)
		}
	}
	for d, err := range s.Outbox().Delivered(r.Context(), time.Time{}) {
		r.must(err)
		kept = append(kept, d.Target+" "+d.EventID)
	}
	pending := map[int64]string{}
	for p, err := range s.Outbox().Pending(r.Context()) {
		r.must(err)
		pending[p.ID] = string(p.Record)
	}
	var history []string
	for _, d := range m.in(modelDone) {
		if d.history {
			history = append(history, d.target+" "+d.event)
		}
	}
	sort.Strings(history)
	sort.Strings(kept)
	usage, err := s.Usage().Get(r.Context(), "alice")
	r.must(err)
	for what, diff := range map[string]string{
		"alive":   cmp.Diff(modelNames(m.in(modelWaiting, modelClaimed, modelResting)), alive),
		"dead":    cmp.Diff(modelNames(m.in(modelDead)), gone),
		"history": cmp.Diff(history, kept),
		"pending": cmp.Diff(m.pending, pending),
		"usage":   cmp.Diff(m.files, usage.Files),
	} {
		if diff != "" {
			r.Fatalf("step %d: %s (-want +got):\n%s", r.step, what, diff)
		}
	}
}

// checkKill starts a server on what a kill would leave now, and has it deliver
// everything.
func (r *modelRun) checkKill() {
	was := r.clock.Load()
	defer r.clock.Store(was)
	m, s := r.clone(), r.open(r.killed())
	defer func() { r.must(s.Close()) }()
	if r.rng.IntN(2) == 0 {
		r.look(s, m)
	}
	for _, target := range modelTargets {
		r.must(s.Outbox().Release(r.Context(), target))
	}
	r.clock.Add(time.Hour.Milliseconds())
	for _, d := range m.in(modelClaimed, modelResting) { // all are due by now
		d.state, d.due = modelResting, time.Time{}
	}
	for quiet := 0; quiet < 2; {
		quiet++
		for _, target := range modelTargets {
			want := m.due(target, 5, r.now())
			claimed, err := s.Outbox().Claim(r.Context(), target, 5, time.Minute)
			r.must(err)
			var got []string
			var ids []int64
			for _, d := range claimed {
				got, ids = append(got, d.Target+" "+d.EventID), append(ids, d.ID)
			}
			if len(m.in(modelResting)) == 0 { // else what was claimed may be new again, and so at another place
				if diff := cmp.Diff(modelNames(want), got); diff != "" {
					r.Fatalf("step %d: claimed after a kill (-want +got):\n%s", r.step, diff)
				}
			}
			for _, name := range got {
				m.mayClaim(r, name)
			}
			r.must(s.Outbox().Done(r.Context(), ids...))
			for _, name := range got {
				m.mayClaim(r, name).state = modelDone
				quiet = 0
			}
		}
	}
	if left := m.in(modelWaiting, modelClaimed, modelResting); len(left) > 0 {
		r.Fatalf("step %d: never delivered after a kill: %v", r.step, modelNames(left))
	}
}

// mayClaim returns a delivery that is alive and that no other one holds.
func (m *model) mayClaim(r *modelRun, name string) *modelDelivery {
	r.Helper()
	for i, d := range m.deliveries {
		if !d.alive() || d.target+" "+d.event != name {
			continue
		}
		if m.held(i) {
			r.Fatalf("step %d: %s came before its turn", r.step, name)
		}
		return d
	}
	r.Fatalf("step %d: %s is delivered once more", r.step, name)
	return nil
}
