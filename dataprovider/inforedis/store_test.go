package inforedis_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/inforedis"
	"sftpgo/dataprovider/storetest"
)

// start runs a server of Redis on a socket of its own, and returns its URL.
func start(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("redis-server is missing; run .ci/clients")
		}
		t.Skip("redis-server is not installed")
	}
	dir, err := os.MkdirTemp("", "redis") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	server := exec.Command(program, "--port", "0", "--unixsocket", socket, "--dir", dir, "--save", "", "--appendonly", "no")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait() // killed
	})
	address := "unix://" + socket + "?db=0"
	client := dial(t, address)
	for deadline := time.Now().Add(30 * time.Second); client.Ping(t.Context()).Err() != nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("redis-server does not answer")
		}
	}
	return address
}

// dial looks into Redis beside the store.
func dial(t *testing.T, address string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func open(t *testing.T, cfg inforedis.Config) *inforedis.Store {
	t.Helper()
	s, err := inforedis.Open(t.Context(), cfg)
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

// pass makes all leases older; the clock of Redis cannot be set.
func pass(t *testing.T, client *redis.Client, d time.Duration) {
	t.Helper()
	ctx := context.Background()
	keys, err := client.Keys(ctx, "*lease:*").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		left, err := client.PTTL(ctx, key).Result()
		if err == nil {
			err = client.PExpire(ctx, key, max(left-d, 0)).Err()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestUploads(t *testing.T) {
	address := start(t)
	client := dial(t, address)
	var n atomic.Int32
	storetest.RunUploads(t, func(t *testing.T) (dataprovider.Uploads, func(time.Duration)) {
		s := open(t, inforedis.Config{URL: address, Prefix: "[" + strconv.Itoa(int(n.Add(1))) + "]*:"})
		return s, func(d time.Duration) { pass(t, client, d) }
	})
}

func TestExpiration(t *testing.T) {
	address := start(t)
	client := dial(t, address)
	ctx := t.Context()
	life := func(id string) time.Duration {
		t.Helper()
		left, err := client.PTTL(ctx, "sftpgo:tus:upload:"+id).Result()
		if err != nil {
			t.Fatal(err)
		}
		return left
	}
	s, forever := open(t, inforedis.Config{URL: address, Expiration: time.Hour}), open(t, inforedis.Config{URL: address})
	u := dataprovider.Upload{ID: "a", State: dataprovider.UploadOpen}
	if err := s.Add(ctx, u); err != nil {
		t.Fatal(err)
	}
	if left := life("a"); left < 24*time.Hour || left > 25*time.Hour {
		t.Errorf("an open upload lives for %v", left)
	}
	u.State = dataprovider.UploadComplete
	if err := s.Save(ctx, u); err != nil {
		t.Fatal(err)
	}
	if left := life("a"); left < 50*time.Minute || left > time.Hour {
		t.Errorf("a complete upload lives for %v", left)
	}
	if err := forever.Save(ctx, u); err != nil {
		t.Fatal(err)
	}
	if left := life("a"); left != -1 {
		t.Errorf("without a limit it lives for %v", left)
	}
}

func TestUnavailable(t *testing.T) {
	for _, address := range []string{"redis://alice:se%63ret@127.0.0.1:1/0", "unix://alice:secret@/no/such/socket"} {
		_, err := inforedis.Open(t.Context(), inforedis.Config{URL: address})
		if !errors.Is(err, dataprovider.ErrUnavailable) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"", "http://secret@host", "redis://alice:secret@host:x/0", "secret"} {
		_, err := inforedis.Open(t.Context(), inforedis.Config{URL: address})
		if !errors.Is(err, dataprovider.ErrInvalid) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
