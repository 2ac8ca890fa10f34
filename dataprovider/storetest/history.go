package storetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
)

func testHistory(t *testing.T, f *fixture) {
	t.Run("acknowledge", func(t *testing.T) { testAcknowledge(t, f) })
	t.Run("tries", func(t *testing.T) { testTries(t, f) })
	t.Run("delivered since", func(t *testing.T) { testDeliveredSince(t, f) })
	t.Run("replay", func(t *testing.T) { testReplay(t, f) })
	t.Run("sweep", func(t *testing.T) { testSweep(t, f) })
}

// failure is a try that ended with an answer.
func failure(answer string) dataprovider.Try { return dataprovider.Try{Failed: true, Answer: answer} }

func acknowledge(t *testing.T, s dataprovider.Store, ds ...dataprovider.Delivery) {
	t.Helper()
	var acks []dataprovider.Acknowledgement
	for _, d := range ds {
		acks = append(acks, dataprovider.Acknowledgement{ID: d.ID, Try: dataprovider.Try{Answer: "took " + d.EventID}})
	}
	must(t, s.Outbox().Acknowledge(t.Context(), acks...))
}

// delivered returns the event ids of what is kept.
func delivered(t *testing.T, s dataprovider.Store, since time.Time) (ids []string) {
	t.Helper()
	for d, err := range s.Outbox().Delivered(t.Context(), since) {
		must(t, err)
		ids = append(ids, d.EventID)
	}
	return ids
}

func testAcknowledge(t *testing.T, f *fixture) {
	s, c := f.store(t)
	o := s.Outbox()
	settle(t, s, "e1", "/a")
	settle(t, s, "e2", "/a")
	settled := c.now()
	d := expect(t, s, 10, "e1")[0]
	c.advance(time.Second)
	acknowledge(t, s, d)
	acknowledge(t, s, d) // again: no error
	must(t, o.Acknowledge(t.Context(), dataprovider.Acknowledgement{ID: 1 << 40}))
	must(t, o.Acknowledge(t.Context()))
	expect(t, s, 10, "e2") // it was before it
	backlog(t, s, dataprovider.Backlog{Target: "hook", Queued: 1, Oldest: settled})

	want := dataprovider.QueuedDelivery{
		Delivery: dataprovider.Delivery{ID: d.ID, EventID: "e1", Event: []byte("event e1"), Target: "hook", Attempt: 1},
		State:    dataprovider.DeliveryDone,
		Tries:    []dataprovider.Try{{Answer: "took e1"}},
	}
	for what, got := range map[string]dataprovider.QueuedDelivery{
		"Delivery":  value[dataprovider.QueuedDelivery](t)(o.Delivery(t.Context(), d.ID)),
		"Delivered": first(t, s),
	} {
		if !got.Settled.Equal(settled) || !got.Due.Equal(c.now()) {
			t.Errorf("%s: settled %v, delivered %v", what, got.Settled, got.Due)
		}
		got.Settled, got.Due = time.Time{}, time.Time{}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	for d, err := range o.Queue(t.Context(), 0) {
		must(t, err)
		if d.EventID == "e1" {
			t.Error("what was delivered is still queued")
		}
	}
	must(t, o.Done(t.Context(), d.ID)) // nothing waits under this id
	if diff := cmp.Diff([]string{"e1"}, delivered(t, s, time.Time{})); diff != "" {
		t.Error(diff)
	}
}

func first(t *testing.T, s dataprovider.Store) dataprovider.QueuedDelivery {
	t.Helper()
	for d, err := range s.Outbox().Delivered(t.Context(), time.Time{}) {
		must(t, err)
		return d
	}
	t.Fatal("nothing is kept")
	return dataprovider.QueuedDelivery{}
}

// What became of each try is kept, within bounds.
func testTries(t *testing.T, f *fixture) {
	s, c := f.store(t)
	o := s.Outbox()
	settle(t, s, "e1", "/a")
	id := int64(0)
	const tries = 14
	for i := range tries {
		d := expect(t, s, 1, "e1")[0]
		id = d.ID
		try := dataprovider.Try{Began: c.now(), Took: time.Second, Answer: name("answer ", i), Output: name("\x00\xff", i)}
		if i == 0 {
			try.Answer = strings.Repeat("a", 1<<20)
			try.Output = strings.Repeat("o", 1<<20) + "end"
		}
		if i == 5 {
			must(t, o.StepAside(t.Context(), d.ID, c.now(), try))
		} else {
			must(t, o.Retry(t.Context(), d.ID, c.now(), try))
		}
		d0 := value[dataprovider.QueuedDelivery](t)(o.Delivery(t.Context(), id))
		if got := d0.Tries[len(d0.Tries)-1]; i == 0 && (len(got.Output) != dataprovider.MaxTryOutput || !strings.HasSuffix(got.Output, "oend") ||
			len(got.Answer) != dataprovider.MaxTryAnswer || !got.Began.Equal(c.now()) || got.Took != time.Second || !got.Failed) {
			t.Errorf("the first try: %d bytes of output, %d of the answer, %v %v %v", len(got.Output), len(got.Answer), got.Began, got.Took, got.Failed)
		}
	}
	d := expect(t, s, 1, "e1")[0]
	must(t, o.Bury(t.Context(), d.ID, failure("gave up")))
	got := value[dataprovider.QueuedDelivery](t)(o.Delivery(t.Context(), id))
	if got.State != dataprovider.DeliveryDead || got.Cause != "gave up" || got.Attempt != tries+1 {
		t.Errorf("%+v", got)
	}
	var answers, outputs []string
	for _, try := range got.Tries {
		answers = append(answers, try.Answer[:min(len(try.Answer), 12)])
		outputs = append(outputs, try.Output)
	}
	want := []string{"aaaaaaaaaaaa"}
	for i := 6; i < tries; i++ {
		want = append(want, name("answer ", i))
	}
	if diff := cmp.Diff(append(want, "gave up"), answers); diff != "" {
		t.Error("answers (-want +got):\n" + diff)
	}
	if diff := cmp.Diff([]string{"", "", "", "", "", "", "", "\uFFFD12", "\uFFFD13", ""}, outputs); diff != "" {
		t.Error("outputs (-want +got):\n" + diff)
	}

	// The history goes on with what comes later.
	must(t, o.Revive(t.Context(), id))
	acknowledge(t, s, expect(t, s, 1, "e1")...)
	last := first(t, s)
	if n := len(last.Tries); n != dataprovider.MaxTries || last.Tries[n-1].Failed || !last.Tries[n-2].Failed {
		t.Errorf("after all: %+v", last.Tries)
	}
	if _, err := o.Delivery(t.Context(), 1<<40); !errors.Is(err, dataprovider.ErrNotFound) {
		t.Errorf("an unknown delivery: %v", err)
	}
}

func testDeliveredSince(t *testing.T, f *fixture) {
	s, c := f.store(t)
	const n = 1200 // more than a page of any store, many at one time
	for i := range n {
		settle(t, s, name("e", i))
	}
	var want []string
	half := c.now()
	for i, d := range claim(t, s, "hook", n) {
		if i == n/2 {
			c.advance(time.Millisecond)
			half = c.now()
		}
		want = append(want, d.EventID)
		acknowledge(t, s, d)
	}
	if diff := cmp.Diff(want, delivered(t, s, time.Time{})); diff != "" {
		t.Error("all (-want +got):\n" + diff)
	}
	if diff := cmp.Diff(want[n/2:], delivered(t, s, half)); diff != "" {
		t.Error("the second half (-want +got):\n" + diff)
	}
	if got := delivered(t, s, half.Add(time.Millisecond)); len(got) != 0 {
		t.Errorf("after the last: %d", len(got))
	}
}

// What is replayed is the same event in a new delivery, behind those of the file.
func testReplay(t *testing.T, f *fixture) {
	s, c := f.store(t)
	o := s.Outbox()
	settle(t, s, "e1", "/a")
	d := expect(t, s, 1, "e1")[0]
	acknowledge(t, s, d)
	settle(t, s, "e2", "/a")
	c.advance(time.Minute)
	again := value[int64](t)(o.Replay(t.Context(), d.ID))
	if again <= d.ID {
		t.Errorf("delivery %d after %d", again, d.ID)
	}
	done(t, s, expect(t, s, 10, "e2")...)
	got := expect(t, s, 10, "e1")[0]
	if got.ID != again || got.Attempt != 1 || string(got.Event) != "event e1" || got.Target != "hook" || !got.Settled.Equal(c.now()) {
		t.Errorf("%+v", got)
	}
	acknowledge(t, s, got)
	if diff := cmp.Diff([]string{"e1", "e1"}, delivered(t, s, time.Time{})); diff != "" {
		t.Error(diff)
	}
	settle(t, s, "e3", "/a")
	for _, id := range []int64{queued(t, s)["e3"].ID, 1 << 40, 0} {
		if _, err := o.Replay(t.Context(), id); !errors.Is(err, dataprovider.ErrNotFound) {
			t.Errorf("replay of %d: %v", id, err)
		}
	}
}

func testSweep(t *testing.T, f *fixture) {
	s, c := f.store(t)
	start := c.now()
	for i := range 5 {
		settle(t, s, name("old", i))
	}
	acknowledge(t, s, claim(t, s, "hook", 5)...) // at one time
	c.advance(time.Minute)
	for i := range 1500 {
		settle(t, s, name("new", i))
	}
	fresh := claim(t, s, "hook", 1500)
	acknowledge(t, s, fresh...)
	settle(t, s, "waits")

	sweep := func(before time.Time, keep int, gone int64, first string, left int) {
		t.Helper()
		if n := value[int64](t)(s.Outbox().Sweep(t.Context(), before, keep)); n != gone {
			t.Errorf("forgot %d, want %d", n, gone)
		}
		got := delivered(t, s, time.Time{})
		if len(got) != left || left > 0 && got[0] != first {
			t.Errorf("%d left, first %v, want %d and %s", len(got), got[:min(1, len(got))], left, first)
		}
	}
	sweep(start, 2000, 0, "old0", 1505)
	sweep(start, 1503, 2, "old2", 1503)
	sweep(start.Add(time.Second), 2000, 3, "new0", 1500)
	sweep(start, 3, 1497, "new1497", 3)
	sweep(start, 0, 3, "", 0)
	expect(t, s, 10, "waits")
	if _, err := s.Outbox().Delivery(t.Context(), fresh[0].ID); !errors.Is(err, dataprovider.ErrNotFound) {
		t.Errorf("after the sweep: %v", err)
	}
}
