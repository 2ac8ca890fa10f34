package sqlstore_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/sqlstore"
)

func completeUpload(id string) dataprovider.Upload {
	return dataprovider.Upload{
		ID: id, Owner: "alice", Name: "/" + id, Data: "/" + id, Length: 3, Offset: 3,
		Created: time.Unix(1, 0).UTC(), State: dataprovider.UploadComplete,
	}
}

// A complete upload is recorded in the log, and everybody who asks finds it; a kill takes
// none away.
func TestRecordedUploads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sftpgo.db")
	s := openStore(t, sqlstore.Config{Path: path, Exclusive: true})
	store := s.Uploads()
	recorder, ok := store.(dataprovider.UploadRecorder)
	if !ok {
		t.Fatal("uploads are not recorded ahead of the database")
	}
	record := func(id string) dataprovider.Upload {
		t.Helper()
		u := completeUpload(id)
		if err := recorder.Record(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		return u
	}
	for round := range 20 {
		id := func(n int) string { return fmt.Sprintf("%03d-%d", round, n) }
		want := record(id(0))
		killed := openStore(t, sqlstore.Config{Path: killedCopy(t, path), Exclusive: true})
		for name, from := range map[string]dataprovider.Uploads{"here": store, "after a kill": killed.Uploads()} {
			got, err := from.Get(t.Context(), want.ID)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Fatalf("%s: %v\n%s", name, err, diff)
			}
		}

		want = record(id(1))
		var listed []string
		for u, err := range store.List(t.Context(), "alice", id(0)) {
			if err != nil {
				t.Fatal(err)
			}
			listed = append(listed, u.ID)
		}
		if diff := cmp.Diff([]string{want.ID}, listed); diff != "" {
			t.Fatal(diff)
		}

		want = record(id(2))
		want.State = dataprovider.UploadGone
		if err := store.Save(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		if got, err := store.Get(t.Context(), want.ID); err != nil || got.State != dataprovider.UploadGone {
			t.Fatal(got, err)
		}

		want = record(id(3))
		if err := store.Delete(t.Context(), want.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Get(t.Context(), want.ID); !errors.Is(err, dataprovider.ErrNotFound) {
			t.Fatal(err)
		}

		want = record(id(4))
		if err := store.Add(t.Context(), want); !errors.Is(err, dataprovider.ErrExists) {
			t.Fatal(err)
		}
	}
}

// Without a log the database has it at once, and one that was there stays.
func TestRecordWithoutLog(t *testing.T) {
	s := openStore(t, sqlstore.Config{Path: filepath.Join(t.TempDir(), "sftpgo.db")})
	u := completeUpload("one")
	if err := s.Uploads().Add(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	other := u
	other.Owner = "bob"
	if err := s.Uploads().(dataprovider.UploadRecorder).Record(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Uploads().Get(t.Context(), "one"); err != nil || got.Owner != "alice" {
		t.Fatal(got, err)
	}
}
