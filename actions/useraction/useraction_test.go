package useraction_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/actions/useraction"
	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
)

const target = "data_provider.actions"

func all() []actions.Kind {
	return []actions.Kind{actions.UserAdded, actions.UserUpdated, actions.UserDeleted}
}

func alice() dataprovider.User {
	return dataprovider.User{
		Username: "alice", Status: 1, ExpirationDate: 1700000000000, HomeDir: "/srv/data/alice", UID: 1000, GID: 100,
		Password: "$argon2id$seeded", PublicKeys: []string{"ssh-ed25519 AAAA alice@pc"}, Permissions: map[string][]string{"/": {"*"}},
	}
}

// told takes what waits for the hook.
func told(t *testing.T, s dataprovider.Store) []actions.Event {
	t.Helper()
	var events []actions.Event
	for {
		list, err := s.Outbox().Claim(t.Context(), target, 100, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			return events
		}
		for _, d := range list {
			var e actions.Event
			if err := json.Unmarshal(d.Event, &e); err != nil {
				t.Fatal(err)
			}
			events = append(events, e)
			if err := s.Outbox().Done(t.Context(), d.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func pending(t *testing.T, s dataprovider.Store) int {
	t.Helper()
	n := 0
	for _, err := range s.Outbox().Pending(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func TestChangesAreTold(t *testing.T) {
	inner := memstore.New(memstore.Config{})
	s := useraction.Record(inner, target, all())
	ctx := t.Context()
	u := alice()
	rev, err := s.Users().Put(ctx, u, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inner.Usage().Add(ctx, "alice", dataprovider.Amount{Files: 2, Bytes: 30}); err != nil {
		t.Fatal(err)
	}
	u.Status = 0
	if _, err := s.Users().Put(ctx, u, rev); err != nil {
		t.Fatal(err)
	}
	stored, _, err := inner.Users().Get(ctx, "alice")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Users().Delete(ctx, "alice"); err != nil {
		t.Fatal(err)
	}
	type line struct {
		kind          actions.Kind
		user          string
		id            int64
		status        int
		password      string
		key           string
		files, record int64
	}
	var got []line
	for _, e := range told(t, inner) {
		var shown dataprovider.User
		if err := json.Unmarshal(e.Account.Record, &shown); err != nil {
			t.Fatal(err)
		}
		got = append(got, line{
			e.Kind, e.Session.User, e.Account.ID, e.Account.Status, shown.Password, shown.PublicKeys[0], int64(shown.UsedQuotaFiles), shown.ID,
		})
		if a := e.Account; a.Expiration != u.ExpirationDate || a.Home != u.HomeDir || a.UID != 1000 || a.GID != 100 {
			t.Errorf("%s: %+v", e.Kind, a)
		}
	}
	id := stored.ID
	want := []line{
		{actions.UserAdded, "alice", id, 1, "", u.PublicKeys[0], 0, id},
		{actions.UserUpdated, "alice", id, 0, "", u.PublicKeys[0], 2, id},
		{actions.UserDeleted, "alice", id, 0, "", u.PublicKeys[0], 2, id},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(line{})); d != "" || id == 0 {
		t.Error(id, d)
	}
	if n := pending(t, inner); n != 0 {
		t.Errorf("%d intentions are left", n)
	}
}

// TestFailedChangesAreNotTold checks that nothing is told, and nothing left, of what
// did not happen.
func TestFailedChangesAreNotTold(t *testing.T) {
	inner := memstore.New(memstore.Config{})
	ctx := t.Context()
	if _, err := inner.Users().Put(ctx, alice(), 0); err != nil {
		t.Fatal(err)
	}
	s := useraction.Record(inner, target, all())
	if _, err := s.Users().Put(ctx, alice(), 0); !errors.Is(err, dataprovider.ErrExists) {
		t.Errorf("added twice: %v", err)
	}
	if _, err := s.Users().Put(ctx, alice(), 12345); !errors.Is(err, dataprovider.ErrConflict) {
		t.Errorf("updated an old record: %v", err)
	}
	if err := s.Users().Delete(ctx, "bob"); !errors.Is(err, dataprovider.ErrNotFound) {
		t.Errorf("deleted nobody: %v", err)
	}
	if events := told(t, inner); len(events) > 0 || pending(t, inner) > 0 {
		t.Errorf("told %v, %d intentions", events, pending(t, inner))
	}
}

// TestOnlyWhatIsWanted checks the setting execute_on.
func TestOnlyWhatIsWanted(t *testing.T) {
	inner := memstore.New(memstore.Config{})
	if useraction.Record(inner, target, nil) != dataprovider.Store(inner) {
		t.Error("a store is wrapped for nothing")
	}
	s := useraction.Record(inner, target, []actions.Kind{actions.UserUpdated})
	ctx := t.Context()
	rev, err := s.Users().Put(ctx, alice(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Users().Put(ctx, alice(), rev); err != nil {
		t.Fatal(err)
	}
	if err := s.Users().Delete(ctx, "alice"); err != nil {
		t.Fatal(err)
	}
	if events := told(t, inner); len(events) != 1 || events[0].Kind != actions.UserUpdated {
		t.Errorf("told %v", events)
	}
}

var errDead = errors.New("the process is dead")

// dying is a store whose outbox stops working when an intention was stated.
type dying struct {
	dataprovider.Store
	users bool // that are changed all the same
}

func (d dying) Outbox() dataprovider.Outbox { return dyingOutbox{d.Store.Outbox()} }

func (d dying) Users() dataprovider.Collection[dataprovider.User] {
	return dyingUsers{d.Store.Users(), d.users}
}

type dyingOutbox struct{ dataprovider.Outbox }

func (dyingOutbox) Settle(context.Context, int64, dataprovider.Settlement) (dataprovider.Amount, error) {
	return dataprovider.Amount{}, errDead
}
func (dyingOutbox) Drop(context.Context, int64) error { return errDead }

type dyingUsers struct {
	dataprovider.Collection[dataprovider.User]
	alive bool
}

func (d dyingUsers) Put(ctx context.Context, v dataprovider.User, rev dataprovider.Revision) (dataprovider.Revision, error) {
	if !d.alive {
		return 0, errDead
	}
	return d.Collection.Put(ctx, v, rev)
}

func (d dyingUsers) Delete(ctx context.Context, name string) error {
	if !d.alive {
		return errDead
	}
	return d.Collection.Delete(ctx, name)
}

// TestRecover kills a command before and after each change.
func TestRecover(t *testing.T) {
	for name, change := range map[string]func(ctx context.Context, s dataprovider.Store, rev dataprovider.Revision) error{
		"add": func(ctx context.Context, s dataprovider.Store, _ dataprovider.Revision) error {
			_, err := s.Users().Put(ctx, alice(), 0)
			return err
		},
		"update": func(ctx context.Context, s dataprovider.Store, rev dataprovider.Revision) error {
			_, err := s.Users().Put(ctx, alice(), rev)
			return err
		},
		"delete": func(ctx context.Context, s dataprovider.Store, _ dataprovider.Revision) error {
			return s.Users().Delete(ctx, "alice")
		},
	} {
		for _, happened := range []bool{false, true} {
			inner := memstore.New(memstore.Config{})
			ctx := t.Context()
			var rev dataprovider.Revision
			if name != "add" {
				var err error
				if rev, err = inner.Users().Put(ctx, alice(), 0); err != nil {
					t.Fatal(err)
				}
			}
			err := change(ctx, useraction.Record(dying{inner, happened}, target, all()), rev)
			if !errors.Is(err, errDead) {
				t.Fatalf("%s: %v", name, err)
			}
			if n, err := useraction.Recover(ctx, inner); err != nil || n != 1 {
				t.Errorf("%s: recovered %d, %v", name, n, err)
			}
			events := told(t, inner)
			if !happened && len(events) > 0 || happened && (len(events) != 1 || events[0].Kind != actions.Kind("user."+name) || events[0].Account.ID == 0) {
				t.Errorf("%s, happened %v: told %+v", name, happened, events)
			}
			if n, err := useraction.Recover(ctx, inner); err != nil || n != 0 {
				t.Errorf("%s: recovered again %d, %v", name, n, err)
			}
		}
	}
}

// starting is a store whose accounts are changed while a server starts, which takes the
// command for one that was killed.
type starting struct {
	dataprovider.Store
	t *testing.T
}

func (s starting) Users() dataprovider.Collection[dataprovider.User] {
	return startingUsers{s.Store.Users(), s}
}

type startingUsers struct {
	dataprovider.Collection[dataprovider.User]
	s starting
}

func (u startingUsers) start(ctx context.Context) {
	if _, err := useraction.Recover(ctx, u.s.Store); err != nil {
		u.s.t.Error(err)
	}
}

func (u startingUsers) Put(ctx context.Context, v dataprovider.User, rev dataprovider.Revision) (dataprovider.Revision, error) {
	u.start(ctx)
	return u.Collection.Put(ctx, v, rev)
}

func (u startingUsers) Delete(ctx context.Context, name string) error {
	err := u.Collection.Delete(ctx, name)
	u.start(ctx)
	return err
}

// TestServerStartsMeanwhile: the event of a change is not lost when the server looks
// between the intention and the change, nor is the command told of a fault.
func TestServerStartsMeanwhile(t *testing.T) {
	inner := memstore.New(memstore.Config{})
	s := useraction.Record(starting{inner, t}, target, all())
	rev, err := s.Users().Put(t.Context(), alice(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Users().Put(t.Context(), alice(), rev); err != nil {
		t.Fatal(err)
	}
	if err := s.Users().Delete(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	ids := map[actions.Kind]map[string]bool{}
	for _, e := range told(t, inner) {
		if ids[e.Kind] == nil {
			ids[e.Kind] = map[string]bool{}
		}
		ids[e.Kind][e.ID] = true
	}
	for _, k := range all() {
		if len(ids[k]) != 1 {
			t.Errorf("%s: told under %d ids", k, len(ids[k]))
		}
	}
	if n := pending(t, inner); n != 0 {
		t.Errorf("%d intentions are left", n)
	}
}
