package session

import (
	"context"
	"errors"
	"net/netip"
	"path"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// How often expired uploads are looked for, and data that belong to none.
const (
	sweepEvery   = time.Minute
	orphansEvery = time.Hour
)

// Run does the housekeeping until ctx is done: what a crash left complete is
// published, and what has run out is removed.
func (r *Resumables) Run(ctx context.Context) {
	r.Sweep(ctx, time.Now())
	if r.policy.InPlace && r.policy.Expiration == 0 {
		return // everything stays as it is from now on
	}
	r.sweepOrphans(ctx)
	next := time.NewTimer(sweepEvery)
	defer next.Stop()
	orphans := time.NewTicker(orphansEvery)
	defer orphans.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case begun := <-next.C:
			r.Sweep(ctx, begun)
			next.Reset(restAfter(time.Since(begun)))
		case <-orphans.C:
			r.sweepOrphans(ctx)
		}
	}
}

// restAfter is how long to wait after a sweep: one of very many uploads takes no more
// than a twentieth of the time.
func restAfter(took time.Duration) time.Duration { return max(sweepEvery, 20*took) }

// Sweep looks at all uploads once. now is the time by which they have run out.
func (r *Resumables) Sweep(ctx context.Context, now time.Time) {
	sessions := map[string]*Session{}
	defer func() {
		for _, s := range sessions {
			if s != nil {
				_ = s.Close() // nothing is open any more
			}
		}
	}()
	for rec, err := range r.store.List(ctx, "", "") {
		if err != nil {
			if ctx.Err() == nil {
				r.log.Warn("sweep of uploads stopped", "error", err)
			}
			return
		}
		out := !rec.Expires.IsZero() && now.After(rec.Expires)
		if !out && rec.State != dataprovider.UploadVerifying {
			continue
		}
		s, known := sessions[rec.Owner]
		if !known {
			if s, err = r.openFor(ctx, rec); err != nil {
				r.log.Debug("the storage of an upload cannot be opened", "upload", rec.ID, "error", err)
			}
			sessions[rec.Owner] = s
		}
		if s == nil {
			continue // the account is away, or has too many sessions at the moment
		}
		if err := r.sweepOne(ctx, s, rec.ID, now); err != nil && ctx.Err() == nil {
			r.log.Warn("an upload is kept for the next sweep", "upload", rec.ID, "error", err)
		}
	}
}

// openFor opens a session for what no client asks for.
func (r *Resumables) openFor(ctx context.Context, rec dataprovider.Upload) (*Session, error) {
	if r.policy.Account == nil {
		return nil, dataprovider.ErrNotFound
	}
	u, err := r.policy.Account(ctx, rec.Owner)
	if err != nil {
		return nil, err
	}
	remote, _ := netip.ParseAddr(rec.RemoteIP) // none of an old record
	return r.m.Open(ctx, u, Peer{Protocol: rec.Protocol, ID: rec.Protocol + "_sweep", Remote: remote, Method: "none"})
}

// sweepOne ends an upload that has run out, or that was about to be published. One that
// somebody writes has not run out.
func (r *Resumables) sweepOne(ctx context.Context, s *Session, id string, now time.Time) error {
	h, err := r.tryAcquire(ctx, id)
	if h == nil || err != nil {
		return err
	}
	rec, err := r.store.Get(ctx, id)
	out := !rec.Expires.IsZero() && now.After(rec.Expires)
	switch {
	case errors.Is(err, dataprovider.ErrNotFound):
		err = nil
	case err != nil:
	case rec.State == dataprovider.UploadVerifying, rec.State == dataprovider.UploadOpen && out:
		return r.sweepOpen(ctx, s, h, rec, out)
	case !out:
	case rec.State == dataprovider.UploadComplete && rec.Partial:
		err = (&Resumable{rs: r, s: s, rec: rec}).drop(ctx)
	default:
		err = r.store.Delete(ctx, id)
	}
	h.release()
	return err
}

// sweepOpen finishes an upload whose data are complete, and removes another that has
// run out.
func (r *Resumables) sweepOpen(ctx context.Context, s *Session, h *hold, rec dataprovider.Upload, out bool) error {
	u := &Resumable{rs: r, s: s, rec: rec, stored: true, hold: h}
	err := u.reconcile(ctx)
	switch {
	case err == nil && (u.complete() || !out):
		if err = u.End(nil); err != nil && out {
			err = r.sweepUnfinished(ctx, s, rec.ID)
		}
		return err
	case errors.Is(err, ErrGone):
		err = nil // it was noted
	case err == nil:
		if err = r.lose(ctx, s, u.rec); errors.Is(err, ErrGone) {
			u.removeData(ctx)
			u.failed(ctx, ErrGone)
			err = nil
		}
	}
	h.release()
	return err
}

// sweepUnfinished removes an upload that has run out, and could not be published in
// spite of all its data: that has been told.
func (r *Resumables) sweepUnfinished(ctx context.Context, s *Session, id string) error {
	h, err := r.tryAcquire(ctx, id)
	if h == nil || err != nil {
		return err
	}
	defer h.release()
	rec, err := r.store.Get(ctx, id)
	if err != nil || rec.State == dataprovider.UploadComplete || rec.State == dataprovider.UploadGone {
		return err
	}
	if err = r.lose(ctx, s, rec); errors.Is(err, ErrGone) {
		(&Resumable{rs: r, s: s, rec: rec}).removeData(ctx)
		err = nil
	}
	return err
}

// tryAcquire is acquire that does not wait; nil says that somebody has the upload.
func (r *Resumables) tryAcquire(ctx context.Context, id string) (*hold, error) {
	r.mu.Lock()
	busy := r.holds[id] != nil
	r.mu.Unlock()
	if busy {
		return nil, nil
	}
	if !r.policy.Alone {
		switch err := r.store.Hold(ctx, id, r.holder, leaseFor); {
		case errors.Is(err, dataprovider.ErrConflict):
			return nil, nil
		case err != nil:
			return nil, err
		}
	}
	return r.acquire(ctx, id, func() {})
}

// sweepOrphans removes data that belong to no upload: of a deleted account, or of a
// process that was killed before it had made a record.
func (r *Resumables) sweepOrphans(ctx context.Context) {
	if r.policy.InPlace {
		return
	}
	seen := map[string]bool{}
	for u, err := range r.m.store.Users().List(ctx, "") {
		if err != nil {
			if ctx.Err() == nil {
				r.log.Warn("sweep of data without an upload stopped", "error", err)
			}
			return
		}
		spec, err := specOf(&u, toInspect)
		if err != nil || seen[string(spec.Config)] {
			continue
		}
		seen[string(spec.Config)] = true
		if err := r.sweepHome(ctx, &u); err != nil && ctx.Err() == nil && !errors.Is(err, vfs.ErrNotExist) {
			r.log.Warn("sweep of data without an upload failed", "username", u.Username, "error", err)
		}
	}
}

// orphanAge keeps the sweep away from data whose record is being made.
const orphanAge = 24 * time.Hour

func (r *Resumables) sweepHome(ctx context.Context, u *dataprovider.User) error {
	f, err := r.m.openStorage(ctx, u, toInspect)
	if err != nil {
		return err
	}
	defer f.Close()
	dir := path.Join("/", vfs.UploadsDir)
	for info, err := range f.List(ctx, dir) {
		if err != nil {
			return err
		}
		if info.IsDir() || time.Since(info.ModTime()) < orphanAge {
			continue
		}
		if _, err := r.store.Get(ctx, info.Name()); !errors.Is(err, dataprovider.ErrNotFound) {
			continue
		}
		if err := f.Remove(ctx, path.Join(dir, info.Name())); err != nil && !errors.Is(err, vfs.ErrNotExist) {
			return err
		}
	}
	return nil
}
