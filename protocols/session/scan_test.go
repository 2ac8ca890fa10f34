package session_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
)

// TestScan counts what was there before the account was.
func TestScan(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("a", "123")
	r.write("d/e/b", "45")
	r.write("d/empty", "")
	if err := r.open().Symlink(t.Context(), "a", "/link"); err != nil {
		t.Fatal(err)
	}
	want := dataprovider.Amount{Files: 3, Bytes: 5}
	for range 2 { // it replaces, it does not add
		got, err := r.manager.Scan(t.Context(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	if diff := cmp.Diff(want, r.usage()); diff != "" {
		t.Error(diff)
	}
	if _, err := r.manager.Scan(t.Context(), "nobody"); err == nil {
		t.Error("a user who does not exist was scanned")
	}
}
