package sqlstore_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider/sqlstore"
)

// A command that was killed between its intention and the end of it stands in nobody's
// way: the numbers that a server gives to its own are others.
func TestCommandBesideLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sftpgo.db")
	server := openStore(t, sqlstore.Config{Path: path, Exclusive: true})
	command := openStore(t, sqlstore.Config{Path: path})
	left, err := command.Outbox().Begin(t.Context(), []byte("of the command"))
	if err != nil {
		t.Fatal(err)
	}
	ids := map[int64]bool{left: true}
	for range 3 {
		id, err := server.Outbox().Announce(t.Context(), []byte("announced"))
		if err != nil {
			t.Fatal(err)
		}
		next, err := server.Outbox().Begin(t.Context(), []byte("begun"))
		if err != nil {
			t.Fatalf("the store of the server: %v", err)
		}
		if ids[id] || ids[next] || id == next {
			t.Errorf("ids %d and %d are taken", id, next)
		}
		ids[id], ids[next] = true, true
	}
	_, records := heard(t, server)
	want := []string{"of the command", "announced", "begun", "announced", "begun", "announced", "begun"}
	if d := cmp.Diff(want, records); d != "" {
		t.Error(d)
	}
	if err := command.Outbox().Drop(t.Context(), left); err != nil {
		t.Fatal(err)
	}
	if _, records = heard(t, server); len(records) != 6 {
		t.Errorf("left: %v", records)
	}
}
