package memstore_test

import (
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
	"sftpgo/dataprovider/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, now func() time.Time) dataprovider.Store {
		s := memstore.New(memstore.Config{Now: now})
		t.Cleanup(func() { _ = s.Close() })
		return s
	})
}
