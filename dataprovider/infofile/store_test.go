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
	storetest.RunUploads(t, func(t *testing.T) (dataprovider.Uploads, func(time.Duration)) {
		c := &clock{at: time.Now()}
		cfg := place(t.TempDir() + "/made")
		cfg.Now = c.now
		return open(t, cfg), c.pass
	})
}

func TestSynced(t *testing.T) {
	cfg := place(t.TempDir())
	cfg.Durability = infofile.Synced
	s := open(t, cfg)
	u := dataprovider.Upload{ID: "a", Data: "/a", Length: 2, State: dataprovider.UploadOpen}
	if err := s.Add(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	u.Offset = 1
	if err := s.Save(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), "a"); err != nil || got.Offset != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}
