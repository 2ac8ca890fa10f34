package sqlstore

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
)

// eachWay runs a test with each of the ways to find out the version.
func eachWay(t *testing.T, test func(t *testing.T, server, command *Store)) {
	t.Run("query", func(t *testing.T) {
		server, command := beside(t)
		server.reader.versions.path = ""
		test(t, server, command)
		if server.reader.versions.index.Load() != nil {
			t.Error("the index was read")
		}
	})
	t.Run("index", func(t *testing.T) {
		server, command := beside(t)
		test(t, server, command)
		if runtime.GOOS == "linux" && server.reader.versions.index.Load() == nil {
			t.Error("the index was not read")
		}
	})
}

// beside opens the store of a server and one of a command beside it.
func beside(t *testing.T) (server, command *Store) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sftpgo.db")
	for i, s := range []**Store{&server, &command} {
		var err error
		if *s, err = Open(t.Context(), Config{Path: path, Exclusive: i == 0}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := (*s).Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return server, command
}

func put(t *testing.T, s *Store, name, home string, rev dataprovider.Revision) dataprovider.Revision {
	t.Helper()
	rev, err := s.Users().Put(t.Context(), dataprovider.User{Username: name, HomeDir: home}, rev)
	if err != nil {
		t.Fatal(err)
	}
	return rev
}

func wantHome(t *testing.T, s *Store, name, home string, rev dataprovider.Revision) {
	t.Helper()
	u, got, err := s.Users().Get(t.Context(), name)
	if err != nil || u.HomeDir != home || got != rev {
		t.Fatalf("user %q: home %q revision %d, %v; want %q, %d", name, u.HomeDir, got, err, home, rev)
	}
}

// TestRecentChanged: whoever changes a record that was read before, the next reader gets
// the new one.
func TestRecentChanged(t *testing.T) { eachWay(t, testRecentChanged) }

func testRecentChanged(t *testing.T, server, command *Store) {
	rev := put(t, server, "alice", "/0", 0)
	for n := range 20 {
		by := server
		if n%2 == 0 {
			by = command
		}
		home := fmt.Sprint("/", n)
		rev = put(t, by, "alice", home, rev)
		wantHome(t, server, "alice", home, rev)
		wantHome(t, server, "alice", home, rev) // from memory
		wantHome(t, command, "alice", home, rev)
	}
	if err := command.Users().Delete(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := server.Users().Get(t.Context(), "alice"); !errors.Is(err, dataprovider.ErrNotFound) {
		t.Fatalf("after the removal: %v", err)
	}
	rev = put(t, command, "alice", "/again", 0)
	wantHome(t, server, "alice", "/again", rev)
	// By hand, which leaves the revision as it is.
	const edit = `UPDATE users SET document = CAST(json_set(document, '$.home_dir', '/edited') AS BLOB)`
	if err := command.write(t.Context(), func(t *tx) error { _, err := t.exec(edit); return err }); err != nil {
		t.Fatal(err)
	}
	wantHome(t, server, "alice", "/edited", rev)
}

// TestRecentKept: a record is decoded again only if it has changed, and read again only
// if anything has.
func TestRecentKept(t *testing.T) { eachWay(t, testRecentKept) }

func testRecentKept(t *testing.T, server, command *Store) {
	rev := put(t, server, "alice", "/", 0)
	find := func() *recentRecord[dataprovider.User] {
		t.Helper()
		rec, err := server.users.find(t.Context(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		return rec
	}
	find()
	first := find() // by the way that stays
	if find() != first {
		t.Error("the record was read again")
	}
	put(t, command, "bob", "/", 0)
	second := find()
	if second == first || &second.doc[0] != &first.doc[0] {
		t.Error("the record was not read, or it was decoded again")
	}
	if find() != second {
		t.Error("the record was read again")
	}
	put(t, server, "alice", "/", rev)
	if third := find(); third.rev == second.rev {
		t.Error("the record has the revision of the old one")
	}
}

// TestRecentBounds: not everything is kept.
func TestRecentBounds(t *testing.T) {
	var r recent[int]
	for n := range maxRecent + 50 {
		r.put(fmt.Sprint(n), &recentRecord[int]{value: n})
	}
	if n := len(r.records); n != maxRecent {
		t.Errorf("%d records are kept", n)
	}
	last := fmt.Sprint(maxRecent + 49)
	if rec := r.get(last); rec == nil || rec.value != maxRecent+49 {
		t.Errorf("the latest is %v", rec)
	}
	r.put(last, &recentRecord[int]{doc: []byte(strings.Repeat("x", maxRecentDocument+1))})
	if r.get(last) != nil {
		t.Error("a large record, or the one before it, is kept")
	}
}

// TestNumber: the revision of the locks is that of the last change, whoever made it, and
// is asked for again only if anything has changed.
func TestNumber(t *testing.T) { eachWay(t, testNumber) }

func testNumber(t *testing.T, server, command *Store) {
	rev, err := server.Locks().Revision(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for n := range 10 {
		by := server
		if n%2 == 0 {
			by = command
		}
		if rev, err = by.Locks().Change(t.Context(), rev, []dataprovider.Lock{{Token: "t", Path: "/p"}}, nil); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got, err := server.Locks().Revision(t.Context()); err != nil || got != rev {
				t.Fatalf("revision %d, %v, want %d", got, err, rev)
			}
		}
	}
	r := server.reader
	r.mu.Lock()
	r.numbers[lockRevision] = counted{value: 999, as: r.numbers[lockRevision].as}
	r.mu.Unlock()
	if got, err := server.Locks().Revision(t.Context()); err != nil || got != 999 {
		t.Errorf("asked again: %d, %v", got, err)
	}
	put(t, command, "alice", "/", 0)
	if got, err := server.Locks().Revision(t.Context()); err != nil || got != rev {
		t.Errorf("not asked again: %d, %v", got, err)
	}
}

// TestRecentRaces: readers who change what they got, while two stores change the record.
// Each reader sees what was stored before it asked, or something later.
func TestRecentRaces(t *testing.T) { eachWay(t, testRecentRaces) }

func testRecentRaces(t *testing.T, server, command *Store) {
	rev := put(t, server, "alice", "/", 0)
	const rounds = 200
	var all sync.WaitGroup
	var mu sync.Mutex // of stored
	stored := rev
	for _, s := range []*Store{server, command} {
		all.Go(func() {
			for range rounds {
				u, rev, err := s.Users().Get(t.Context(), "alice")
				if err == nil {
					u.Permissions = map[string][]string{"/": {dataprovider.PermAny}}
					u.PublicKeys = []string{"key"}
					rev, err = s.Users().Put(t.Context(), u, rev)
				}
				if err != nil && !errors.Is(err, dataprovider.ErrConflict) {
					t.Error(err)
				}
				mu.Lock()
				if err == nil {
					stored = max(stored, rev)
				}
				mu.Unlock()
			}
		})
	}
	for range 4 {
		all.Go(func() {
			for range 2 * rounds {
				mu.Lock()
				least := stored
				mu.Unlock()
				u, rev, err := server.Users().Get(t.Context(), "alice")
				if err != nil || rev < least {
					t.Errorf("revision %d, %v; want %d at least", rev, err, least)
				}
				if u.Permissions != nil {
					u.Permissions["/"][0] = "changed"
					u.PublicKeys[0] = "changed"
				}
			}
		})
	}
	all.Wait()
	if u, _, err := server.Users().Get(t.Context(), "alice"); err != nil || u.Permissions["/"][0] != dataprovider.PermAny {
		t.Errorf("%v, %v", u.Permissions, err)
	}
}

// TestCloneUser: a copy of a record shares nothing with it that can be changed.
func TestCloneUser(t *testing.T) {
	var u dataprovider.User
	fill(reflect.ValueOf(&u).Elem())
	c := cloneUser(u)
	if d := cmp.Diff(u, c); d != "" {
		t.Fatal(d)
	}
	apart(t, "User", reflect.ValueOf(u), reflect.ValueOf(c))
	if d := cmp.Diff(dataprovider.User{}, cloneUser(dataprovider.User{})); d != "" {
		t.Error("of an empty one: " + d)
	}
}

// fill puts something into every list and map below v.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0))
		fill(v.Index(1))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		of := reflect.New(v.Type().Elem()).Elem()
		fill(of)
		v.SetMapIndex(reflect.New(v.Type().Key()).Elem(), of)
	case reflect.String:
		v.SetString("text")
	}
}

func apart(t *testing.T, path string, a, b reflect.Value) {
	t.Helper()
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			apart(t, path+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i))
		}
	case reflect.Slice:
		if a.Pointer() == b.Pointer() {
			t.Errorf("%s is shared", path)
		}
		for i := range a.Len() {
			apart(t, path+"[]", a.Index(i), b.Index(i))
		}
	case reflect.Map:
		if a.Pointer() == b.Pointer() {
			t.Errorf("%s is shared", path)
		}
		for _, key := range a.MapKeys() {
			apart(t, path+"[]", a.MapIndex(key), b.MapIndex(key))
		}
	case reflect.Pointer, reflect.Interface, reflect.Chan, reflect.Func:
		t.Errorf("%s: this test does not know the copy of a %s", path, a.Kind())
	}
}
