package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
)

func testUsers(t *testing.T, f *fixture) {
	t.Run("add and get", func(t *testing.T) { testUserAdd(t, f) })
	t.Run("missing", func(t *testing.T) { testUserMissing(t, f) })
	t.Run("bad name", func(t *testing.T) { testUserBadName(t, f) })
	t.Run("revisions", func(t *testing.T) { testUserRevisions(t, f) })
	t.Run("ids", func(t *testing.T) { testUserIDs(t, f) })
	t.Run("counters", func(t *testing.T) { testUserCounters(t, f) })
	t.Run("copies", func(t *testing.T) { testUserCopies(t, f) })
	t.Run("list", func(t *testing.T) { testUserList(t, f) })
	t.Run("list while changing", func(t *testing.T) { testUserListChanging(t, f) })
	t.Run("concurrent add", func(t *testing.T) { testUserConcurrentAdd(t, f) })
	t.Run("concurrent update", func(t *testing.T) { testUserConcurrentUpdate(t, f) })
	t.Run("cancelled", func(t *testing.T) { testUserCancelled(t, f) })
}

// fullUser has something in every kind of field.
func fullUser(username string) dataprovider.User {
	return dataprovider.User{
		Status: 1, Username: username, ExpirationDate: 1_900_000_000_000,
		Password:   "$argon2id$v=19$m=65536,t=1,p=2$c2FsdA$aGFzaA",
		PublicKeys: []string{"ssh-ed25519 AAAA one", "ssh-rsa BBBB two"},
		HomeDir:    "/srv/data/" + username, UID: 1000, GID: 1001, MaxSessions: 3,
		VirtualFolders: []dataprovider.VirtualFolder{{Name: "v", MappedPath: "/mnt/v", VirtualPath: "/v", QuotaSize: -1}},
		QuotaSize:      1 << 40, QuotaFiles: 1000,
		Permissions:     map[string][]string{"/": {"*"}, "/in": {"list", "upload"}, "/é ü": {"download"}},
		UploadBandwidth: 128, DownloadBandwidth: 256,
		Filters: dataprovider.UserFilters{
			AllowedIP: []string{"192.0.2.0/24"}, DeniedProtocols: []string{"FTP"},
			FilePatterns: []dataprovider.PatternsFilter{{Path: "/", DeniedPatterns: []string{"*.exe"}}},
		},
		Filesystem: dataprovider.Filesystem{
			Provider: dataprovider.ProviderS3,
			S3: dataprovider.S3Config{
				Bucket: "b", AccessSecret: dataprovider.Secret{Status: "Secretbox", Payload: "p", Key: "k", AdditionalData: "a"},
			},
		},
		Description: "line one\nline \"two\" <&>", AdditionalInfo: `{"any":"thing"}`,
	}
}

func testUserAdd(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	ctx, users := t.Context(), s.Users()
	want := fullUser("alice")
	rev := value[dataprovider.Revision](t)(users.Put(ctx, want, 0))
	if rev == 0 {
		t.Error("the revision of a stored record is 0")
	}
	got, gotRev, err := users.Get(ctx, "alice")
	must(t, err)
	if gotRev != rev {
		t.Errorf("Get returns revision %d, Put returned %d", gotRev, rev)
	}
	if got.ID <= 0 {
		t.Errorf("ID = %d", got.ID)
	}
	want.ID = got.ID
	if d := cmp.Diff(want, got); d != "" {
		t.Error("record (-want +got):\n" + d)
	}
	if _, err := users.Put(ctx, want, 0); !errors.Is(err, dataprovider.ErrExists) {
		t.Errorf("second add: %v, want ErrExists", err)
	}
	// Names are exact: no folding of case or of Unicode forms.
	for _, other := range []string{"Alice", "alice ", "ali\u0301ce"} {
		if _, err := users.Put(ctx, fullUser(other), 0); err != nil {
			t.Errorf("add %q beside alice: %v", other, err)
		}
	}
}

func testUserMissing(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	ctx, users := t.Context(), s.Users()
	if _, _, err := users.Get(ctx, "nobody"); !errors.Is(err, dataprovider.ErrNotFound) {
		t.Errorf("Get: %v, want ErrNotFound", err)
	}
	if _, err := users.Put(ctx, fullUser("nobody"), 1); !errors.Is(err, dataprovider.ErrNotFound) {
		t.Errorf("Put: %v, want ErrNotFound", err)
	}
	if err := users.Delete(ctx, "nobody"); !errors.Is(err, dataprovider.ErrNotFound) {
		t.Errorf("Delete: %v, want ErrNotFound", err)
	}
	for range users.List(ctx, "") {
		t.Error("an empty store lists something")
	}
}

func testUserBadName(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	for _, bad := range []string{"", "a\xffb", "a\x00b"} {
		if _, err := s.Users().Put(t.Context(), fullUser(bad), 0); !errors.Is(err, dataprovider.ErrInvalid) {
			t.Errorf("Put %q: %v, want ErrInvalid", bad, err)
		}
	}
}

func testUserRevisions(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	ctx, users := t.Context(), s.Users()
	u := fullUser("alice")
	first := value[dataprovider.Revision](t)(users.Put(ctx, u, 0))

	u.Description = "second"
	second := value[dataprovider.Revision](t)(users.Put(ctx, u, first))
	if second <= first {
		t.Errorf("revision %d after %d", second, first)
	}
	u.Description = "lost update"
	if _, err := users.Put(ctx, u, first); !errors.Is(err, dataprovider.ErrConflict) {
		t.Errorf("stale Put: %v, want ErrConflict", err)
	}
	if _, err := users.Put(ctx, u, second+1000); !errors.Is(err, dataprovider.ErrConflict) {
		t.Errorf("Put of a revision that never was: %v, want ErrConflict", err)
	}
	got, rev, err := users.Get(ctx, "alice")
	must(t, err)
	if got.Description != "second" || rev != second {
		t.Errorf("after conflicts: %q at %d", got.Description, rev)
	}
	// A record that was deleted and added again is another one: no revision of
	// the old one may overwrite it.
	must(t, users.Delete(ctx, "alice"))
	if _, err := users.Put(ctx, u, second); !errors.Is(err, dataprovider.ErrNotFound) {
		t.Errorf("Put of a deleted record: %v, want ErrNotFound", err)
	}
	value[dataprovider.Revision](t)(users.Put(ctx, fullUser("alice"), 0))
	for _, old := range []dataprovider.Revision{first, second} {
		if _, err := users.Put(ctx, u, old); !errors.Is(err, dataprovider.ErrConflict) {
			t.Errorf("Put at revision %d of the deleted namesake: %v, want ErrConflict", old, err)
		}
	}
}

func testUserIDs(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	ctx, users := t.Context(), s.Users()
	seen := map[int64]string{}
	add := func(name string, input int64) int64 {
		u := fullUser(name)
		u.ID = input
		value[dataprovider.Revision](t)(users.Put(ctx, u, 0))
		got, _, err := users.Get(ctx, name)
		must(t, err)
		if prev, ok := seen[got.ID]; ok {
			t.Errorf("id %d of %s was that of %s", got.ID, name, prev)
		}
		seen[got.ID] = name
		return got.ID
	}
	add("a", 0)
	add("b", 1) // the id of another record: the store knows better
	last := add("c", 77)

	u, rev, err := users.Get(ctx, "c")
	must(t, err)
	u.ID = 5
	value[dataprovider.Revision](t)(users.Put(ctx, u, rev))
	if u, _, _ = users.Get(ctx, "c"); u.ID != last {
		t.Errorf("an update changed the id from %d to %d", last, u.ID)
	}
	must(t, users.Delete(ctx, "c"))
	add("c", last) // never reused, not even the highest
	for u, err := range users.List(ctx, "") {
		must(t, err)
		if seen[u.ID] != u.Username {
			t.Errorf("List: %s has id %d, Get said it is that of %q", u.Username, u.ID, seen[u.ID])
		}
	}
}

func testUserCounters(t *testing.T, f *fixture) {
	s, c := f.store(t)
	ctx, users := t.Context(), s.Users()
	plain := fullUser("alice")
	u := plain
	u.UsedQuotaSize, u.UsedQuotaFiles, u.LastQuotaUpdate, u.LastLogin = 1, 2, 3, 4
	rev := value[dataprovider.Revision](t)(users.Put(ctx, u, 0))
	u.UsedQuotaSize = 9
	rev = value[dataprovider.Revision](t)(users.Put(ctx, u, rev))
	if r := value[dataprovider.UsageRecord](t)(s.Usage().Get(ctx, "alice")); r != (dataprovider.UsageRecord{}) {
		t.Errorf("usage came from the record: %+v", r)
	}
	value[dataprovider.Amount](t)(s.Usage().Add(ctx, "alice", dataprovider.Amount{Files: 1, Bytes: 10}))
	must(t, s.Usage().Login(ctx, "alice", c.now()))
	got, gotRev, err := users.Get(ctx, "alice")
	must(t, err)
	if gotRev != rev {
		t.Error("usage changed the revision of the user")
	}
	plain.ID = got.ID
	if d := cmp.Diff(plain, got); d != "" {
		t.Error("counters were stored with the record (-want +got):\n" + d)
	}
}

// What a caller does to a value after Put or Get is no business of the store.
func testUserCopies(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	ctx, users := t.Context(), s.Users()
	u := fullUser("alice")
	value[dataprovider.Revision](t)(users.Put(ctx, u, 0))
	u.Permissions["/"][0] = "changed after Put"
	first, _, err := users.Get(ctx, "alice")
	must(t, err)
	first.Permissions["/"][0] = "changed after Get"
	first.PublicKeys[0] = "changed after Get"
	second, _, err := users.Get(ctx, "alice")
	must(t, err)
	want := fullUser("alice")
	want.ID = second.ID
	if d := cmp.Diff(want, second); d != "" {
		t.Error("the stored record changed (-want +got):\n" + d)
	}
}

func testUserList(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	ctx, users := t.Context(), s.Users()
	const n = 450 // more than any page of a store
	var want []string
	for i := range n {
		want = append(want, fmt.Sprintf("u%03d", i*7919%n))
	}
	want = append(want, "Zoe", "a b", "ä", "z", "~")
	for _, name := range want {
		value[dataprovider.Revision](t)(users.Put(ctx, dataprovider.User{Username: name}, 0))
	}
	slices.Sort(want) // bytewise, whatever the locale

	names := func(after string, limit int) []string {
		var out []string
		for u, err := range users.List(ctx, after) {
			must(t, err)
			out = append(out, u.Username)
			if len(out) == limit {
				break
			}
		}
		return out
	}
	if d := cmp.Diff(want, names("", 0)); d != "" {
		t.Error("all (-want +got):\n" + d)
	}
	if d := cmp.Diff(want[3:8], names(want[2], 5)); d != "" {
		t.Error("five after " + want[2] + " (-want +got):\n" + d)
	}
	if d := cmp.Diff([]string{"u000", "u001"}, names("u", 2)); d != "" {
		t.Error("after a name that does not exist (-want +got):\n" + d)
	}
	if got := names("\U0010ffff", 0); len(got) != 0 {
		t.Errorf("after the last: %q", got)
	}
}

// The loop may use the store, delete what it stands on, and take its time.
func testUserListChanging(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	ctx, users := t.Context(), s.Users()
	for i := range 300 {
		value[dataprovider.Revision](t)(users.Put(ctx, dataprovider.User{Username: fmt.Sprintf("u%03d", i)}, 0))
	}
	n := 0
	for u, err := range users.List(ctx, "") {
		must(t, err)
		must(t, users.Delete(ctx, u.Username))
		n++
	}
	if n != 300 {
		t.Errorf("saw %d of 300", n)
	}
	for u := range users.List(ctx, "") {
		t.Errorf("%s is still there", u.Username)
	}
}

func testUserConcurrentAdd(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() { _, errs[i] = s.Users().Put(t.Context(), fullUser("alice"), 0) })
	}
	wg.Wait()
	added := 0
	for _, err := range errs {
		switch {
		case err == nil:
			added++
		case !errors.Is(err, dataprovider.ErrExists):
			t.Error(err)
		}
	}
	if added != 1 {
		t.Errorf("%d of 8 added the same name", added)
	}
}

func testUserConcurrentUpdate(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	ctx, users := t.Context(), s.Users()
	value[dataprovider.Revision](t)(users.Put(ctx, dataprovider.User{Username: "alice"}, 0))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for done := 0; done < 10; {
				u, rev, err := users.Get(ctx, "alice")
				if err != nil {
					t.Error(err)
					return
				}
				u.MaxSessions++
				_, err = users.Put(ctx, u, rev)
				switch {
				case err == nil:
					done++
				case !errors.Is(err, dataprovider.ErrConflict):
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if u, _, _ := users.Get(ctx, "alice"); u.MaxSessions != 80 {
		t.Errorf("%d of 80 updates survived", u.MaxSessions)
	}
}

func testUserCancelled(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	cancel()
	if _, err := s.Users().Put(ctx, fullUser("alice"), 0); !errors.Is(err, context.Canceled) {
		t.Errorf("Put: %v, want context.Canceled", err)
	}
	if _, _, err := s.Users().Get(ctx, "alice"); !errors.Is(err, context.Canceled) {
		t.Errorf("Get: %v, want context.Canceled", err)
	}
	for _, err := range s.Users().List(ctx, "") {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("List: %v, want context.Canceled", err)
		}
	}
	if _, _, err := s.Users().Get(t.Context(), "alice"); !errors.Is(err, dataprovider.ErrNotFound) {
		t.Errorf("a cancelled Put was stored: %v", err)
	}
}
