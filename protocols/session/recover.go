package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// errInterrupted is the reason in the event of an upload that a crash ended.
var errInterrupted = errors.New("the server was stopped during the upload")

// Recover settles what a crash left between intention and outcome. It must run
// before the first session is opened. It returns how many intentions it found.
func (m *Manager) Recover(ctx context.Context) (int, error) {
	r := &recovery{m: m, storage: map[string]vfs.FS{}, counted: map[string]dataprovider.Amount{}}
	defer r.close()
	var found []dataprovider.Pending
	for p, err := range m.store.Outbox().Pending(ctx) {
		if err != nil {
			return 0, fmt.Errorf("read intentions: %w", err)
		}
		found = append(found, p)
	}
	for _, p := range found {
		if err := r.one(ctx, p); err != nil {
			return len(found), fmt.Errorf("settle intention %d: %w", p.ID, err)
		}
	}
	return len(found), nil
}

// recovery holds what several intentions share.
type recovery struct {
	m       *Manager
	storage map[string]vfs.FS              // by user
	counted map[string]dataprovider.Amount // by storage path, of writes in place
}

func (r *recovery) close() {
	for _, f := range r.storage {
		_ = f.Close() // nothing was written through it
	}
}

func (r *recovery) one(ctx context.Context, p dataprovider.Pending) error {
	var in intent
	if err := json.Unmarshal(p.Record, &in); err != nil {
		r.m.log.Error("an intention cannot be read and is dropped", "sender", "recovery", "id", p.ID, "error", err)
		return r.m.store.Outbox().Drop(ctx, p.ID)
	}
	f, err := r.open(ctx, in.Event.Session.User)
	if err != nil {
		r.m.log.Warn("an intention is dropped, its storage cannot be opened", "sender", "recovery",
			"username", in.Event.Session.User, "virtual_path", in.Name, "error", err)
		return r.m.store.Outbox().Drop(ctx, p.ID)
	}
	happened, err := r.inspect(ctx, f, &in)
	if err != nil {
		return err
	}
	r.m.log.Info("operation was interrupted", "sender", "recovery", "username", in.Event.Session.User,
		"virtual_path", in.Name, "operation", string(in.Op), "event_id", in.Event.ID, "happened", happened)
	if !happened {
		return r.m.store.Outbox().Drop(ctx, p.ID)
	}
	owner := ""
	if in.Count {
		owner = in.Event.Session.User
	}
	return r.m.journal.settle(ctx, p.ID, in.Event, owner, in.Delta)
}

func (r *recovery) open(ctx context.Context, user string) (vfs.FS, error) {
	if f, ok := r.storage[user]; ok {
		return f, nil
	}
	u, _, err := r.m.store.Users().Get(ctx, user)
	if err != nil {
		return nil, err
	}
	f, err := r.m.openStorage(ctx, &u)
	if err != nil {
		return nil, err
	}
	r.storage[user] = f
	return f, nil
}

// inspect looks at the storage: did the change happen? It completes delta and
// event of a write in place.
func (r *recovery) inspect(ctx context.Context, f vfs.FS, in *intent) (bool, error) {
	name := in.Name
	if in.Op == intentRename {
		name = in.Target
	}
	stat := f.Stat
	if l, ok := vfs.As[vfs.Linker](f); ok && (in.Op == intentRemove || in.Op == intentRename) {
		stat = l.Lstat
	}
	info, err := stat(ctx, name)
	missing := errors.Is(err, vfs.ErrNotExist)
	if err != nil && !missing {
		return false, err
	}
	same := !missing && vfs.FileIDOf(info) == in.FileID
	switch in.Op {
	case intentPublish, intentRename:
		return same, nil
	case intentRemove:
		return !same, nil
	case intentWrite:
		path := in.Event.Object.Path
		before, ok := r.counted[path]
		if !ok {
			before = in.Before
		}
		after := amountOf(info)
		r.counted[path] = after
		in.Delta = minus(after, before)
		in.Event.Kind = actions.UploadFailed
		in.Event.Result.Size = after.Bytes
		fail(&in.Event, errInterrupted)
		return !missing || !in.Delta.IsZero(), nil
	}
	return false, fmt.Errorf("unknown operation %q", in.Op)
}

// Sweep removes what killed uploads left in the storage of all users. It may run
// beside sessions.
func (m *Manager) Sweep(ctx context.Context) {
	seen := map[string]bool{}
	for u, err := range m.store.Users().List(ctx, "") {
		if err != nil {
			m.log.Warn("sweep of unfinished uploads stopped", "sender", "recovery", "error", err)
			return
		}
		spec, err := specOf(&u)
		if err != nil || seen[string(spec.Config)] {
			continue
		}
		seen[string(spec.Config)] = true
		m.sweepUser(ctx, &u)
	}
}

func (m *Manager) sweepUser(ctx context.Context, u *dataprovider.User) {
	f, err := m.openStorage(ctx, u)
	if err != nil {
		m.log.Warn("storage cannot be opened", "sender", "recovery", "username", u.Username, "error", err)
		return
	}
	defer f.Close()
	sw, ok := vfs.As[vfs.Sweeper](f)
	if !ok {
		return
	}
	n, err := sw.Sweep(ctx)
	if err != nil && ctx.Err() == nil {
		m.log.Warn("sweep of unfinished uploads failed", "sender", "recovery", "username", u.Username, "error", err)
	}
	if n > 0 {
		m.log.Info("removed unfinished uploads", "sender", "recovery", "username", u.Username, "files", n)
	}
}
