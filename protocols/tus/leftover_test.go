package tus_test

import (
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/protocols/tus"
	"sftpgo/vfs"
)

// record is what the store has of an upload.
func (r *rig) record(url string) dataprovider.Upload {
	r.t.Helper()
	u, err := r.store.Uploads().Get(r.t.Context(), path.Base(url))
	if err != nil {
		r.t.Fatal(err)
	}
	return u
}

// chunked is a request of alice with a body that does not say how long it is.
func (r *rig) chunked(method, url, body string, header ...string) reply {
	r.t.Helper()
	req := r.request(method, url, struct{ io.Reader }{strings.NewReader(body)}, header...)
	req.ContentLength = -1
	return r.send(req)
}

// TestExpirationOfLongRequest: an upload does not run out while one long request brings
// it, so that a crash in the middle leaves time to go on.
func TestExpirationOfLongRequest(t *testing.T) {
	r := newRig(t)
	url := r.begin(20, "f")
	r.change(url, func(u *dataprovider.Upload) { u.Expires = time.Now().Add(time.Hour) }) // it has run for 23 hours
	c, _ := r.raw("PATCH", url, "Content-Length: 20", "Upload-Offset: 0")
	if _, err := io.WriteString(c, "0123456789"); err != nil {
		t.Fatal(err)
	}
	r.waitSize(url, 10)
	for range 3000 {
		if time.Until(r.record(url).Expires) > 23*time.Hour {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("it runs out at %v", r.record(url).Expires)
}

// TestExpirationOfUnpublishable: an upload that is complete and cannot be published
// runs out like others, and its room is free then.
func TestExpirationOfUnpublishable(t *testing.T) {
	r := newRig(t, limited(10, 0))
	url := r.begin(10, "f")
	if err := os.Mkdir(filepath.Join(r.home, "f"), 0o755); err != nil {
		t.Fatal(err)
	}
	r.take()
	r.want(409, "PATCH", url, "0123456789", "Upload-Offset: 0")
	r.told("upload.failed /f 10/10 0")
	for range 3 { // to ask changes nothing
		r.want(409, "HEAD", url, "-")
	}
	r.told()
	r.uploads.Sweep(t.Context(), time.Now().Add(time.Hour))
	r.want(507, "POST", "/files", "-", "Upload-Length: 10", metadata("filename", "g"))
	r.uploads.Sweep(t.Context(), time.Now().Add(25*time.Hour))
	r.want(410, "HEAD", url, "-")
	if left := r.staged(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	r.patch(r.begin(10, "g"), 0, "0123456789")
}

// TestFailedCreation: nobody knows the URL of an upload whose creation failed, so
// nothing of it stays, whatever the request had brought.
func TestFailedCreation(t *testing.T) {
	r := newRig(t, limited(100, 0))
	const wrong = "Upload-Checksum: sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0="
	for _, lines := range [][]string{
		{"Upload-Length: 60", wrong},
		{"Upload-Length: 60", "Upload-Concat: partial", wrong},
		{"Upload-Defer-Length: 1", wrong},
		{"Upload-Length: 9", "Upload-Concat: partial", wrong},
	} {
		r.want(460, "POST", "/files", "some data", append(lines, metadata("filename", "f"))...)
	}
	for _, length := range []string{"Upload-Length: 5", "Upload-Length: 5\r\nUpload-Concat: partial"} {
		c, answer := r.raw("POST", "/files", "Transfer-Encoding: chunked", length, metadata("filename", "f"))
		if _, err := io.WriteString(c, "9\r\nsome data\r\n0\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if got := status(answer); got != 413 {
			t.Errorf("%s: status %d", length, got)
		}
	}
	if left := r.staged(); len(left) > 0 || r.content("f") != "-" {
		t.Errorf("left: %v, %q", left, r.content("f"))
	}
	r.told()
	r.patch(r.begin(100, "g"), 0, strings.Repeat("x", 100)) // all room is free
}

// TestFailedCreationUnheard: the same holds for clients of the IETF that understand no
// interim response. Of those that do, the upload stays.
func TestFailedCreationUnheard(t *testing.T) {
	for version, want := range map[int]int{0: 0, 8: 1} {
		r := newRig(t, drafts)
		got, _ := r.ietf(version, "POST", "/files", "some data", uploadGoesOn, "Content-Disposition: inline; filename=f",
			"Content-Digest: sha-256=:4N8Y3YJ2BQ6Aq0yZo3J3sUZkBZ1xYbQmVYbqJQ0cYkA=:")
		r.says("POST", got, 400)
		if left := r.staged(); len(left) != want {
			t.Errorf("version %d: left %v", version, left)
		}
	}
}

// TestQuotaOfUndone: what a checksum refused takes no room, also of an upload without a
// length.
func TestQuotaOfUndone(t *testing.T) {
	r := newRig(t, limited(10, 0))
	url := r.want(201, "POST", "/files", "-", "Upload-Defer-Length: 1", metadata("filename", "f")).header.Get("Location")
	for range 3 {
		r.want(460, "PATCH", url, "01234567", "Upload-Offset: 0", "Upload-Checksum: sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=")
	}
	r.patch(r.begin(10, "g"), 0, "0123456789")
}

// TestLimitLowered: an upload may be larger already than a limit that was set later.
func TestLimitLowered(t *testing.T) {
	r := newRig(t)
	url := r.want(201, "POST", "/files", "-", "Upload-Defer-Length: 1", metadata("filename", "f")).header.Get("Location")
	r.patch(url, 0, "0123456789")
	r.cfg.MaxSize = 5
	r.restartServer()
	url = r.at(url)
	if got := r.chunked("PATCH", url, "abc", "Upload-Offset: 10"); got.status != 413 {
		t.Errorf("status %d", got.status)
	}
	r.want(413, "PATCH", url, "abc", "Upload-Offset: 10")
	r.want(204, "DELETE", url, "-") // nobody holds it
}

// TestChecksumOfNothing: a request without data has a checksum, too.
func TestChecksumOfNothing(t *testing.T) {
	r := newRig(t)
	url := r.begin(5, "f")
	r.want(460, "PATCH", url, "", "Upload-Offset: 0", "Upload-Checksum: sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=")
	r.want(204, "PATCH", url, "", "Upload-Offset: 0", "Upload-Checksum: sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=")
}

// TestKilledBetweenLinkAndRemove: the file of a user who may not overwrite was
// published, and its data still had their first name.
func TestKilledBetweenLinkAndRemove(t *testing.T) {
	r := newRig(t, limited(10, 0), func(_ *tus.Config, u *dataprovider.User) {
		u.Permissions = map[string][]string{"/": {"list", "upload"}}
	})
	url := r.begin(10, "f")
	if err := os.WriteFile(r.data(url), []byte("0123456789"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(r.data(url), filepath.Join(r.home, "f")); err != nil {
		t.Fatal(err)
	}
	u, _, err := r.store.Users().Get(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.manager.Open(t.Context(), u, session.Peer{Protocol: "SFTP", ID: "SFTP_1"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	info, err := s.Stat(t.Context(), "/f")
	if err != nil {
		t.Fatal(err)
	}
	r.change(url, func(u *dataprovider.Upload) { u.State, u.FileID = dataprovider.UploadVerifying, vfs.FileIDOf(info) })
	if n := r.offset(url); n != 10 {
		t.Errorf("offset %d", n)
	}
	if left := r.staged(); len(left) > 0 || r.content("f") != "0123456789" {
		t.Errorf("left %v, %q", left, r.content("f"))
	}
	if rec := r.record(url); rec.State != dataprovider.UploadComplete || !rec.Reserved.IsZero() {
		t.Errorf("%+v", rec)
	}
	r.begin(10, "g") // what was reserved for it went with it
}
