//go:build unix

package sqlstore_test

import (
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/pgtest"
	"sftpgo/dataprovider/sqlstore"
	"sftpgo/dataprovider/storetest"
)

func TestPostgres(t *testing.T) {
	server := pgtest.Start(t)
	storetest.Run(t, func(t *testing.T, now func() time.Time) dataprovider.Store {
		return openPostgres(t, sqlstore.Postgres{ConnectionString: server.Schema(t), Now: now})
	})
}

// openPostgres opens a store that ends with the test.
func openPostgres(t testing.TB, cfg sqlstore.Postgres) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.OpenPostgres(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
