package outbox_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sftpgo/actions"
	"sftpgo/actions/outbox"
)

// A burst of uploads goes before its events, for a second at most; one upload is
// told of soon.
func TestBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told atomic.Int64
		hook := &sink{deliver: func(context.Context, *actions.Event) error { told.Add(1); return nil }}
		s := newStore()
		d, _ := start(t, s, new(logs), outbox.DefaultConfig(), target("hook", hook))
		n := 0
		upload := func() {
			n++
			e := event(fmt.Sprintf("%04d", n), fmt.Sprintf("/%d", n))
			record(t, s, d, e)
			d.Wake()
		}
		time.Sleep(100 * time.Millisecond)
		upload()
		time.Sleep(soon + time.Millisecond)
		if told.Load() != 1 {
			t.Errorf("one upload: %d told", told.Load())
		}
		time.Sleep(time.Second)

		begin := told.Load()
		var late int64
		for range 3000 { // three seconds
			upload()
			time.Sleep(time.Millisecond)
			if n == 1+900 {
				late = told.Load() - begin
			}
		}
		if late > 100 {
			t.Errorf("in the first 900 ms of a burst %d were told", late)
		}
		if told.Load() < 1500 {
			t.Errorf("after three seconds %d of %d were told", told.Load(), n)
		}
		time.Sleep(time.Second)
		if told.Load() != int64(n) {
			t.Errorf("a second after the burst %d of %d were told", told.Load(), n)
		}
	})
}
