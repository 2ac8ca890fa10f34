package sqlstore_test

import (
	"path/filepath"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/sqlstore"
	"sftpgo/dataprovider/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, now func() time.Time) dataprovider.Store {
		return openStore(t, sqlstore.Config{Path: filepath.Join(t.TempDir(), "a db?x=#%41.db"), Exclusive: true, Now: now})
	})
}

// openStore opens a store that ends with the test.
func openStore(t testing.TB, cfg sqlstore.Config) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), cfg)
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
