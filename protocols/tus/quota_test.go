package tus_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/protocols/tus"
	"sftpgo/vfs"
)

func limited(bytes int64, files int) func(*tus.Config, *dataprovider.User) {
	return func(_ *tus.Config, u *dataprovider.User) { u.QuotaSize, u.QuotaFiles = bytes, files }
}

// put uploads over another protocol.
func (r *rig) put(name, content string) error {
	r.t.Helper()
	u, _, err := r.store.Users().Get(r.t.Context(), "alice")
	if err != nil {
		r.t.Fatal(err)
	}
	s, err := r.manager.Open(r.t.Context(), u, session.Peer{Protocol: "SFTP", ID: "SFTP_1"})
	if err != nil {
		r.t.Fatal(err)
	}
	defer s.Close()
	t, err := s.Upload(r.t.Context(), name, vfs.Write|vfs.Create|vfs.Truncate)
	if err != nil {
		return err
	}
	if _, err := t.Write([]byte(content)); err != nil {
		t.TransferError(err)
	}
	return t.Close()
}

// TestQuotaReserved: the length is reserved at the beginning, against all protocols,
// and given back at any end.
func TestQuotaReserved(t *testing.T) {
	r := newRig(t, limited(10, 0))
	url := r.begin(8, "a")
	r.want(507, "POST", "/files", "-", "Upload-Length: 3", metadata("filename", "b"))
	if err := r.put("c", "xyz"); err == nil {
		t.Error("what is reserved was used over another protocol")
	}
	r.restartServer() // what is reserved is known afterwards
	url = r.at(url)
	if err := r.put("c", "xyz"); err == nil {
		t.Error("what is reserved was forgotten")
	}
	r.patch(url, 0, "0123")
	r.want(204, "DELETE", url, "-")
	url = r.begin(10, "b")
	r.patch(url, 0, strings.Repeat("x", 10))
	if u := r.usage(); u != (dataprovider.Amount{Files: 1, Bytes: 10}) {
		t.Errorf("usage %v", u)
	}
	r.want(507, "POST", "/files", "-", "Upload-Length: 1", metadata("filename", "c"))
	r.want(507, "POST", "/files", "x", "Upload-Length: 1", metadata("filename", "c"))
	r.want(204, "DELETE", url, "-") // of a complete upload: the file
	if u := r.usage(); u != (dataprovider.Amount{}) {
		t.Errorf("usage %v", u)
	}
	r.want(201, "POST", "/files", "0123456789", "Upload-Length: 10", metadata("filename", "d"))
}

// TestQuotaFiles: the number of files counts from the beginning, too.
func TestQuotaFiles(t *testing.T) {
	r := newRig(t, limited(0, 1))
	url := r.begin(2, "a")
	r.want(507, "POST", "/files", "-", "Upload-Length: 1", metadata("filename", "b"))
	r.patch(url, 0, "ab")
	r.want(201, "POST", "/files", "xyz", "Upload-Length: 3", metadata("filename", "a")) // in its place
	r.want(507, "POST", "/files", "x", "Upload-Length: 1", metadata("filename", "b"))
}

// TestQuotaOfDeferred: what has no length takes its room as it comes.
func TestQuotaOfDeferred(t *testing.T) {
	r := newRig(t, limited(10, 0))
	url := r.want(201, "POST", "/files", "-", "Upload-Defer-Length: 1", metadata("filename", "f")).header.Get("Location")
	r.patch(url, 0, "01234567")
	r.want(507, "POST", "/files", "-", "Upload-Length: 3", metadata("filename", "g"))
	r.take()
	r.want(507, "PATCH", url, "89abc", "Upload-Offset: 8")
	if diff := cmp.Diff([]string{"upload.failed /f 8/? 2"}, r.events()); diff != "" {
		t.Errorf("events (-want +got)\n%s", diff)
	}
	n := r.offset(url) // a part of the piece may have found room
	r.want(507, "PATCH", url, "", "Upload-Offset: "+itoa(n), "Upload-Length: 11")
	r.want(204, "PATCH", url, "89"[n-8:], "Upload-Offset: "+itoa(n), "Upload-Length: 10")
	if c := r.content("f"); c != "0123456789" {
		t.Errorf("%q", c)
	}
}

// TestQuotaOfParts: parts count as long as they are kept, and need no room twice.
func TestQuotaOfParts(t *testing.T) {
	r := newRig(t, limited(10, 0))
	var parts []string
	for _, p := range []string{"01234", "56789"} {
		parts = append(parts, r.want(201, "POST", "/files", p, "Upload-Length: 5", "Upload-Concat: partial").header.Get("Location"))
	}
	r.want(507, "POST", "/files", "x", "Upload-Length: 1", metadata("filename", "x"))
	r.want(507, "POST", "/files", "-", "Upload-Concat: final;"+parts[0]+" "+parts[1]+" "+parts[0], metadata("filename", "f"))
	r.want(507, "POST", "/files", "x", "Upload-Length: 1", metadata("filename", "x"))
	r.want(201, "POST", "/files", "-", "Upload-Concat: final;"+strings.Join(parts, " "), metadata("filename", "f"))
	if c := r.content("f"); c != "0123456789" {
		t.Errorf("%q", c)
	}
	if u := r.usage(); u != (dataprovider.Amount{Files: 1, Bytes: 10}) {
		t.Errorf("usage %v", u)
	}
	r.want(204, "DELETE", r.url+"/files/"+r.id("f"), "-")
	url := r.begin(10, "g")
	r.want(204, "DELETE", url, "-")
	r.begin(10, "g")
}

// TestTooManyOpen: a user cannot fill the store with uploads that are never finished.
func TestTooManyOpen(t *testing.T) {
	r := newRig(t, func(c *tus.Config, _ *dataprovider.User) { c.MaxUnfinished = 3 })
	var urls []string
	for i := range 3 {
		urls = append(urls, r.begin(1, itoa(i)))
	}
	if got := r.want(503, "POST", "/files", "-", "Upload-Length: 1"); got.header.Get("Retry-After") == "" {
		t.Errorf("%v", got.header)
	}
	r.want(201, "POST", "/files", "x", "Upload-Length: 1", metadata("filename", "whole")) // is finished at once
	r.restartServer()
	r.want(503, "POST", "/files", "-", "Upload-Length: 1")
	r.want(204, "DELETE", r.at(urls[0]), "-")
	r.patch(r.at(urls[1]), 0, "x")
	r.begin(1, "a")
	r.begin(1, "b")
	r.want(503, "POST", "/files", "-", "Upload-Length: 1")
	if n := len(r.staged()); n != 3 {
		t.Errorf("%d data files", n)
	}
}
