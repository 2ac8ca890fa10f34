package session

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// How long a lease lasts that is not prolonged, how often it is, and how often one
// who waits asks.
const (
	leaseFor   = 15 * time.Second
	leaseEvery = 3 * time.Second
	leaseAsk   = 250 * time.Millisecond
)

// hold is the right to change one upload. Within the process a newcomer calls the
// holder; another process hears of it at the next prolongation of its lease.
type hold struct {
	r         *Resumables
	id        string
	once      sync.Once
	interrupt func()
	done      chan struct{} // closed by release

	lost     atomic.Bool // the lease ran out, or somebody else has it
	held     time.Time   // when the lease was last prolonged
	renewing sync.WaitGroup
	stop     context.CancelFunc // of the renewal; nil when there is no lease
}

// acquire waits until nobody else has the upload.
func (r *Resumables) acquire(ctx context.Context, id string, interrupt func()) (*hold, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.policy.Wait, vfs.ErrBusy)
	defer cancel()
	h := &hold{r: r, id: id, interrupt: interrupt, done: make(chan struct{})}
	for {
		r.mu.Lock()
		other := r.holds[id]
		if other == nil {
			r.holds[id] = h
		}
		r.mu.Unlock()
		if other == nil {
			break
		}
		other.ask()
		select {
		case <-other.done:
		case <-ctx.Done():
			return nil, refuse("upload", id, context.Cause(ctx))
		}
	}
	if !r.policy.Alone {
		if err := h.lease(ctx); err != nil {
			h.release()
			return nil, err
		}
	}
	return h, nil
}

// ask tells the holder that somebody waits.
func (h *hold) ask() { h.once.Do(h.interrupt) }

// lease takes the lease in the store and keeps it.
func (h *hold) lease(ctx context.Context) error {
	for {
		h.held = time.Now()
		err := h.r.store.Hold(ctx, h.id, h.r.holder, leaseFor)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return refuse("upload", h.id, context.Cause(ctx))
		}
		if !errors.Is(err, dataprovider.ErrConflict) {
			return err
		}
		select {
		case <-time.After(leaseAsk):
		case <-ctx.Done():
		}
	}
	ctx, h.stop = context.WithCancel(context.WithoutCancel(ctx))
	h.renewing.Go(func() { h.renew(ctx) })
	return nil
}

// renew prolongs the lease until release. The holder stops when another process wants
// it, and when it was lost, as to one that has taken it in a time in which the store did
// not answer.
func (h *hold) renew(ctx context.Context) {
	tick := time.NewTicker(leaseEvery)
	defer tick.Stop()
	for !h.lost.Load() {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if h.prolong(ctx) {
			h.ask()
		}
	}
}

// prolong reports whether the holder is to stop. When the store does not answer the
// lease is lost some time before others may take it.
func (h *hold) prolong(ctx context.Context) (stop bool) {
	end := h.held.Add(leaseFor - leaseEvery)
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	begun := time.Now()
	wanted, err := h.r.store.Renew(ctx, h.id, h.r.holder, leaseFor)
	switch {
	case err == nil:
		h.held = begun
		return wanted
	case errors.Is(err, dataprovider.ErrConflict), !time.Now().Before(end):
		h.lost.Store(true)
	}
	return h.lost.Load()
}

// release lets others have the upload.
func (h *hold) release() {
	if h.stop != nil {
		h.stop()
		h.renewing.Wait()
		ctx, cancel := detached(context.Background())
		defer cancel()
		if err := h.r.store.Release(ctx, h.id, h.r.holder); err != nil {
			h.r.log.Warn("a lease stays until it runs out", "upload", h.id, "error", err)
		}
	}
	h.r.mu.Lock()
	delete(h.r.holds, h.id)
	h.r.mu.Unlock()
	close(h.done)
}
