package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/infofile"
	"sftpgo/dataprovider/inforedis"
	"sftpgo/dataprovider/memstore"
	"sftpgo/dataprovider/sqlstore"
)

// tusPlace is where a stand-alone server keeps what it knows. Several processes may
// share the directories: each has a numbered one for its own events.
type tusPlace struct {
	data    string // absolute
	own     *tusSlot
	left    []*tusSlot // of processes that have ended, with what they did not deliver
	uploads dataprovider.Uploads
	close   func() error // of uploads
}

// tusSlot is a store for the events of one process.
type tusSlot struct {
	slot  *infofile.Slot
	store *sqlstore.Store
}

// tusHidden is the directory for all that is no upload, below that of the records.
const tusHidden = ".sftpgo"

// openTusPlace makes what is missing.
func openTusPlace(ctx context.Context, f *tusDataFlags) (_ *tusPlace, err error) {
	p := &tusPlace{close: func() error { return nil }}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	if p.data, err = realDirectory(f.dataDir); err != nil {
		return nil, flagError("data-dir", "%w", err)
	}
	info, err := realDirectory(f.infoDir)
	if err != nil {
		return nil, flagError("info-dir", "%w", err)
	}
	hidden := filepath.Join(info, tusHidden)
	slot, err := infofile.TakeSlot(filepath.Join(hidden, "processes"))
	if err != nil {
		return nil, flagError("info-dir", "%w", err)
	}
	if p.own, err = openTusSlot(ctx, slot); err != nil {
		return nil, err
	}
	if err := p.adopt(ctx, filepath.Dir(slot.Dir)); err != nil {
		return nil, err
	}
	return p, p.openUploads(ctx, f, info)
}

func realDirectory(path string) (string, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return "", err
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

func openTusSlot(ctx context.Context, slot *infofile.Slot) (*tusSlot, error) {
	store, err := sqlstore.Open(ctx, sqlstore.Config{Path: filepath.Join(slot.Dir, "events.db"), Exclusive: true})
	if err != nil {
		return nil, errors.Join(err, slot.Close())
	}
	return &tusSlot{slot, store}, nil
}

// adopt takes the events of processes that have ended before they had delivered
// them. A directory without any is left to the next process.
func (p *tusPlace) adopt(ctx context.Context, dir string) error {
	slots, err := infofile.TakeAbandoned(dir)
	if err != nil {
		return flagError("info-dir", "%w", err)
	}
	for i, slot := range slots {
		left, err := openTusSlot(ctx, slot)
		if err != nil {
			for _, s := range slots[i+1:] {
				err = errors.Join(err, s.Close())
			}
			return err
		}
		empty, err := left.empty(ctx)
		if err != nil || empty {
			err = errors.Join(err, left.Close())
		} else {
			p.left = append(p.left, left)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// empty reports whether nothing waits in the store.
func (s *tusSlot) empty(ctx context.Context) (bool, error) {
	for _, err := range s.store.Outbox().Pending(ctx) {
		return false, err
	}
	backlog, err := s.store.Outbox().Backlog(ctx)
	for _, b := range backlog {
		if b.Queued > 0 {
			return false, err
		}
	}
	return true, err
}

// Close implements io.Closer.
func (s *tusSlot) Close() error { return errors.Join(s.store.Close(), s.slot.Close()) }

func (p *tusPlace) openUploads(ctx context.Context, f *tusDataFlags, info string) error {
	if f.infoStorage == infoRedis {
		s, err := inforedis.Open(ctx, inforedis.Config{URL: f.infoDSN, Expiration: time.Duration(f.redisLifetime) * time.Second})
		if err != nil {
			return flagError("info-db-dsn", "%w", err)
		}
		p.uploads, p.close = s, s.Close
		return nil
	}
	cfg := infofile.Config{Dir: info, Data: p.data, Leases: filepath.Join(info, tusHidden, "leases")}
	if f.forceFsync {
		cfg.Durability = infofile.Synced
	}
	s, err := infofile.Open(cfg)
	if err == nil {
		p.uploads, p.close = s, s.Close
		err = s.Sweep()
	}
	if err != nil {
		return flagError("info-dir", "%w", err)
	}
	return nil
}

// Close implements io.Closer.
func (p *tusPlace) Close() error {
	errs := []error{p.close()}
	for _, s := range append(p.left, p.own) {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

// tusStore is what sessions want of a store: one user, who is everybody, and the
// uploads of the place.
type tusStore struct {
	dataprovider.Store
	users   dataprovider.Collection[dataprovider.User]
	uploads dataprovider.Uploads
}

// Users implements dataprovider.Store.
func (s tusStore) Users() dataprovider.Collection[dataprovider.User] { return s.users }

// Uploads implements dataprovider.Store.
func (s tusStore) Uploads() dataprovider.Uploads { return s.uploads }

// everybody is the user of all requests.
func everybody(ctx context.Context, home string) (dataprovider.Collection[dataprovider.User], dataprovider.User, error) {
	u := dataprovider.User{
		Username: "everybody", Status: dataprovider.StatusEnabled, HomeDir: home,
		Permissions: map[string][]string{"/": {dataprovider.PermAny}},
	}
	users := memstore.New(memstore.Config{}).Users()
	if _, err := users.Put(ctx, u, 0); err != nil {
		return nil, u, fmt.Errorf("user of all requests: %w", err)
	}
	return users, u, nil
}
