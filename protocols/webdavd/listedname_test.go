package webdavd_test

import (
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sftpgo/protocols/session"
	"sftpgo/protocols/webdavd"
)

// What a listing names can be asked for: a name that is no UTF-8 is refused, and not
// listed.
func TestListingOfBadName(t *testing.T) {
	r := newRig(t, session.Config{})
	r.serve(slog.New(slog.DiscardHandler), webdavd.Config{}, webdavd.Binding{DirectoryListing: true}, "")
	r.write("good", "")
	if err := os.WriteFile(filepath.Join(r.home, "bad\xff\xfename"), nil, 0o600); err != nil {
		t.Skip("no such names here:", err)
	}
	r.want(400, "GET", "/bad%ff%fename", "")
	for _, got := range []reply{r.want(207, "PROPFIND", "/", "", "Depth: 1"), r.want(200, "GET", "/", "")} {
		if strings.Contains(got.body, "bad") || !strings.Contains(got.body, "good") {
			t.Errorf("%s", got.body)
		}
	}
}

// An MKCOL without a length, and without content, has no body.
func TestMkcolOfNoLength(t *testing.T) {
	r := newRig(t, session.Config{})
	for name, status := range map[string]int{"": 201, "content": 415} {
		req, err := http.NewRequest("MKCOL", r.url+"/d"+name, strings.NewReader(name))
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength, req.Body, req.TransferEncoding = -1, io.NopCloser(strings.NewReader(name)), []string{"chunked"}
		if got := r.send(req); got.status != status {
			t.Errorf("body %q: %d %s", name, got.status, got.body)
		}
	}
}
