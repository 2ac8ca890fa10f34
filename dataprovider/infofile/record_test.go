package infofile_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/infofile"
)

// TestRecord: the fields that Rustus reads, with its values.
func TestRecord(t *testing.T) {
	dir := t.TempDir()
	s := open(t, place(dir))
	created := time.Unix(1658671969, 500).UTC()
	u := dataprovider.Upload{
		ID: "3cd911fe-eba0-499a-b220-b1d1b947b80f", Name: "/2022/7/x", Data: "/2022/7/x", Length: -1, Offset: 5,
		Metadata: "filename c2hyZWsyLm1rdg==,bad !,empty", Created: created, State: dataprovider.UploadOpen,
	}
	if err := s.Add(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, u.ID+".info"))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	delete(got, "sftpgo")
	want := map[string]any{
		"id": u.ID, "offset": 5.0, "length": nil, "path": filepath.Join(dir, "2022/7/x"), "created_at": 1658671969.0,
		"deferred_size": true, "is_partial": false, "is_final": false, "parts": nil, "storage": "file_storage",
		"metadata": map[string]any{"filename": "shrek2.mkv", "empty": ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("record (-want +got)\n%s", diff)
	}
}

// TestRustusRecord reads what Rustus 1.1.4 has written.
func TestRustusRecord(t *testing.T) {
	dir := t.TempDir()
	s := open(t, place(dir))
	write := func(id, fields string) {
		t.Helper()
		text := `{"id":"` + id + `",` + fields + `}`
		if err := os.WriteFile(filepath.Join(dir, id+".info"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	path := func(rel string) string { return `"path":"` + filepath.Join(dir, rel) + `",` }
	const rest = `"created_at":1658671969,"deferred_size":false,"parts":null,"storage":"file_storage"`
	write("open", `"offset":3,"length":220,"is_partial":false,"is_final":false,"metadata":{"filename":"shrek2.mkv","a":"ü"},`+path("2022/7/open")+rest)
	write("part", `"offset":9,"length":9,"is_partial":true,"is_final":false,"metadata":{},`+path("part")+rest)
	write("deferred", `"offset":0,"length":null,"is_partial":false,"is_final":false,"metadata":{},`+path("deferred")+rest)
	write("bucket", `"offset":0,"length":1,"is_partial":false,"is_final":false,"metadata":{},"path":"bucket","created_at":1,"storage":"s3"`)
	write("elsewhere", `"offset":0,"length":1,"is_partial":false,"is_final":false,"metadata":{},`+path("../elsewhere")+rest)
	at := time.Unix(1658671969, 0)
	for _, want := range []dataprovider.Upload{
		{
			ID: "open", Name: "/2022/7/open", Data: "/2022/7/open", Offset: 3, Length: 220, Created: at, Protocol: "HTTP",
			Metadata: "a w7w=,filename c2hyZWsyLm1rdg==", State: dataprovider.UploadOpen, Unverified: true,
		},
		{ID: "part", Data: "/part", Offset: 9, Length: 9, Partial: true, Created: at, Protocol: "HTTP", State: dataprovider.UploadComplete},
		{ID: "deferred", Name: "/deferred", Data: "/deferred", Length: -1, Created: at, Protocol: "HTTP", State: dataprovider.UploadOpen, Unverified: true},
	} {
		got, err := s.Get(t.Context(), want.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", want.ID, diff)
		}
		got.Offset++
		if err := s.Save(t.Context(), got); err != nil {
			t.Fatal(err)
		}
		if again, err := s.Get(t.Context(), want.ID); err != nil || again.Offset != want.Offset+1 {
			t.Errorf("%s saved: %+v, %v", want.ID, again, err)
		}
	}
	for _, id := range []string{"bucket", "elsewhere"} {
		if u, err := s.Get(t.Context(), id); !errors.Is(err, dataprovider.ErrNotFound) {
			t.Errorf("%s: %+v, %v", id, u, err)
		}
	}
}

// TestOtherFiles: uploads lie beside the records, and some have names that end alike.
func TestOtherFiles(t *testing.T) {
	dir := t.TempDir()
	s := open(t, place(dir))
	if err := s.Add(t.Context(), dataprovider.Upload{ID: "a", Data: "/a"}); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"a": "data", "notes.info": "text", "b.info": `{"id":"a","sftpgo":{"id":"a"}}`, "c.info": "", ".d.info": `{"id":"d"}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for u, err := range s.List(t.Context(), "", "") {
		if err != nil || u.ID != "a" && u.ID != "" {
			t.Errorf("%+v, %v", u, err)
		}
	}
	for _, id := range []string{"notes", "b"} {
		if _, err := s.Get(t.Context(), id); err == nil || errors.Is(err, dataprovider.ErrNotFound) {
			t.Errorf("%s: %v; somebody should look at it", id, err)
		}
	}
}

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	s := open(t, place(dir))
	old, young := filepath.Join(dir, ".a.123.new"), filepath.Join(dir, ".b.123.new")
	other := filepath.Join(dir, ".hidden")
	for _, path := range []string{old, young, other} {
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-2 * time.Hour)
	for _, path := range []string{old, other} {
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Sweep(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	for _, path := range []string{young, other} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

// TestProcesses: two stores stand for two processes, whose locks the system keeps
// apart in the same way.
func TestProcesses(t *testing.T) {
	ctx := t.Context()
	cfg := place(t.TempDir())
	one, two := open(t, cfg), open(t, cfg)
	if err := one.Add(ctx, dataprovider.Upload{ID: "a", Data: "/a"}); err != nil {
		t.Fatal(err)
	}
	if _, err := two.Get(ctx, "a"); err != nil {
		t.Error(err)
	}
	hold := func(s *infofile.Store, holder string) error { return s.Hold(ctx, "a", holder, time.Minute) }
	if err := hold(one, "1"); err != nil {
		t.Fatal(err)
	}
	if wanted, err := one.Renew(ctx, "a", "1", time.Minute); wanted || err != nil {
		t.Errorf("wanted %v, %v", wanted, err)
	}
	if err := hold(two, "2"); !errors.Is(err, dataprovider.ErrConflict) {
		t.Errorf("held by another process: %v", err)
	}
	if wanted, err := one.Renew(ctx, "a", "1", time.Minute); !wanted || err != nil {
		t.Errorf("wanted %v, %v", wanted, err)
	}
	if err := one.Release(ctx, "a", "1"); err != nil {
		t.Error(err)
	}
	if err := hold(two, "2"); err != nil {
		t.Error(err)
	}
	if wanted, err := two.Renew(ctx, "a", "2", time.Minute); wanted || err != nil {
		t.Errorf("wanted %v, %v", wanted, err)
	}
	if err := two.Close(); err != nil { // as the end of the process does
		t.Error(err)
	}
	if err := hold(one, "1"); err != nil {
		t.Errorf("the holder has gone: %v", err)
	}
	if left, err := os.ReadDir(cfg.Leases); err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
}
