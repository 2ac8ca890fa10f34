package session

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// ErrNotPart: an upload that was begun for itself cannot be a part of another.
var ErrNotPart = errors.New("upload is not a part")

// Concatenate makes a new upload of the content of others, in the order given, and
// publishes it. They must have been begun as Partial (ErrNotPart) and be complete
// (ErrIncomplete); the same one may come several times. limit is how large the result
// may be, 0 is no limit.
func (r *Resumables) Concatenate(ctx context.Context, s *Session, n NewUpload, ids []string, limit int64) (rec dataprovider.Upload, err error) {
	n.complete()
	err = s.do("upload", n.Name, func(name string) error {
		n.Name, n.Length = name, -1
		rec, err = r.concatenate(ctx, s, n, ids, limit)
		return err
	})
	return rec, err
}

func (r *Resumables) concatenate(ctx context.Context, s *Session, n NewUpload, ids []string, limit int64) (rec dataprovider.Upload, err error) {
	if s.m.isDraining() {
		return rec, ErrClosed
	}
	p := parts{r: r, s: s, byID: map[string]dataprovider.Upload{}}
	defer p.release()
	total, err := p.hold(ctx, ids)
	if err != nil {
		return rec, err
	}
	if limit > 0 && total > limit {
		return rec, refuse("upload", n.Name, ErrTooLarge)
	}
	// What the parts have reserved is for the whole. If nothing comes of it, it is
	// theirs again.
	pledged := p.pledged()
	s.account.quota.release(pledged)
	defer func() {
		if err != nil {
			s.account.quota.restore(pledged)
		}
	}()
	u := r.begin(s, n)
	u.rec.Final, u.rec.Parts = true, ids
	up, err := u.mayBegin(ctx, false)
	if err != nil {
		return rec, err
	}
	u.rec.Length = total
	if err := u.createWhole(ctx, up); err != nil {
		return rec, err
	}
	for _, id := range ids {
		if err == nil {
			err = p.copyTo(ctx, u, id)
		}
	}
	if err = u.End(err); err != nil {
		return rec, err
	}
	p.done(ctx)
	return u.Info(), nil
}

// parts are those of one upload, held so that nobody removes them meanwhile.
type parts struct {
	r     *Resumables
	s     *Session
	holds []*hold
	byID  map[string]dataprovider.Upload
}

// hold reads the parts and returns how many bytes they have.
func (p *parts) hold(ctx context.Context, ids []string) (total int64, err error) {
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) { // in an order, so that two do not wait for each other
		if _, err := p.r.read(ctx, p.s, id); err != nil {
			return 0, err
		}
		h, err := p.r.acquire(ctx, id, func() {})
		if err != nil {
			return 0, err
		}
		p.holds = append(p.holds, h)
		if p.byID[id], err = p.part(ctx, id); err != nil {
			return 0, err
		}
	}
	for _, id := range ids {
		n := p.byID[id].Length
		if n > math.MaxInt64-total {
			return 0, refuse("upload", id, ErrTooLarge)
		}
		total += n
	}
	return total, nil
}

func (p *parts) part(ctx context.Context, id string) (dataprovider.Upload, error) {
	rec, err := p.r.read(ctx, p.s, id)
	switch {
	case err != nil:
		return rec, err
	case !rec.Partial:
		return rec, refuse("upload", id, ErrNotPart)
	case rec.State != dataprovider.UploadComplete:
		return rec, refuse("upload", id, ErrIncomplete)
	}
	return rec, nil
}

// pledged is what the parts have reserved, if that goes to what is made of them.
func (p *parts) pledged() (sum dataprovider.Amount) {
	q := p.s.account.quota
	q.pledged.mu.Lock()
	defer q.pledged.mu.Unlock()
	if !p.r.policy.RemoveParts || !q.pledged.known {
		return noAmount
	}
	for _, rec := range p.byID {
		sum = sum.Add(rec.Reserved)
	}
	return sum
}

// copyTo appends a part, within the storage where that can be.
func (p *parts) copyTo(ctx context.Context, u *Resumable, id string) error {
	rec := p.byID[id]
	f, err := p.s.fs.Open(ctx, rec.Data, vfs.Read)
	if errors.Is(err, vfs.ErrNotExist) {
		return refuse("upload", id, ErrGone)
	}
	if err != nil {
		return err
	}
	defer f.Close() // only read
	from := &Transfer{s: p.s, name: rec.Data, dir: Download, file: f}
	if rec.Length == 0 {
		return nil
	}
	n, err := from.copyRange(ctx, u.t, 0, rec.Length, u.size)
	u.size += n
	if err == nil && n < rec.Length {
		err = fmt.Errorf("upload %q: part %q: %w", u.rec.ID, id, ErrIncomplete)
	}
	return err
}

// done removes the parts if they are not to be kept. What they had reserved went to
// the whole.
func (p *parts) done(ctx context.Context) {
	if !p.r.policy.RemoveParts {
		return
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	q := p.s.account.quota
	for id, rec := range p.byID {
		u := Resumable{rs: p.r, s: p.s, rec: rec}
		err := q.giveBack(noAmount, func() error { return p.r.store.Delete(ctx, id) })
		if err != nil {
			p.r.log.Warn("a part of an upload stays until it expires", "upload", id, "error", err)
			continue
		}
		u.removeData(ctx)
	}
}

func (p *parts) release() {
	for _, h := range p.holds {
		h.release()
	}
}
