package outbox_test

import (
	"context"
	"strconv"
	"testing"

	"sftpgo/actions"
	"sftpgo/actions/outbox"
)

// counter is a sink that does nothing but count.
type counter struct {
	n chan struct{}
}

func (c *counter) Deliver(context.Context, *actions.Event) error {
	c.n <- struct{}{}
	return nil
}

// BenchmarkDelivery is the cost of one event from Settle to Done, without that of
// a store on disk and of a transport.
func BenchmarkDelivery(b *testing.B) {
	s, hook := newStore(), &counter{n: make(chan struct{}, 1024)}
	t := target("hook", hook)
	t.Workers = 16
	d, stop := start(b, s, new(logs), outbox.DefaultConfig(), t)
	defer stop()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		settle(b, s, event(strconv.Itoa(i), "/f"+strconv.Itoa(i%64)), "hook")
		d.Wake()
		<-hook.n
	}
}
