package sqlstore_test

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/sqlstore"
)

// killedCopy copies the files of a database as a kill of its process would leave
// them.
func killedCopy(t *testing.T, path string) string {
	t.Helper()
	dir := t.TempDir()
	files, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range files {
		if strings.HasSuffix(from, "-shm") || strings.HasSuffix(from, ".lock") {
			continue
		}
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(from)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, filepath.Base(path))
}

// heard returns the events of "hook" in order, and the records of intentions.
func heard(t *testing.T, s *sqlstore.Store) (events, records []string) {
	t.Helper()
	for d, err := range s.Outbox().Queue(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, d.EventID)
	}
	for p, err := range s.Outbox().Pending(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, string(p.Record))
	}
	return events, records
}

// What was acknowledged is there after a kill, once, whether it had come as far as
// the database or not, and however little of a last write came through.
func TestLogSurvivesKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sftpgo.db")
	s := openStore(t, sqlstore.Config{Path: path, Exclusive: true})
	o := s.Outbox()
	var events, records []string
	for i := range 40 {
		record := fmt.Sprintf("record %d", i)
		id, err := o.Announce(t.Context(), []byte(record))
		if err != nil {
			t.Fatal(err)
		}
		if i%4 == 0 {
			records = append(records, record)
			continue
		}
		event := dataprovider.Settlement{EventID: fmt.Sprint(i), Event: []byte("{}"), Keys: []string{"/a"}, Targets: []string{"hook"}}
		if _, err := o.Settle(t.Context(), id, event); err != nil {
			t.Fatal(err)
		}
		events = append(events, event.EventID)
		if i%9 == 0 { // also later than what brings it into the database
			time.Sleep(30 * time.Millisecond)
		}
		if i%5 != 0 {
			continue
		}
		killed := killedCopy(t, path)
		if i%2 == 0 {
			f, err := os.OpenFile(killed+".events", os.O_APPEND|os.O_WRONLY, 0)
			if err == nil {
				_, err = f.Write([]byte{0, 0, 1, 0, 1, 2, 3, 4, 5})
			}
			if err != nil || f.Close() != nil {
				t.Fatal(err)
			}
		}
		after := openStore(t, sqlstore.Config{Path: killed, Exclusive: true})
		gotEvents, gotRecords := heard(t, after)
		if diff := cmp.Diff(events, gotEvents); diff != "" {
			t.Errorf("events after a kill at %d (-want +got):\n%s", i, diff)
		}
		if diff := cmp.Diff(records, gotRecords); diff != "" {
			t.Errorf("intentions after a kill at %d (-want +got):\n%s", i, diff)
		}
		// It goes on, with ids of its own.
		next, err := after.Outbox().Announce(t.Context(), nil)
		if err != nil || next <= id {
			t.Errorf("id %d after %d: %v", next, id, err)
		}
	}
}

// A log that is long is begun anew, and a store that was closed well leaves none.
func TestLogEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sftpgo.db")
	s := openStore(t, sqlstore.Config{Path: path, Exclusive: true})
	const size = 6 << 20
	event := dataprovider.Settlement{EventID: "e", Event: make([]byte, 1<<16), Targets: []string{"hook"}}
	for range size / len(event.Event) {
		if _, err := s.Outbox().Settle(t.Context(), 0, event); err != nil {
			t.Fatal(err)
		}
	}
	heard(t, s) // all is in the database
	if fi, err := os.Stat(path + ".events"); err != nil || fi.Size() >= size {
		t.Errorf("the log has %d bytes: %v", fi.Size(), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(path + ".events*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	again := openStore(t, sqlstore.Config{Path: path, Exclusive: true})
	if b, err := again.Outbox().Backlog(t.Context()); err != nil || len(b) != 1 || b[0].Queued != size/int64(len(event.Event)) {
		t.Errorf("%+v %v", b, err)
	}
}

// Where no log can be made, the database does all.
func TestNoLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sftpgo.db")
	if err := os.Mkdir(path+".events", 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: path, Exclusive: true})
	if err == nil || !strings.Contains(err.Error(), "log of events") {
		t.Errorf("a log that cannot be read: %v", err)
	}
	s := openStore(t, sqlstore.Config{Path: path}) // a command
	id, err := s.Outbox().Announce(t.Context(), []byte("record"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Outbox().Settle(t.Context(), id, dataprovider.Settlement{EventID: "e", Targets: []string{"hook"}}); err != nil {
		t.Fatal(err)
	}
	if events, records := heard(t, s); len(events) != 1 || len(records) != 0 {
		t.Errorf("%v %v", events, records)
	}
}

// olderLog is how a server of before wrote its log: an intention, one that ended with
// an event of two keys for two targets, one of them twice, and half an operation.
func olderLog() (text []byte) {
	add := func(kind byte, number, id int64, record, event string, lists ...[]string) {
		body := binary.AppendVarint(binary.AppendVarint(binary.AppendVarint([]byte{kind}, number), id), 1_700_000_000_000_000)
		put := func(s string) { body = append(binary.AppendUvarint(body, uint64(len(s))), s...) }
		put(record)
		put(event)
		put("event " + event)
		for _, list := range lists {
			body = binary.AppendUvarint(body, uint64(len(list)))
			for _, s := range list {
				put(s)
			}
		}
		body = append(body, 0) // nothing is amended
		head := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
		head = binary.BigEndian.AppendUint32(head, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
		text = append(append(text, head...), body...)
	}
	none := []string{}
	add(1, 1, 1, "ends", "", none, none)
	add(1, 2, 2, "left", "", none, none)
	add(2, 3, 1, "", "first", []string{"/a", "/b"}, []string{"hook", "other", "hook"})
	add(2, 4, 0, "", "second", []string{"/b"}, []string{"hook"})
	return append(text, 0, 0, 1, 0, 1, 2, 3)
}

// What an older version had logged when it was killed is delivered.
func TestOlderLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sftpgo.db")
	if err := openStore(t, sqlstore.Config{Path: path, Exclusive: true}).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".events", olderLog(), 0o600); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, sqlstore.Config{Path: path, Exclusive: true})
	tell(t, s, "third", "/a")
	first := claims(t, s, "first")
	if d := first[0]; string(d.Event) != "event first" || d.Settled.UnixMicro() != 1_700_000_000_000_000 {
		t.Errorf("%+v", d)
	}
	events, records := heard(t, s)
	if diff := cmp.Diff([]string{"first", "first", "second", "third"}, events); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"left"}, records); diff != "" {
		t.Error(diff)
	}
	keep(t, s, first...)
	claims(t, s, "second", "third")
}
