package sqlstore_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
	"sftpgo/dataprovider/sqlstore"
)

// TestPropertiesAgree makes the same random changes here and in memory, where the
// code is simple, and compares everything.
func TestPropertiesAgree(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	elements := []string{"a", "b", "a-", "a.b", "é", "a%", "A"} // neighbours of "/" in the order of bytes, wildcards
	var paths []string
	for _, x := range elements {
		paths = append(paths, "/"+x)
		for _, y := range elements {
			paths = append(paths, "/"+x+"/"+y, "/"+x+"/"+y+"/"+elements[0])
		}
	}
	paths = append(paths, "/")
	pick := func() string { return paths[r.IntN(len(paths))] }
	owner := func() string { return []string{"alice", "bob"}[r.IntN(2)] }

	stores := []dataprovider.Store{
		openStore(t, sqlstore.Config{Path: filepath.Join(t.TempDir(), "sftpgo.db"), Exclusive: true}), memstore.New(memstore.Config{}),
	}
	change := func(i int) func(dataprovider.Properties) error {
		from, to, who := pick(), pick(), owner()
		switch op := r.IntN(10); {
		case op < 6:
			patch := dataprovider.PropertyPatch{Path: from, Owner: who, Root: "r", Limits: dataprovider.PropertyLimits{Count: 2, Owner: 500}}
			for range 1 + r.IntN(2) {
				patch.Changes = append(patch.Changes, dataprovider.PropertyChange{
					Property: dataprovider.Property{PropertyName: dataprovider.PropertyName{Local: []string{"p", "q", "s"}[r.IntN(3)]}, XML: fmt.Sprint(i)},
					Remove:   r.IntN(4) == 0,
				})
			}
			return func(p dataprovider.Properties) error { return p.Patch(t.Context(), patch) }
		case strings.HasPrefix(from, strings.TrimSuffix(to, "/")+"/") || strings.HasPrefix(to, strings.TrimSuffix(from, "/")+"/"):
			return func(dataprovider.Properties) error { return nil } // no file system does that
		}
		m := dataprovider.PropertyMove{
			Op:   []dataprovider.PropertyOp{dataprovider.PropertiesMoved, dataprovider.PropertiesCopied, dataprovider.PropertiesDropped}[r.IntN(3)],
			Path: from, To: to, Owner: who, Root: "r",
		}
		return func(p dataprovider.Properties) error { return p.Apply(t.Context(), m) }
	}
	for i := range 1000 {
		do := change(i)
		var results [2]string
		for k, s := range stores {
			results[k] = fmt.Sprint(do(s.Properties()))
		}
		if results[0] != results[1] {
			t.Fatalf("step %d: %s, %s", i, results[0], results[1])
		}
		if i%20 != 0 {
			continue
		}
		if d := cmp.Diff(everything(t, stores[1], paths), everything(t, stores[0], paths)); d != "" {
			t.Fatalf("step %d (-memory +database)\n%s", i, d)
		}
	}
}

func everything(t *testing.T, s dataprovider.Store, paths []string) map[string]any {
	t.Helper()
	all := map[string]any{}
	note := func(name string, v any, err error) {
		if err != nil {
			t.Fatal(err)
		}
		all[name] = v
	}
	p := s.Properties()
	for _, path := range paths {
		list, err := p.Get(t.Context(), path)
		note("get "+path, fmt.Sprint(list), err)
		some, err := p.Any(t.Context(), path)
		note("any "+path, some, err)
		some, err = p.AnyMember(t.Context(), path)
		note("member "+path, some, err)
		var below []string
		for at, err := range p.Below(t.Context(), path, "r") {
			below = append(below, at)
			note("below "+path, nil, err)
		}
		note("below "+path, len(below), nil)
	}
	for _, who := range []string{"alice", "bob"} {
		total, err := p.Total(t.Context(), who)
		note("total "+who, total, err)
	}
	return all
}
