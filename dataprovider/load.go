package dataprovider

import (
	"context"
	"errors"
	"fmt"
)

// LoadMode says what happens to users that are there already.
type LoadMode int

// The modes, as --loaddata-mode numbers them.
const (
	LoadUpdate LoadMode = 0 // add and update
	LoadAdd    LoadMode = 1 // add only
)

// LoadReport says what became of each user of a dump, by name.
type LoadReport struct {
	Added, Updated, Kept []string
	Removed              []string // by Mirror
	Failed               []LoadFailure
}

// LoadFailure is a user that could not be loaded, and why.
type LoadFailure struct {
	Name string
	Err  error
}

// Load stores the users of a dump. Each passes through prepare, which validates
// it and fills it in (User.Prepared); one that fails is reported and does not stop
// the rest. An updated user keeps the id and the usage that it has here. The error
// tells that the store or ctx is at an end; the report then says how far it got.
func Load(
	ctx context.Context, store Store, d Dump, mode LoadMode, prepare func(context.Context, User) (User, error),
) (LoadReport, error) {
	var report LoadReport
	if mode != LoadUpdate && mode != LoadAdd {
		return report, fmt.Errorf("load mode %d is not 0 or 1", mode)
	}
	report.Failed = append(report.Failed, d.Broken...)
	for i, u := range d.Users {
		outcome, err := loadUser(ctx, store.Users(), u, mode, prepare)
		if ctx.Err() != nil {
			return report, fmt.Errorf("load users: %w", ctx.Err())
		}
		if errors.Is(err, ErrUnavailable) {
			return report, fmt.Errorf("load users: %w", err)
		}
		if err != nil {
			name := u.Username
			if name == "" {
				name = fmt.Sprintf("users[%d]", i)
			}
			report.Failed = append(report.Failed, LoadFailure{Name: name, Err: err})
			continue
		}
		list := outcome(&report)
		*list = append(*list, u.Username)
	}
	return report, nil
}

// Mirror loads a dump with LoadUpdate, then removes the users that are not in it:
// for a store that is nothing but the copy of a file. A user that could not be
// loaded stays as it was.
func Mirror(
	ctx context.Context, store Store, d Dump, prepare func(context.Context, User) (User, error),
) (LoadReport, error) {
	report, err := Load(ctx, store, d, LoadUpdate, prepare)
	if err != nil {
		return report, err
	}
	named := map[string]bool{}
	for _, u := range d.Users {
		named[u.Username] = true
	}
	for _, b := range d.Broken {
		named[b.Name] = true
	}
	for u, err := range store.Users().List(ctx, "") {
		if err != nil {
			return report, fmt.Errorf("remove users: %w", err)
		}
		if named[u.Username] {
			continue
		}
		if err := store.Users().Delete(ctx, u.Username); err != nil && !errors.Is(err, ErrNotFound) {
			return report, fmt.Errorf("remove users: %w", err)
		}
		report.Removed = append(report.Removed, u.Username)
	}
	return report, nil
}

// outcome is the list of a report that a user belongs to.
type outcome func(*LoadReport) *[]string

func added(r *LoadReport) *[]string   { return &r.Added }
func updated(r *LoadReport) *[]string { return &r.Updated }
func kept(r *LoadReport) *[]string    { return &r.Kept }

// loadUser tries again when somebody else changes the record at the same moment.
func loadUser(
	ctx context.Context, users Collection[User], u User, mode LoadMode, prepare func(context.Context, User) (User, error),
) (result outcome, err error) {
	var prepared *User
	for range 5 {
		_, rev, err := users.Get(ctx, u.Username)
		switch {
		case err == nil && mode == LoadAdd:
			return kept, nil
		case err != nil && !errors.Is(err, ErrNotFound):
			return nil, err
		}
		if prepared == nil { // after Get: to hash a password is dear
			p, err := prepare(ctx, u)
			if err != nil {
				return nil, err
			}
			if p.Username != u.Username {
				return nil, fmt.Errorf("%w: the name would be stored as %q", ErrInvalid, p.Username)
			}
			prepared = &p
		}
		_, err = users.Put(ctx, *prepared, rev)
		switch {
		case err == nil && rev == 0:
			return added, nil
		case err == nil:
			return updated, nil
		case !errors.Is(err, ErrExists) && !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound):
			return nil, err
		}
	}
	return nil, fmt.Errorf("user %q: %w", u.Username, ErrConflict)
}
