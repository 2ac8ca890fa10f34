package session

import (
	"context"
	"sync"

	"sftpgo/dataprovider"
)

// pledges are what the resumable uploads of a user have reserved, also those that no
// request works on at the moment. They are read from the store when they are first
// asked for in the life of the account.
type pledges struct {
	mu     sync.Mutex // held over a change of the store and what follows from it
	known  bool
	open   int
	recall func(ctx context.Context, owner string) (dataprovider.Amount, int, error) // nil: there are none
}

// pledges reads what the open uploads of an owner have reserved, and how many there
// are.
func (r *Resumables) pledges(ctx context.Context, owner string) (sum dataprovider.Amount, open int, err error) {
	for rec, err := range r.store.List(ctx, owner, "") {
		if err != nil {
			return noAmount, 0, err
		}
		sum = sum.Add(rec.Reserved)
		if rec.State == dataprovider.UploadOpen || rec.State == dataprovider.UploadVerifying || rec.Partial && rec.State == dataprovider.UploadComplete {
			open++
		}
	}
	return sum, open, nil
}

// recollect makes sure that the pledges are known. The lock of the pledges is held.
func (q *quota) recollect(ctx context.Context) error {
	p := &q.pledged
	if p.known || p.recall == nil {
		return nil
	}
	sum, open, err := p.recall(ctx, q.owner)
	if err != nil {
		return err
	}
	q.restore(sum)
	p.open, p.known = open, true
	return nil
}

// recalled makes sure that the pledges are known.
func (q *quota) recalled(ctx context.Context) error {
	q.pledged.mu.Lock()
	defer q.pledged.mu.Unlock()
	return q.recollect(ctx)
}

// restore reserves without asking whether there is room: it was reserved before.
func (q *quota) restore(a dataprovider.Amount) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.reserved = q.reserved.Add(a)
}

// taken is a room with what an upload has pledged, if that counts.
func (q *quota) taken(a dataprovider.Amount) *room {
	q.pledged.mu.Lock()
	defer q.pledged.mu.Unlock()
	if !q.pledged.known {
		return &room{}
	}
	return &room{quota: q, top: a.Bytes, reserved: a}
}

// tooMany is ErrTooMany when the owner has as many uploads as allowed. The lock of
// the pledges is held.
func (r *Resumables) tooMany(s *Session) error {
	if limit := r.policy.MaxOpen; limit > 0 && s.account.quota.pledged.open >= limit {
		return ErrTooMany
	}
	return nil
}

// pledge reserves a for a new upload, if there is room, and keeps it if save
// succeeds.
func (r *Resumables) pledge(ctx context.Context, s *Session, a dataprovider.Amount, save func() error) error {
	q := s.account.quota
	p := &q.pledged
	p.mu.Lock()
	defer p.mu.Unlock()
	if q.limited() || r.policy.MaxOpen > 0 {
		if err := q.recollect(ctx); err != nil {
			return err
		}
	}
	if err := r.tooMany(s); err != nil {
		return err
	}
	if p.known {
		if err := q.reserve(a); err != nil {
			return err
		}
	}
	if err := save(); err != nil {
		if p.known {
			q.release(a)
		}
		return err
	}
	p.open++
	return nil
}

// raise makes the reservation of an open upload at least as large as it must be.
func (u *Resumable) raise(ctx context.Context, want dataprovider.Amount) error {
	q := u.s.account.quota
	q.pledged.mu.Lock()
	defer q.pledged.mu.Unlock()
	more := minus(want, u.rec.Reserved)
	more.Files, more.Bytes = max(0, more.Files), max(0, more.Bytes)
	if q.pledged.known {
		if err := q.reserve(more); err != nil {
			return refuse("upload", u.rec.ID, err)
		}
	}
	rec := u.rec
	rec.Reserved = rec.Reserved.Add(more)
	rec.Length = want.Bytes
	if err := u.rs.store.Save(ctx, rec); err != nil {
		if q.pledged.known {
			q.release(more)
		}
		return err
	}
	u.rec = rec
	return nil
}

// giveBack changes the store and gives back what an upload that it ends had
// reserved.
func (q *quota) giveBack(a dataprovider.Amount, change func() error) error {
	q.pledged.mu.Lock()
	defer q.pledged.mu.Unlock()
	if err := change(); err != nil {
		return err
	}
	if q.pledged.known {
		q.release(a)
	}
	q.pledged.open = max(0, q.pledged.open-1)
	return nil
}
