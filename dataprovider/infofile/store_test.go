package infofile_test

import (
	"sync"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/infofile"
	"sftpgo/dataprovider/storetest"
)

// clock is moved by tests alone.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func open(t *testing.T, cfg infofile.Config) *infofile.Store {
	t.Helper()
	s, err := infofile.Open(cfg)
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

// place has the data beside the records, as Rustus does by default.
func place(dir string) infofile.Config {
	return infofile.Config{Dir: dir, Data: dir, Leases: dir + "/.sftpgo/leases"}
}

func TestUploads(t *testing.T) {
	for name, durability := range map[string]infofile.Durability{"buffered": infofile.Buffered, "synced": infofile.Synced} {
		t.Run(name, func(t *testing.T) {
			storetest.RunUploads(t, func(t *testing.T) (dataprovider.Uploads, func(time.Duration)) {
				c := &clock{at: time.Now()}
				cfg := place(t.TempDir() + "/made")
				cfg.Durability, cfg.Now = durability, c.now
				return open(t, cfg), c.pass
			})
		})
	}
}
