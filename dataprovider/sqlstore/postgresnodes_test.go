//go:build unix

package sqlstore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/pgtest"
	"sftpgo/dataprovider/sqlstore"
)

// childNode begins an intention, claims what there is, says so, and waits to be
// killed.
func childNode(url string) {
	ctx := context.Background()
	s, err := sqlstore.OpenPostgres(ctx, sqlstore.Postgres{ConnectionString: url, Server: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := s.Outbox().Begin(ctx, []byte("of the killed")); err != nil {
		fmt.Println(err)
		return
	}
	ds, err := s.Outbox().Claim(ctx, "hook", 10, time.Hour)
	fmt.Println("ready", len(ds), err)
	select {}
}

func settleOne(t *testing.T, s dataprovider.Store, id string) {
	t.Helper()
	_, err := s.Outbox().Settle(t.Context(), 0, dataprovider.Settlement{
		EventID: id, Event: []byte("event"), Keys: []string{"/" + id}, Targets: []string{"hook"},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func claimed(t *testing.T, s dataprovider.Store) (ids []string) {
	t.Helper()
	ds, err := s.Outbox().Claim(t.Context(), "hook", 10, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range ds {
		ids = append(ids, d.EventID)
	}
	return ids
}

func pending(t *testing.T, s dataprovider.Store) (records []string) {
	t.Helper()
	for p, err := range s.Outbox().Pending(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, string(p.Record))
	}
	return records
}

func want(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// Each server has what it took, as long as it is there; what it leaves at its end
// another one has at once.
func TestPostgresNodes(t *testing.T) {
	url := pgtest.Start(t).Schema(t)
	server := sqlstore.Postgres{ConnectionString: url, Server: true}
	one, two := openPostgres(t, server), openPostgres(t, server)
	command := openPostgres(t, sqlstore.Postgres{ConnectionString: url})
	for _, id := range []string{"a", "b", "c"} {
		settleOne(t, command, id)
	}
	if ds, err := one.Outbox().Claim(t.Context(), "hook", 2, time.Hour); err != nil || len(ds) != 2 {
		t.Fatal(ds, err)
	}
	if _, err := one.Outbox().Begin(t.Context(), []byte("of one")); err != nil {
		t.Fatal(err)
	}
	mine, err := two.Outbox().Begin(t.Context(), []byte("of two"))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "free", claimed(t, two), "c")
	if err := two.Outbox().Release(t.Context(), "hook"); err != nil {
		t.Fatal(err)
	}
	want(t, "own lease released", claimed(t, two), "c")
	want(t, "pending beside a server that lives", pending(t, two))
	want(t, "pending for a command", pending(t, command))

	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	want(t, "leases handed over", claimed(t, two), "a", "b")
	awaitOrphans(t, two)
	want(t, "intention handed over", pending(t, two), "of one")
	want(t, "the same again", pending(t, two), "of one")
	if _, err := two.Outbox().Settle(t.Context(), mine, dataprovider.Settlement{}); err != nil {
		t.Error(err)
	}
}

func awaitOrphans(t *testing.T, s dataprovider.Peers) {
	t.Helper()
	select {
	case <-s.Orphans():
	case <-time.After(2 * time.Minute):
		t.Fatal("nobody noticed that a server has gone")
	}
}

// A server that is killed is noticed by another that runs, and by one that starts.
func TestPostgresKilledNode(t *testing.T) {
	server := pgtest.Start(t)
	for _, when := range []string{"running", "starting"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			url := server.Schema(t)
			command := openPostgres(t, sqlstore.Postgres{ConnectionString: url})
			settleOne(t, command, "a")
			var s *sqlstore.Store
			if when == "running" {
				s = openPostgres(t, sqlstore.Postgres{ConnectionString: url, Server: true})
			}
			cmd := child(t, os.Args[0], "node", url)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil || line != "ready 1 <nil>\n" {
				t.Fatal(line, err)
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // killed
			if s == nil {
				s = openPostgres(t, sqlstore.Postgres{ConnectionString: url, Server: true})
			} else {
				awaitOrphans(t, s)
			}
			want(t, "intention", pending(t, s), "of the killed")
			want(t, "lease", claimed(t, s), "a")
		})
	}
}

// A server that the others took for gone goes on under a new name. What they ended
// for it, it learns.
func TestPostgresFencedNode(t *testing.T) {
	server := pgtest.Start(t)
	url := server.Schema(t)
	s := openPostgres(t, sqlstore.Postgres{ConnectionString: url, Server: true})
	kept, err1 := s.Outbox().Begin(t.Context(), []byte("kept"))
	lost, err2 := s.Outbox().Begin(t.Context(), []byte("lost"))
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	server.Exec(t, url, "DELETE FROM node", "DELETE FROM outbox_pending WHERE id = "+fmt.Sprint(lost))
	fresh := int64(0)
	for start := time.Now(); fresh == 0; time.Sleep(50 * time.Millisecond) {
		id, err := s.Outbox().Begin(t.Context(), []byte("new"))
		if err == nil {
			fresh = id
		} else if !errors.Is(err, dataprovider.ErrUnavailable) || time.Since(start) > time.Minute {
			t.Fatal(err)
		}
	}
	if _, err := s.Outbox().Settle(t.Context(), kept, dataprovider.Settlement{}); err != nil {
		t.Errorf("an intention that nobody took over: %v", err)
	}
	if _, err := s.Outbox().Settle(t.Context(), lost, dataprovider.Settlement{}); !errors.Is(err, dataprovider.ErrTakenOver) {
		t.Errorf("an intention that was taken over: %v", err)
	}
	if _, err := s.Outbox().Settle(t.Context(), fresh, dataprovider.Settlement{}); err != nil {
		t.Errorf("a new intention: %v", err)
	}
	if _, err := s.Outbox().Settle(t.Context(), fresh, dataprovider.Settlement{}); !errors.Is(err, dataprovider.ErrNotFound) {
		t.Errorf("an intention that was settled: %v", err)
	}
}

// The end of PostgreSQL is ErrUnavailable until it is there again; nobody is taken
// for gone because of it.
func TestPostgresRestart(t *testing.T) {
	server := pgtest.Start(t)
	cfg := sqlstore.Postgres{ConnectionString: server.Schema(t), Server: true}
	one, two := openPostgres(t, cfg), openPostgres(t, cfg)
	id, err := one.Outbox().Begin(t.Context(), []byte("of one"))
	if err != nil {
		t.Fatal(err)
	}
	settleOne(t, one, "a")
	want(t, "before", claimed(t, one), "a")

	server.Down(t)
	if err := one.Ping(t.Context()); !errors.Is(err, dataprovider.ErrUnavailable) || strings.Contains(err.Error(), "\n") {
		t.Errorf("ping: %v", err)
	}
	if _, err := one.Outbox().Settle(t.Context(), id, dataprovider.Settlement{}); !errors.Is(err, dataprovider.ErrUnavailable) {
		t.Errorf("settle: %v", err)
	}
	if _, _, err := one.Users().Get(t.Context(), "alice"); !errors.Is(err, dataprovider.ErrUnavailable) {
		t.Errorf("get: %v", err)
	}
	_, err = sqlstore.OpenPostgres(t.Context(), cfg)
	if !errors.Is(err, dataprovider.ErrUnavailable) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), pgtest.Password) {
		t.Errorf("open: %v", err)
	}
	t.Log(err)

	server.Up(t)
	for start := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if err := errors.Join(one.Ping(t.Context()), two.Ping(t.Context())); err == nil {
			break
		} else if time.Since(start) > time.Minute {
			t.Fatal(err)
		}
	}
	if _, err := one.Outbox().Settle(t.Context(), id, dataprovider.Settlement{}); err != nil {
		t.Errorf("settle after the restart: %v", err)
	}
	want(t, "still leased", claimed(t, two))
	want(t, "not taken over", pending(t, two))
}
