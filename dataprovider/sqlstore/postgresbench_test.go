//go:build unix

package sqlstore_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sftpgo/dataprovider/pgtest"
	"sftpgo/dataprovider/sqlstore"
)

// BenchmarkPostgresOutbox is the way of one event through the outbox, from intention
// to acknowledgement, of one server and of two that share a PostgreSQL which writes
// to the disk.
func BenchmarkPostgresOutbox(b *testing.B) {
	server := pgtest.Start(b, "fsync=on", "full_page_writes=on")
	for _, servers := range []int{1, 2} {
		b.Run(fmt.Sprintf("%d servers", servers), func(b *testing.B) {
			url := server.Schema(b)
			var stores []*sqlstore.Store
			for range servers {
				stores = append(stores, openPostgres(b, sqlstore.Postgres{ConnectionString: url, Server: true}))
			}
			var next, settled, delivered atomic.Int64
			total := int64(b.N)
			var all sync.WaitGroup
			b.ResetTimer()
			for _, s := range stores {
				for range 32 / servers {
					all.Go(func() {
						for i := next.Add(1); i <= total; i = next.Add(1) {
							id, err := s.Outbox().Begin(b.Context(), []byte("intention"))
							if err == nil {
								_, err = s.Outbox().Settle(b.Context(), id, settlement(i))
							}
							if err != nil {
								b.Error(err)
								return
							}
							settled.Add(1)
						}
					})
				}
				all.Go(func() {
					for delivered.Load() < total && !b.Failed() {
						ds, err := s.Outbox().Claim(b.Context(), "hook", 32, time.Minute)
						var ids []int64
						for _, d := range ds {
							ids = append(ids, d.ID)
						}
						if err == nil {
							err = s.Outbox().Done(b.Context(), ids...)
						}
						if err != nil {
							b.Error(err)
						}
						delivered.Add(int64(len(ds)))
						if len(ds) == 0 {
							time.Sleep(5 * time.Millisecond) // the pace of a lane
						}
					}
				})
			}
			all.Wait()
			b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
