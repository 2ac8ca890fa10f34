package tus_test

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"sftpgo/dataprovider"
)

// flaky is a store of which leases cannot be prolonged for a time.
type flaky struct {
	dataprovider.Store
	uploads *flakyUploads
}

func (f flaky) Uploads() dataprovider.Uploads { return f.uploads }

type flakyUploads struct {
	dataprovider.Uploads
	away atomic.Bool
}

func (f *flakyUploads) Renew(ctx context.Context, id, holder string, ttl time.Duration) (bool, error) {
	if f.away.Load() {
		return false, fmt.Errorf("renew: %w", dataprovider.ErrUnavailable)
	}
	return f.Uploads.Renew(ctx, id, holder, ttl)
}

// TestLeaseLost: who cannot prolong its lease stops before another server may take it,
// and changes nothing any more; what it stored is there.
func TestLeaseLost(t *testing.T) {
	if testing.Short() {
		t.Skip("waits until a lease runs out")
	}
	r := newRig(t)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	uploads := &flakyUploads{Uploads: r.store.Uploads()}
	r.store = flaky{r.store, uploads}
	r.start()
	url := r.begin(20, "f")
	c, answer := r.raw("PATCH", url, "Content-Length: 20", "Upload-Offset: 0")
	uploads.away.Store(true)
	if _, err := io.WriteString(c, "0123456789"); err != nil {
		t.Fatal(err)
	}
	r.waitSize(url, 10)
	mark := time.Now().Add(time.Hour).UTC()
	r.change(url, func(u *dataprovider.Upload) { u.Expires = mark }) // as the other server does
	if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := status(answer); got != 423 {
		t.Errorf("status %d", got)
	}
	if rec := r.record(url); !rec.Expires.Equal(mark) {
		t.Errorf("who had lost the lease wrote %+v", rec)
	}
	uploads.away.Store(false)
	r.patch(url, 10, "abcdefghij")
	if got := r.content("f"); got != "0123456789abcdefghij" {
		t.Errorf("%q", got)
	}
}

// unsettled is a store that does not take the outcome of what was published.
type unsettled struct {
	dataprovider.Store
	away *atomic.Bool
}

func (s unsettled) Outbox() dataprovider.Outbox { return unsettledOutbox{s.Store.Outbox(), s.away} }

type unsettledOutbox struct {
	dataprovider.Outbox
	away *atomic.Bool
}

func (o unsettledOutbox) Settle(ctx context.Context, id int64, s dataprovider.Settlement) (dataprovider.Amount, error) {
	if o.away.Load() && s.Owner != "" {
		return dataprovider.Amount{}, fmt.Errorf("settle: %w", dataprovider.ErrUnavailable)
	}
	return o.Outbox.Settle(ctx, id, s)
}

// TestOutcomeWaits: an upload that was published is complete also when the store did
// not take at once what follows from it.
func TestOutcomeWaits(t *testing.T) {
	r := newRig(t, limited(10, 0))
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	var away atomic.Bool
	r.store = unsettled{r.store, &away}
	r.start()
	url := r.begin(10, "f")
	away.Store(true)
	r.want(503, "PATCH", url, "0123456789", "Upload-Offset: 0")
	away.Store(false)
	if n := r.offset(url); n != 10 || r.content("f") != "0123456789" {
		t.Errorf("offset %d, %q", n, r.content("f"))
	}
	if rec := r.record(url); rec.State != dataprovider.UploadComplete {
		t.Errorf("%+v", rec)
	}
}
