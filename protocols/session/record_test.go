package session_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
	"sftpgo/dataprovider/sqlstore"
)

// The buffers in which intentions and events are written serve for the next ones, so
// a store must have copied what it keeps when it answers.
func TestStoresKeepNoBuffer(t *testing.T) {
	open := func(exclusive bool) dataprovider.Store {
		s, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: filepath.Join(t.TempDir(), "sftpgo.db"), Exclusive: exclusive})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	for name, store := range map[string]dataprovider.Store{
		"memory": memstore.New(memstore.Config{}), "database": open(false), "log": open(true),
	} {
		o := store.Outbox()
		buffer := make([]byte, 1)
		record := func(text string) []byte { copy(buffer, text); return buffer }
		for _, begin := range []string{"a", "b"} {
			if _, err := o.Announce(t.Context(), record(begin)); err != nil {
				t.Fatal(err)
			}
		}
		last, err := o.Begin(t.Context(), record("c"))
		if err != nil {
			t.Fatal(err)
		}
		for _, event := range []string{"1", "2"} {
			s := dataprovider.Settlement{
				EventID: event, Event: record(event), Keys: []string{"/a"}, Targets: []string{"hook"}, Owner: "alice",
			}
			if event == "1" {
				s.Owner = ""
			}
			if _, err := o.Settle(t.Context(), 0, s); err != nil {
				t.Fatal(err)
			}
		}
		amended := dataprovider.Settlement{Amended: []dataprovider.Pending{{ID: last, Record: record("d")}}}
		if _, err := o.Settle(t.Context(), 0, amended); err != nil {
			t.Fatal(err)
		}
		record("-")

		var got []string
		for p, err := range o.Pending(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(p.Record))
		}
		for q, err := range o.Queue(t.Context(), 0) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(q.Event))
		}
		if diff := cmp.Diff([]string{"a", "b", "d", "1", "2"}, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}
