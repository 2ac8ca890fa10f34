package dataprovider_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
)

var errRefused = errors.New("refused by the test")

// prepare refuses users without a home, and marks the others.
func prepare(_ context.Context, u dataprovider.User) (dataprovider.User, error) {
	if u.HomeDir == "" {
		return u, fmt.Errorf("home_dir: %w", errRefused)
	}
	u.Password = "hash of " + u.Password
	return u, nil
}

// loadStore has alice and zoe, and alice uses something.
func loadStore(t *testing.T) *memstore.Store {
	t.Helper()
	s := memstore.New(memstore.Config{})
	for _, u := range []dataprovider.User{{Username: "zoe"}, {Username: "alice", Description: "old"}} {
		if _, err := s.Users().Put(t.Context(), u, 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Usage().Add(t.Context(), "alice", dataprovider.Amount{Files: 1}); err != nil {
		t.Fatal(err)
	}
	return s
}

func loadDump() dataprovider.Dump {
	return dataprovider.Dump{
		Users: []dataprovider.User{
			{ID: 900, Username: "alice", HomeDir: "/a", Description: "new", Password: "p", UsedQuotaFiles: 50},
			{Username: "homeless"},
			{Username: "bob", HomeDir: "/b"},
			{HomeDir: "/x"},
		},
		Broken: []dataprovider.LoadFailure{{Name: "carol", Err: dataprovider.ErrInvalid}},
	}
}

func checkReport(t *testing.T, want, got dataprovider.LoadReport) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateErrors()); d != "" {
		t.Error("report (-want +got):\n" + d)
	}
}

func failures() []dataprovider.LoadFailure {
	return []dataprovider.LoadFailure{
		{Name: "carol", Err: dataprovider.ErrInvalid},
		{Name: "homeless", Err: errRefused},
		{Name: "users[3]", Err: dataprovider.ErrInvalid},
	}
}

func TestLoadUpdate(t *testing.T) {
	s := loadStore(t)
	before, _, _ := s.Users().Get(t.Context(), "alice")
	report, err := dataprovider.Load(t.Context(), s, loadDump(), dataprovider.LoadUpdate, prepare)
	if err != nil {
		t.Fatal(err)
	}
	checkReport(t, dataprovider.LoadReport{Added: []string{"bob"}, Updated: []string{"alice"}, Failed: failures()}, report)
	alice, _, err := s.Users().Get(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	want := dataprovider.User{ID: before.ID, Username: "alice", HomeDir: "/a", Description: "new", Password: "hash of p"}
	if d := cmp.Diff(want, alice); d != "" {
		t.Error("alice (-want +got):\n" + d)
	}
	if r, err := s.Usage().Get(t.Context(), "alice"); err != nil || r.Files != 1 {
		t.Errorf("usage after the load: %+v, %v", r, err)
	}
}

func TestLoadAdd(t *testing.T) {
	s := loadStore(t)
	prepared := 0
	report, err := dataprovider.Load(t.Context(), s, loadDump(), dataprovider.LoadAdd,
		func(ctx context.Context, u dataprovider.User) (dataprovider.User, error) {
			prepared++
			return prepare(ctx, u)
		})
	if err != nil {
		t.Fatal(err)
	}
	checkReport(t, dataprovider.LoadReport{Added: []string{"bob"}, Kept: []string{"alice"}, Failed: failures()}, report)
	if alice, _, _ := s.Users().Get(t.Context(), "alice"); alice.Description != "old" {
		t.Errorf("alice was changed: %+v", alice)
	}
	if prepared != 3 {
		t.Errorf("%d users were prepared; one that is kept should not be", prepared)
	}
}

func TestMirror(t *testing.T) {
	s := loadStore(t)
	if _, err := s.Users().Put(t.Context(), dataprovider.User{Username: "carol"}, 0); err != nil {
		t.Fatal(err)
	}
	report, err := dataprovider.Mirror(t.Context(), s, loadDump(), prepare)
	if err != nil {
		t.Fatal(err)
	}
	checkReport(t, dataprovider.LoadReport{
		Added: []string{"bob"}, Updated: []string{"alice"}, Removed: []string{"zoe"}, Failed: failures(),
	}, report)
	var left []string
	for u := range s.Users().List(t.Context(), "") {
		left = append(left, u.Username)
	}
	if d := cmp.Diff([]string{"alice", "bob", "carol"}, left); d != "" {
		t.Error("left (-want +got):\n" + d)
	}
}

func TestLoadStops(t *testing.T) {
	if _, err := dataprovider.Load(t.Context(), loadStore(t), loadDump(), 2, prepare); err == nil {
		t.Error("mode 2 was accepted")
	}
	s := loadStore(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := dataprovider.Load(t.Context(), s, loadDump(), dataprovider.LoadUpdate, prepare); !errors.Is(err, dataprovider.ErrUnavailable) {
		t.Errorf("closed store: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	report, err := dataprovider.Load(ctx, loadStore(t), loadDump(), dataprovider.LoadUpdate,
		func(ctx context.Context, u dataprovider.User) (dataprovider.User, error) {
			if u.Username == "bob" {
				cancel()
			}
			return prepare(ctx, u)
		})
	if !errors.Is(err, context.Canceled) || len(report.Updated) != 1 || len(report.Added) != 0 {
		t.Errorf("cancelled: %+v, %v", report, err)
	}
}

// racing lets somebody else change alice once, between Get and Put.
type racing struct {
	dataprovider.Collection[dataprovider.User]
	once bool
}

func (r *racing) Put(ctx context.Context, u dataprovider.User, rev dataprovider.Revision) (dataprovider.Revision, error) {
	if !r.once {
		r.once = true
		if _, err := r.Collection.Put(ctx, dataprovider.User{Username: u.Username, Description: "theirs"}, rev); err != nil {
			return 0, err
		}
	}
	return r.Collection.Put(ctx, u, rev)
}

type racingStore struct {
	dataprovider.Store
	users *racing
}

func (s racingStore) Users() dataprovider.Collection[dataprovider.User] { return s.users }

func TestLoadRace(t *testing.T) {
	inner := loadStore(t)
	for _, name := range []string{"alice", "bob"} { // updated, and added by somebody else at the same moment
		s := racingStore{inner, &racing{Collection: inner.Users()}}
		d := dataprovider.Dump{Users: []dataprovider.User{{Username: name, HomeDir: "/h", Description: "ours"}}}
		report, err := dataprovider.Load(t.Context(), s, d, dataprovider.LoadUpdate, prepare)
		if err != nil {
			t.Fatal(err)
		}
		checkReport(t, dataprovider.LoadReport{Updated: []string{name}}, report)
		if u, _, _ := inner.Users().Get(t.Context(), name); u.Description != "ours" {
			t.Errorf("%s: %q", name, u.Description)
		}
	}
}
