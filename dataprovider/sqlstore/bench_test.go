package sqlstore_test

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/sqlstore"
)

func benchStore(b *testing.B) *sqlstore.Store {
	return openStore(b, sqlstore.Config{Path: filepath.Join(b.TempDir(), "sftpgo.db"), Exclusive: true})
}

func settlement(i int64) dataprovider.Settlement {
	return dataprovider.Settlement{
		EventID: "01J0000000000000" + strconv.FormatInt(i, 10), Event: []byte(strings.Repeat("e", 600)),
		Keys: []string{"/srv/data/alice/in/file-" + strconv.FormatInt(i, 10)}, Targets: []string{"hook"},
		Owner: "alice", Delta: dataprovider.Amount{Files: 1, Bytes: 4096},
	}
}

// BenchmarkSettle is what one upload costs the store: Begin and Settle.
func BenchmarkSettle(b *testing.B) {
	for _, workers := range []int{1, 8} {
		b.Run(fmt.Sprint(workers), func(b *testing.B) {
			s := benchStore(b)
			var n atomic.Int64
			b.SetParallelism(workers) // times GOMAXPROCS
			b.ReportAllocs()
			work := func(next func() bool) {
				for next() {
					id, err := s.Outbox().Begin(b.Context(), []byte("intention"))
					if err == nil {
						_, err = s.Outbox().Settle(b.Context(), id, settlement(n.Add(1)))
					}
					if err != nil {
						b.Error(err)
						return
					}
				}
			}
			if workers == 1 {
				work(b.Loop)
				return
			}
			b.RunParallel(func(pb *testing.PB) { work(pb.Next) })
		})
	}
}

// BenchmarkClaimDone is what one delivery costs the store while much waits: for
// different files, and all for one file.
func BenchmarkClaimDone(b *testing.B) {
	for _, waiting := range []int{10_000, 100_000} {
		for _, files := range []string{"many", "one"} {
			b.Run(fmt.Sprintf("%s/%d", files, waiting), func(b *testing.B) {
				s := benchStore(b)
				add := func(i int) {
					e := settlement(int64(i))
					if files == "one" {
						e.Keys = []string{"/same"}
					}
					if _, err := s.Outbox().Settle(b.Context(), 0, e); err != nil {
						b.Fatal(err)
					}
				}
				for i := range waiting {
					add(i)
				}
				b.ResetTimer()
				for i := 0; b.Loop(); i++ {
					ds, err := s.Outbox().Claim(b.Context(), "hook", 1, time.Minute)
					if err != nil || len(ds) != 1 {
						b.Fatal(ds, err)
					}
					if err := s.Outbox().Done(b.Context(), ds[0].ID); err != nil {
						b.Fatal(err)
					}
					add(waiting + i)
				}
			})
		}
	}
}

func BenchmarkUserGet(b *testing.B) {
	s := benchStore(b)
	for i := range 1000 {
		u := dataprovider.User{
			Username: fmt.Sprintf("user%04d", i), HomeDir: "/srv/data", PublicKeys: []string{strings.Repeat("k", 400)},
			Permissions: map[string][]string{"/": {"*"}, "/in": {"list", "upload"}},
		}
		if _, err := s.Users().Put(b.Context(), u, 0); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, _, err := s.Users().Get(b.Context(), fmt.Sprintf("user%04d", i%1000)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkProperties asks and changes a table of 50,000 resources.
func BenchmarkProperties(b *testing.B) {
	p := benchStore(b).Properties()
	patch := func(path string) {
		value := dataprovider.Property{PropertyName: dataprovider.PropertyName{Space: "urn:x", Local: "p"}, XML: strings.Repeat("x", 300)}
		err := p.Patch(b.Context(), dataprovider.PropertyPatch{
			Path: path, Owner: "alice", Root: "1", Changes: []dataprovider.PropertyChange{{Property: value}},
			Limits: dataprovider.PropertyLimits{Count: 10, Bytes: 1 << 16, Owner: 1 << 40},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	const dirs, each = 50, 1000
	for d := range dirs {
		for i := range each {
			patch(fmt.Sprintf("/home/dir%d/file%d", d, i))
		}
	}
	b.Run("any", func(b *testing.B) {
		for b.Loop() {
			if some, err := p.Any(b.Context(), "/home/none/file"); some || err != nil {
				b.Fatal(some, err)
			}
		}
	})
	b.Run("members", func(b *testing.B) {
		var names []string
		for i := range dataprovider.MaxMembers {
			names = append(names, fmt.Sprintf("file%d", i))
		}
		for b.Loop() {
			if m, err := p.Members(b.Context(), "/home/dir7", names); len(m) != len(names) || err != nil {
				b.Fatal(len(m), err)
			}
		}
	})
	b.Run("patch", func(b *testing.B) {
		for b.Loop() {
			patch("/home/dir7/file7")
		}
	})
	b.Run("move of a directory", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			err := p.Apply(b.Context(), dataprovider.PropertyMove{
				Op: dataprovider.PropertiesMoved, Path: fmt.Sprintf("/home/dir%d", 7+i*100), To: fmt.Sprintf("/home/dir%d", 107+i*100),
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
