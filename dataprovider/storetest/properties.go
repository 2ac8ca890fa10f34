package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
)

func testProperties(t *testing.T, f *fixture) {
	t.Run("patch", func(t *testing.T) { testPropertiesPatch(t, f) })
	t.Run("limits", func(t *testing.T) { testPropertiesLimits(t, f) })
	t.Run("members", func(t *testing.T) { testPropertiesMembers(t, f) })
	t.Run("move", func(t *testing.T) { testPropertiesMove(t, f) })
	t.Run("copy and drop", func(t *testing.T) { testPropertiesCopy(t, f) })
	t.Run("settle", func(t *testing.T) { testPropertiesSettle(t, f) })
	t.Run("of a deleted user", func(t *testing.T) { testPropertiesDeletedUser(t, f) })
	t.Run("sweep", func(t *testing.T) { testPropertiesSweep(t, f) })
	t.Run("concurrent", func(t *testing.T) { testPropertiesConcurrent(t, f) })
}

type property = dataprovider.Property

func prop(local, xml string) property {
	return property{PropertyName: dataprovider.PropertyName{Space: "urn:x", Local: local}, XML: xml}
}

func set(p property) dataprovider.PropertyChange { return dataprovider.PropertyChange{Property: p} }

func unset(local string) dataprovider.PropertyChange {
	return dataprovider.PropertyChange{Property: prop(local, ""), Remove: true}
}

// put gives each path one property that tells the path.
func put(t *testing.T, s dataprovider.Store, owner string, paths ...string) {
	t.Helper()
	for _, p := range paths {
		must(t, s.Properties().Patch(t.Context(), dataprovider.PropertyPatch{
			Path: p, Owner: owner, Root: "root", Changes: []dataprovider.PropertyChange{set(prop("p", p))},
		}))
	}
}

func properties(t *testing.T, s dataprovider.Store, path string, want ...property) {
	t.Helper()
	got := value[[]property](t)(s.Properties().Get(t.Context(), path))
	if len(got) == 0 && len(want) == 0 {
		return
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("properties of %q (-want +got):\n%s", path, d)
	}
}

// marked compares the marks of put; a path without "=" has none.
func marked(t *testing.T, s dataprovider.Store, lines ...string) {
	t.Helper()
	for _, line := range lines {
		path, mark, ok := strings.Cut(line, "=")
		if ok {
			properties(t, s, path, prop("p", mark))
		} else {
			properties(t, s, path)
		}
	}
}

func total(t *testing.T, s dataprovider.Store, owner string, want amount) {
	t.Helper()
	if got := value[amount](t)(s.Properties().Total(t.Context(), owner)); got != want {
		t.Errorf("properties of %s count for %+v, want %+v", owner, got, want)
	}
}

func testPropertiesPatch(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	properties(t, s, "/a")
	patch := func(changes ...dataprovider.PropertyChange) {
		t.Helper()
		must(t, s.Properties().Patch(t.Context(), dataprovider.PropertyPatch{Path: "/a", Owner: "alice", Changes: changes}))
	}
	patch(unset("none"))
	properties(t, s, "/a")
	total(t, s, "alice", amount{})
	none := property{PropertyName: dataprovider.PropertyName{Local: "p"}, XML: "<p>𝄞 \x00 ' \" &amp;</p>"}
	patch(set(prop("p", "1")), set(prop("q", "2")), set(none))
	properties(t, s, "/a", prop("p", "1"), prop("q", "2"), none)
	if s.Properties().Vacant() {
		t.Error("the store says that it is vacant")
	}
	// In their order, and a new value in the place of the old.
	patch(unset("q"), set(prop("p", "3")), set(prop("r", "4")), set(prop("r", "5")), unset("p"), set(prop("p", "6")))
	properties(t, s, "/a", none, prop("r", "5"), prop("p", "6"))
	patch(unset("r"), unset("p"), dataprovider.PropertyChange{Property: none, Remove: true})
	properties(t, s, "/a")
	total(t, s, "alice", amount{})
}

func testPropertiesLimits(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	patch := func(path, owner string, l dataprovider.PropertyLimits, full bool, changes ...dataprovider.PropertyChange) {
		t.Helper()
		err := s.Properties().Patch(t.Context(), dataprovider.PropertyPatch{Path: path, Owner: owner, Limits: l, Changes: changes})
		if full != errors.Is(err, dataprovider.ErrLimit) || !full && err != nil {
			t.Errorf("Patch = %v, want ErrLimit: %v", err, full)
		}
	}
	count := dataprovider.PropertyLimits{Count: 2}
	patch("/a", "alice", count, false, set(prop("p", "1")), set(prop("q", "2")))
	patch("/a", "alice", count, true, set(prop("p", "3")), set(prop("r", "3")))
	properties(t, s, "/a", prop("p", "1"), prop("q", "2")) // all or nothing
	patch("/a", "alice", count, false, unset("q"), set(prop("r", "3")))

	size := int64(len("/b") + len("urn:x") + len("p") + 10)
	bytes := dataprovider.PropertyLimits{Bytes: size}
	patch("/b", "bob", bytes, true, set(prop("p", strings.Repeat("x", 11))))
	patch("/b", "bob", bytes, false, set(prop("p", strings.Repeat("x", 10))))
	total(t, s, "bob", amount{Files: 1, Bytes: size})
	// Less is always possible, also above a limit that has become lower.
	patch("/b", "bob", dataprovider.PropertyLimits{Count: 1, Bytes: 3, Owner: 3}, false, set(prop("p", "xxxxxxxxx")))

	all := dataprovider.PropertyLimits{Owner: 2*size - 1}
	patch("/c", "bob", all, true, set(prop("p", strings.Repeat("x", 11))))
	patch("/c", "bob", all, false, set(prop("p", strings.Repeat("x", 10))))
	total(t, s, "bob", amount{Files: 2, Bytes: 2*size - 1})
	// Who writes last counts, and takes what is there along.
	patch("/c", "carol", dataprovider.PropertyLimits{Owner: size}, true, set(prop("q", "")))
	total(t, s, "carol", amount{})
	patch("/c", "carol", dataprovider.PropertyLimits{Owner: 2 * size}, false, set(prop("q", "")))
	total(t, s, "carol", amount{Files: 1, Bytes: size + int64(len("urn:x")+len("q"))})
	total(t, s, "bob", amount{Files: 1, Bytes: size - 1})
}

func testPropertiesMembers(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	put(t, s, "alice", "/", "/d", "/d/a", "/d/b", "/d/b/deep", "/dx", "/d-x/y")
	for path, want := range map[string][2]bool{ // any, any member
		"/": {true, true}, "/d": {true, true}, "/d/a": {true, false}, "/d/b": {true, true}, "/d/c": {false, false},
		"/d/b/deep": {true, false}, "/dx": {true, false}, "/d-x": {true, true}, "/d-": {false, false},
	} {
		got := [2]bool{
			value[bool](t)(s.Properties().Any(t.Context(), path)),
			value[bool](t)(s.Properties().AnyMember(t.Context(), path)),
		}
		if got != want {
			t.Errorf("%s: any, any member = %v, want %v", path, got, want)
		}
	}
	names := []string{"a", "c", "b", "deep"}
	for len(names) < dataprovider.MaxMembers {
		names = append(names, name("x", len(names)))
	}
	got := value[map[string][]property](t)(s.Properties().Members(t.Context(), "/d", names))
	want := map[string][]property{"a": {prop("p", "/d/a")}, "b": {prop("p", "/d/b")}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	got = value[map[string][]property](t)(s.Properties().Members(t.Context(), "/", []string{"d"}))
	if d := cmp.Diff(map[string][]property{"d": {prop("p", "/d")}}, got); d != "" {
		t.Error(d)
	}
	if got := value[map[string][]property](t)(s.Properties().Members(t.Context(), "/d", nil)); len(got) != 0 {
		t.Errorf("of no names: %v", got)
	}
}

func move(from, to string) dataprovider.PropertyMove {
	return dataprovider.PropertyMove{Op: dataprovider.PropertiesMoved, Path: from, To: to}
}

func testPropertiesMove(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	apply := func(m ...dataprovider.PropertyMove) {
		t.Helper()
		must(t, s.Properties().Apply(t.Context(), m...))
	}
	put(t, s, "alice", "/é", "/é/a", "/é/a/b", "/é/a/b/c", "/é0/x", "/é-/x", "/to", "/to/old/x", "/é/a.txt")
	before := value[amount](t)(s.Properties().Total(t.Context(), "alice"))
	apply(move("/é", "/to"))
	marked(t, s, "/to=/é", "/to/a=/é/a", "/to/a/b=/é/a/b", "/to/a/b/c=/é/a/b/c", "/to/a.txt=/é/a.txt",
		"/é", "/é/a", "/é/a/b", "/to/old/x", "/é0/x=/é0/x", "/é-/x=/é-/x")
	after := value[amount](t)(s.Properties().Total(t.Context(), "alice"))
	if after.Files != before.Files-2 || after.Bytes >= before.Bytes {
		t.Errorf("two of %+v were replaced: %+v", before, after)
	}
	apply(move("/to/a", "/to/a"), move("/none", "/neither"), move("/to/a.txt", "/x/y.txt"))
	marked(t, s, "/to/a=/é/a", "/to/a.txt", "/x/y.txt=/é/a.txt")
	apply(move("/none", "/x/y.txt")) // what replaces it has none
	marked(t, s, "/x/y.txt")
	apply(move("/to/a", "/a"), move("/a", "/to/a/in")) // in their order
	marked(t, s, "/to/a/in=/é/a", "/to/a/in/b/c=/é/a/b/c", "/a", "/to/a")
}

func testPropertiesCopy(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	put(t, s, "alice", "/a", "/a/b", "/c", "/ab")
	copied := func(from, to string) {
		t.Helper()
		must(t, s.Properties().Apply(t.Context(), dataprovider.PropertyMove{
			Op: dataprovider.PropertiesCopied, Path: from, To: to, Owner: "bob", Root: "root",
		}))
	}
	copied("/a", "/longer name")
	marked(t, s, "/a=/a", "/longer name=/a", "/longer name/b")
	total(t, s, "bob", amount{Files: 1, Bytes: int64(len("/longer name") + len("urn:x") + len("p") + len("/a"))})
	copied("/longer name", "/c")
	marked(t, s, "/c=/a")
	copied("/none", "/c")
	marked(t, s, "/c")
	copied("/a", "/a")
	marked(t, s, "/a=/a")
	must(t, s.Properties().Apply(t.Context(), dataprovider.PropertyMove{Op: dataprovider.PropertiesDropped, Path: "/a"}))
	marked(t, s, "/a", "/a/b", "/ab=/ab", "/longer name=/a")
	total(t, s, "alice", amount{Files: 1, Bytes: int64(len("/ab") + len("urn:x") + len("p") + len("/ab"))})
}

// What goes along with a change is done with it or not at all.
func testPropertiesSettle(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	put(t, s, "alice", "/a")
	o := s.Outbox()
	id := value[int64](t)(o.Begin(t.Context(), []byte("rename")))
	along := dataprovider.Settlement{Properties: []dataprovider.PropertyMove{move("/a", "/b")}}
	if _, err := o.Settle(t.Context(), id+1, along); !errors.Is(err, dataprovider.ErrNotFound) {
		t.Errorf("Settle of an unknown id = %v", err)
	}
	marked(t, s, "/a=/a", "/b")
	value[amount](t)(o.Settle(t.Context(), id, along))
	marked(t, s, "/a", "/b=/a")
	value[amount](t)(o.Settle(t.Context(), 0, dataprovider.Settlement{Properties: []dataprovider.PropertyMove{move("/b", "/c")}}))
	marked(t, s, "/b", "/c=/a")
}

func testPropertiesDeletedUser(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	value[dataprovider.Revision](t)(s.Users().Put(t.Context(), fullUser("alice"), 0))
	put(t, s, "alice", "/a")
	put(t, s, "bob", "/b")
	must(t, s.Users().Delete(t.Context(), "alice"))
	marked(t, s, "/a=/a") // of the file, not of the user
	total(t, s, "alice", amount{})
	if got := value[amount](t)(s.Properties().Total(t.Context(), "bob")); got.Files != 1 {
		t.Errorf("bob has %+v", got)
	}
}

func testPropertiesSweep(t *testing.T, f *fixture) {
	s, c := f.store(t)
	var want []string
	for i := range 450 {
		want = append(want, fmt.Sprintf("/home/d%d/%03d", i/150, i))
	}
	put(t, s, "alice", want...)
	put(t, s, "alice", "/home", "/home-2/x", "/home.x", "/x")
	must(t, s.Properties().Patch(t.Context(), dataprovider.PropertyPatch{
		Path: "/home/other", Root: "another", Changes: []dataprovider.PropertyChange{set(prop("p", ""))},
	}))
	list := func(dir string) (got []string) {
		for path, err := range s.Properties().Below(t.Context(), dir, "root") {
			must(t, err)
			got = append(got, path)
		}
		return got
	}
	if d := cmp.Diff(want, list("/home")); d != "" {
		t.Error(d)
	}
	if got := list("/"); len(got) != len(want)+4 {
		t.Errorf("below /: %d paths, want %d", len(got), len(want)+4)
	}
	for range s.Properties().Below(t.Context(), "/home", "root") {
		break
	}
	start := c.now().Add(time.Second)
	c.advance(time.Minute)
	put(t, s, "alice", want[1])
	must(t, s.Properties().Apply(t.Context(), move(want[2], "/home/moved")))
	for _, path := range []string{want[0], want[1], "/home/moved", "/none"} {
		must(t, s.Properties().Forget(t.Context(), path, start))
	}
	marked(t, s, want[0], want[1]+"="+want[1], "/home/moved="+want[2])
}

func testPropertiesConcurrent(t *testing.T, f *fixture) {
	s, _ := f.store(t)
	const workers, each = 8, 20
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				err := s.Properties().Patch(t.Context(), dataprovider.PropertyPatch{
					Path: "/shared", Owner: name("user", w), Limits: dataprovider.PropertyLimits{Count: workers * each},
					Changes: []dataprovider.PropertyChange{set(prop(name("p", w*each+i), "x"))},
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if got := value[[]property](t)(s.Properties().Get(t.Context(), "/shared")); len(got) != workers*each {
		t.Errorf("%d properties, want %d", len(got), workers*each)
	}
	var files int64
	for w := range workers {
		files += value[amount](t)(s.Properties().Total(t.Context(), name("user", w))).Files
	}
	if files != 1 {
		t.Errorf("the resource counts %d times", files)
	}
}
