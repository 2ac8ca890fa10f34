package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// errInterrupted is the reason in the event of an upload that a crash ended.
var errInterrupted = errors.New("the server was stopped during the upload")

// errStopped is the same for a program.
var errStopped = errors.New("the server was stopped while the program ran")

// errUnknown: the storage cannot tell what became of an intention.
var errUnknown = errors.New("the outcome cannot be found out")

// Recover settles what a crash left between intention and outcome. It must run
// before the first session is opened, and beside sessions when another server of
// the same store was killed. It returns how many intentions it found. One whose
// storage cannot be looked at, because a disk is not mounted, is kept for the next
// start.
func (m *Manager) Recover(ctx context.Context) (int, error) {
	r := &recovery{m: m, storage: map[string]vfs.FS{}, counted: map[string]dataprovider.Amount{}}
	defer r.close()
	var list []*found
	for p, err := range m.store.Outbox().Pending(ctx) {
		if err != nil {
			return 0, fmt.Errorf("read intentions: %w", err)
		}
		if f := decode(p); f.err != nil || f.intent.Op != intentUser {
			list = append(list, f)
		}
	}
	r.followRenames(ctx, list)
	external := func(f *found) bool { return f.err == nil && f.intent.Op == intentExternal }
	for _, last := range []bool{false, true} { // programs: counting includes what the others did
		for _, f := range list {
			if external(f) != last {
				continue
			}
			if err := r.one(ctx, f); err != nil {
				return len(list), fmt.Errorf("settle intention %d: %w", f.id, err)
			}
		}
	}
	return len(list), nil
}

// found is an intention that was read back.
type found struct {
	id     int64
	intent intent
	err    error // it cannot be read
}

func decode(p dataprovider.Pending) *found {
	f := &found{id: p.ID}
	f.err = json.Unmarshal(p.Record, &f.intent)
	return f
}

// recovery holds what several intentions share.
type recovery struct {
	m       *Manager
	storage map[string]vfs.FS              // by user
	counted map[string]dataprovider.Amount // by file, of writes in place
}

func (r *recovery) close() {
	for _, f := range r.storage {
		_ = f.Close() // nothing was written through it
	}
}

// followRenames lets writes in place follow a rename that happened and could not
// say so any more.
func (r *recovery) followRenames(ctx context.Context, list []*found) {
	for _, f := range list {
		if f.err != nil || f.intent.Op != intentRename {
			continue
		}
		storage, err := r.open(ctx, &f.intent)
		if err != nil {
			continue
		}
		if happened, err := r.inspect(ctx, storage, &f.intent); err != nil || !happened {
			continue
		}
		for _, w := range list {
			in := &w.intent
			if w.err == nil && w.id < f.id && (in.Op == intentWrite || in.Op == intentTruncate) &&
				in.Event.Session.User == f.intent.Event.Session.User && vfs.Within(f.intent.Name, in.Name) {
				in.Name = f.intent.Target + strings.TrimPrefix(in.Name, f.intent.Name)
			}
		}
	}
}

func (r *recovery) one(ctx context.Context, f *found) error {
	in := &f.intent
	log := r.m.log.With("sender", "recovery", "id", f.id, "username", in.Event.Session.User,
		"virtual_path", in.Name, "operation", string(in.Op), "event_id", in.Event.ID)
	if f.err != nil {
		log.Error("an intention cannot be read and is dropped", "error", f.err)
		return r.m.store.Outbox().Drop(ctx, f.id)
	}
	happened := false
	storage, err := r.open(ctx, in)
	if err == nil && in.Op == intentExternal {
		happened, err = true, r.recount(ctx, in)
	} else if err == nil {
		happened, err = r.inspect(ctx, storage, in)
	}
	count := in.Count
	switch {
	case errors.Is(err, dataprovider.ErrNotFound): // with the account went its usage
		happened, count = r.orphan(in), false
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		log.Error("an interrupted operation is kept for the next start, its storage cannot be looked at", "error", err)
		return nil
	}
	log.Info("operation was interrupted", "happened", happened)
	if !happened {
		return r.m.store.Outbox().Drop(ctx, f.id)
	}
	owner, e := "", &in.Event
	if count {
		owner = in.Event.Session.User
	}
	if in.Quiet {
		e = nil
	}
	return r.m.journal.settle(ctx, f.id, e, owner, in.Delta, along{properties: in.Properties})
}

// recount makes what lies in the home of the user the usage, because nobody knows
// what a program did there, and completes its event.
func (r *recovery) recount(ctx context.Context, in *intent) error {
	fail(&in.Event, errStopped)
	if !in.Count {
		return nil
	}
	_, err := r.m.Scan(ctx, in.Event.Session.User)
	return err
}

// orphan decides about an intention whose account was deleted meanwhile: nobody
// can say what became of it. That an upload was begun is told all the same.
func (r *recovery) orphan(in *intent) bool {
	if in.Event.Kind == actions.CopyDone {
		return false
	}
	switch in.Op {
	case intentWrite, intentPublish, intentStaged:
		in.Event.Kind = actions.UploadFailed
		ended(&in.Event, 0, errUnknown)
		return true
	}
	return false
}

// open opens the storage that the intention was about, and no other that is where
// it was: a disk that is not mounted.
func (r *recovery) open(ctx context.Context, in *intent) (vfs.FS, error) {
	user := in.Event.Session.User
	f, ok := r.storage[user]
	if !ok {
		u, _, err := r.m.store.Users().Get(ctx, user)
		if err != nil {
			return nil, err
		}
		if f, err = r.m.openStorage(ctx, &u, toInspect); err != nil {
			return nil, err
		}
		r.storage[user] = f
	}
	root, err := f.Stat(ctx, "/")
	if err != nil {
		return nil, err
	}
	if in.Root != "" && in.Root != vfs.FileIDOf(root) {
		return nil, fmt.Errorf("the directory is not the one it was: %w", vfs.ErrUnavailable)
	}
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
	if l, ok := vfs.As[vfs.Linker](f); ok {
		stat = l.Lstat // names of files that were written are without links
	}
	info, err := stat(ctx, name)
	if err != nil {
		if !errors.Is(err, vfs.ErrNotExist) && !errors.Is(err, vfs.ErrNotDir) {
			return false, err
		}
		info = nil
	}
	same := info != nil && vfs.FileIDOf(info) == in.FileID
	switch in.Op {
	case intentPublish, intentRename:
		return same, nil
	case intentCopy:
		return same && info.Size() == in.Size, nil
	case intentMkdir:
		return info != nil && info.IsDir(), nil
	case intentStaged:
		ended(&in.Event, 0, errInterrupted)
		return true, nil
	case intentRemove:
		return !same, nil
	case intentWrite, intentTruncate:
		if info != nil && in.FileID != "" && !same {
			info = nil // another file has taken the name
		}
		if info == nil && in.Lost {
			if info, err = findFile(ctx, f, in.FileID); err != nil {
				return false, err
			}
		}
		return r.written(in, info), nil
	}
	return false, fmt.Errorf("unknown operation %q", in.Op)
}

// written completes the intention of a write in place, and reports whether there
// is anything to tell or to book. info is what was written; nil when it has gone.
func (r *recovery) written(in *intent, info fs.FileInfo) bool {
	file := in.FileID
	if info != nil {
		file = vfs.FileIDOf(info)
	}
	if file == "" {
		file = in.Event.Object.Path
	}
	before, ok := r.counted[file]
	if !ok {
		before = in.Before
	}
	after := amountOf(info)
	r.counted[file] = after
	in.Delta = minus(after, before)
	in.Event.Kind = actions.UploadFailed
	ended(&in.Event, after.Bytes, errInterrupted)
	// The file is as it was, or was never made: it had not been opened yet.
	asBefore := info != nil && in.FileID != "" && info.Size() == in.Size && info.ModTime().Equal(in.Modified)
	in.Quiet = in.Quiet || in.Op == intentTruncate || asBefore || info == nil && in.FileID == ""
	return !in.Quiet || !in.Delta.IsZero()
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
		spec, err := specOf(&u, toInspect)
		if err != nil || seen[string(spec.Config)] {
			continue
		}
		seen[string(spec.Config)] = true
		m.sweepUser(ctx, &u)
	}
}

func (m *Manager) sweepUser(ctx context.Context, u *dataprovider.User) {
	f, err := m.openStorage(ctx, u, toInspect)
	if errors.Is(err, vfs.ErrNotExist) {
		return // nobody has logged in yet
	}
	if err != nil {
		m.log.Warn("storage cannot be opened", "sender", "recovery", "username", u.Username, "error", err)
		return
	}
	defer f.Close()
	m.sweepProperties(ctx, u, f)
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
