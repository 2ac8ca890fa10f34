package tus_test

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// change edits the record of an upload, as a process that was killed would have left
// it.
func (r *rig) change(url string, change func(u *dataprovider.Upload)) {
	r.t.Helper()
	u, err := r.store.Uploads().Get(r.t.Context(), path.Base(url))
	if err != nil {
		r.t.Fatal(err)
	}
	change(&u)
	if err := r.store.Uploads().Save(r.t.Context(), u); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) data(url string) string {
	return filepath.Join(r.home, vfs.UploadsDir, path.Base(url))
}

// TestRestart: an upload goes on after a restart where it was.
func TestRestart(t *testing.T) {
	r := newRig(t)
	url := r.begin(10, "f")
	r.patch(url, 0, "0123")
	r.restartServer()
	url = r.at(url)
	if n := r.offset(url); n != 4 {
		t.Errorf("offset %d", n)
	}
	r.patch(url, 4, "456789")
	r.restartServer()
	if n := r.offset(r.at(url)); n != 10 || r.content("f") != "0123456789" {
		t.Errorf("offset %d, %q", n, r.content("f"))
	}
}

// TestKilledWhileWriting: what is stored counts, not what the record says.
func TestKilledWhileWriting(t *testing.T) {
	r := newRig(t)
	url := r.begin(10, "f")
	if err := os.WriteFile(r.data(url), []byte("01234"), 0o644); err != nil {
		t.Fatal(err)
	}
	if n := r.offset(url); n != 5 {
		t.Errorf("offset %d", n)
	}
	r.patch(url, 5, "56789")
	if c := r.content("f"); c != "0123456789" {
		t.Errorf("%q", c)
	}
}

// TestKilledBeforePublishing: all data came, and then the process was killed. The
// client that asks finds its upload complete, and so does one that never asks.
func TestKilledBeforePublishing(t *testing.T) {
	for _, state := range []dataprovider.UploadState{dataprovider.UploadOpen, dataprovider.UploadVerifying} {
		for _, asks := range []bool{true, false} {
			r := newRig(t, limited(10, 1))
			url := r.begin(10, "f")
			r.take()
			if err := os.WriteFile(r.data(url), []byte("0123456789"), 0o644); err != nil {
				t.Fatal(err)
			}
			r.change(url, func(u *dataprovider.Upload) { u.State = state })
			switch {
			case asks:
				if n := r.offset(url); n != 10 {
					t.Errorf("%s: offset %d", state, n)
				}
			case state == dataprovider.UploadVerifying:
				r.uploads.Sweep(t.Context(), time.Now())
			default:
				r.uploads.Sweep(t.Context(), time.Now().Add(25*time.Hour))
			}
			if c := r.content("f"); c != "0123456789" {
				t.Errorf("%s: %q", state, c)
			}
			r.told("upload.done /f 10/10 1")
			if u := r.usage(); u != (dataprovider.Amount{Files: 1, Bytes: 10}) {
				t.Errorf("%s: usage %v", state, u)
			}
			r.want(204, "DELETE", url, "-")
		}
	}
}

// TestKilledAfterPublishing: the file was published and told, and the record does not
// know yet.
func TestKilledAfterPublishing(t *testing.T) {
	r := newRig(t, limited(10, 1))
	url := r.begin(10, "f")
	r.patch(url, 0, "0123456789")
	r.take()
	r.change(url, func(u *dataprovider.Upload) {
		u.State, u.Data = dataprovider.UploadVerifying, "/.uploads/"+u.ID
		u.Reserved = dataprovider.Amount{Files: 1, Bytes: 10}
	})
	r.restartServer()
	url = r.at(url)
	if n := r.offset(url); n != 10 {
		t.Errorf("offset %d", n)
	}
	r.told()
	if u := r.usage(); u != (dataprovider.Amount{Files: 1, Bytes: 10}) {
		t.Errorf("usage %v", u)
	}
	r.want(204, "DELETE", url, "-") // it has become the file
	if c := r.content("f"); c != "-" {
		t.Errorf("%q", c)
	}
	r.want(201, "POST", "/files", "0123456789", "Upload-Length: 10", metadata("filename", "g")) // nothing is reserved any more
}

// TestKilledBeforeChecksum: data whose checksum nobody has looked at do not count.
func TestKilledBeforeChecksum(t *testing.T) {
	r := newRig(t)
	url := r.begin(10, "f")
	r.patch(url, 0, "01")
	if err := os.WriteFile(r.data(url), []byte("01garbage"), 0o644); err != nil {
		t.Fatal(err)
	}
	r.change(url, func(u *dataprovider.Upload) { u.Unverified = true })
	r.restartServer()
	url = r.at(url)
	if n := r.offset(url); n != 2 {
		t.Errorf("offset %d", n)
	}
	r.patch(url, 2, "23456789")
	if c := r.content("f"); c != "0123456789" {
		t.Errorf("%q", c)
	}
}

// TestOrphans: data without an upload are removed when they are old.
func TestOrphans(t *testing.T) {
	r := newRig(t)
	url := r.begin(10, "f")
	old, young := r.data("x/old"), r.data("x/young")
	for _, at := range []string{old, young} {
		if err := os.WriteFile(at, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	before := time.Now().Add(-48 * time.Hour)
	for _, at := range []string{old, r.data(url)} {
		if err := os.Chtimes(at, before, before); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := contextOf(t)
	ended := make(chan struct{})
	go func() { r.uploads.Run(ctx); close(ended) }()
	for range 3000 {
		if _, err := os.Stat(old); os.IsNotExist(err) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	<-ended
	if got := strings.Join(r.staged(), " "); got != path.Base(url)+" young" && got != "young "+path.Base(url) {
		t.Errorf("left %s", got)
	}
}
