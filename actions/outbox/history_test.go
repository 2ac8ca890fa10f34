package outbox_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/actions/outbox"
	"sftpgo/dataprovider"
)

// What was delivered is kept with its tries, for as long as the settings say.
func TestHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		hook := &sink{deliver: func(ctx context.Context, _ *actions.Event) error {
			time.Sleep(20 * time.Millisecond)
			if first {
				first = false
				return &actions.OutputError{Err: errors.New("status 503"), Output: "busy"}
			}
			actions.Received(ctx, actions.Receipt{Status: "status 200 OK", Output: "thanks"})
			return nil
		}}
		s := newStore()
		settle(t, s, event("01A", "/a"), "hook")
		cfg := outbox.DefaultConfig()
		cfg.History = outbox.History{Age: time.Hour, Count: 10}
		start(t, s, new(logs), cfg, target("hook", hook))
		time.Sleep(10 * time.Second)
		if queued, dead := s.waiting(); queued+dead != 0 {
			t.Fatalf("%d wait, %d are dead", queued, dead)
		}
		var kept []dataprovider.QueuedDelivery
		for d, err := range s.Delivered(t.Context(), time.Time{}) {
			if err != nil {
				t.Fatal(err)
			}
			kept = append(kept, d)
		}
		if len(kept) != 1 || kept[0].EventID != "01A" {
			t.Fatalf("%+v", kept)
		}
		tries := kept[0].Tries
		for i := range tries {
			if tries[i].Began.IsZero() {
				t.Errorf("try %d began nowhen", i)
			}
			tries[i].Began = time.Time{}
		}
		want := []dataprovider.Try{
			{Took: 20 * time.Millisecond, Failed: true, Answer: "status 503", Output: "busy"},
			{Took: 20 * time.Millisecond, Answer: "status 200 OK", Output: "thanks"},
		}
		if diff := cmp.Diff(want, tries); diff != "" {
			t.Error(diff)
		}
		time.Sleep(time.Hour + 20*time.Second)
		for d := range s.Delivered(t.Context(), time.Time{}) {
			t.Errorf("still kept: %+v", d)
		}
	})
}

// Without a history nothing is kept, and what an earlier setting kept is
// forgotten.
func TestNoHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		settle(t, s, event("01A", "/a"), "hook")
		claimed, err := s.Claim(t.Context(), "hook", 1, time.Minute)
		if err != nil || len(claimed) != 1 {
			t.Fatal(claimed, err)
		}
		if err := s.Acknowledge(t.Context(), dataprovider.Acknowledgement{ID: claimed[0].ID}); err != nil {
			t.Fatal(err)
		}
		settle(t, s, event("01B", "/b"), "hook")
		start(t, s, new(logs), outbox.DefaultConfig(), target("hook", &sink{}))
		time.Sleep(time.Minute)
		for d := range s.Delivered(t.Context(), time.Time{}) {
			t.Errorf("kept: %+v", d)
		}
	})
}
