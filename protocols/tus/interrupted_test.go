package tus_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
	"sftpgo/protocols/tus"
	"sftpgo/vfs"
)

// waitSize waits until so many bytes of an upload are stored.
func (r *rig) waitSize(url string, n int64) {
	r.t.Helper()
	at := filepath.Join(r.home, vfs.UploadsDir, filepath.Base(url))
	for range 3000 {
		if info, err := os.Stat(at); err == nil && info.Size() >= n {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.t.Fatalf("%s never had %d bytes", url, n)
}

// TestBrokenBody: what arrived of a request that broke off is kept.
func TestBrokenBody(t *testing.T) {
	r := newRig(t)
	url := r.begin(20, "f")
	r.take()
	c, _ := r.raw("PATCH", url, "Content-Length: 20", "Upload-Offset: 0")
	if _, err := io.WriteString(c, "0123456789"); err != nil {
		t.Fatal(err)
	}
	r.waitSize(url, 10)
	if n := r.offset(url); n != 10 { // HEAD disturbs nobody
		t.Errorf("offset %d", n)
	}
	if _, err := io.WriteString(c, "ab"); err != nil {
		t.Fatal(err)
	}
	c.Close()
	r.waitSize(url, 12)
	r.patch(url, 12, "cdefghij")
	if got := r.content("f"); got != "0123456789abcdefghij" {
		t.Errorf("%q", got)
	}
	want := []string{"upload.part /f 12/20 1", "upload.part /f 20/20 1", "upload.done /f 20/20 1"}
	if diff := cmp.Diff(want, r.events()); diff != "" {
		t.Errorf("events (-want +got)\n%s", diff)
	}
}

// TestBrokenWhole: nobody knows the URL of an upload whose creation broke off, so
// nothing of it stays, and nobody is told.
func TestBrokenWhole(t *testing.T) {
	r := newRig(t, limited(100, 0))
	c, _ := r.raw("POST", "/files", "Content-Length: 90", "Upload-Length: 90", metadata("filename", "f"))
	if _, err := io.WriteString(c, "0123456789"); err != nil {
		t.Fatal(err)
	}
	for range 3000 { // it has begun
		if found, _ := filepath.Glob(filepath.Join(r.home, vfs.StagingPrefix+"*")); len(found) > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	c.Close()
	for range 3000 { // its room is free again
		if r.call("POST", "/files", strings.Repeat("x", 100), "Upload-Length: 100", metadata("filename", "g")).status == 201 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	entries, err := os.ReadDir(r.home)
	if err != nil || len(entries) != 1 || entries[0].Name() != "g" || r.content("g") == "-" {
		t.Errorf("%v, %v", entries, err)
	}
	for _, e := range r.events() {
		if strings.Contains(e, " /f ") {
			t.Errorf("told: %s", e)
		}
	}
}

// TestTakeOver: a request that comes later goes on with the upload; the one before it
// is asked to stop, and what it stored is kept.
func TestTakeOver(t *testing.T) {
	r := newRig(t)
	url := r.begin(20, "f")
	c, answer := r.raw("PATCH", url, "Content-Length: 20", "Upload-Offset: 0")
	if _, err := io.WriteString(c, "0123456789"); err != nil {
		t.Fatal(err)
	}
	r.waitSize(url, 10)
	r.patch(url, 10, "abcdefghij")
	if got := status(answer); got != 423 {
		t.Errorf("the first request is answered with %d", got)
	}
	if got := r.content("f"); got != "0123456789abcdefghij" {
		t.Errorf("%q", got)
	}
	// DELETE stops a writer, too.
	url = r.begin(20, "g")
	c, answer = r.raw("PATCH", url, "Content-Length: 20", "Upload-Offset: 0")
	if _, err := io.WriteString(c, "0123456789"); err != nil {
		t.Fatal(err)
	}
	r.waitSize(url, 10)
	r.want(204, "DELETE", url, "-")
	if got := status(answer); got != 423 {
		t.Errorf("the writer is answered with %d", got)
	}
	r.want(404, "HEAD", url, "-")
	if left := r.staged(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestSimultaneous: of many writers of one upload each byte is one's.
func TestSimultaneous(t *testing.T) {
	r := newRig(t)
	const pieces, size = 20, 10_000
	url := r.begin(pieces*size, "f")
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			deadline := time.Now().Add(time.Minute)
			for time.Now().Before(deadline) {
				got := r.call("HEAD", url, "-")
				if got.status == 423 {
					continue
				}
				offset := got.header.Get("Upload-Offset")
				if got.status != 200 {
					t.Errorf("writer %d: HEAD %d", w, got.status)
					return
				}
				if offset == itoa(pieces*size) {
					return
				}
				n := 0
				for _, d := range offset {
					n = 10*n + int(d-'0')
				}
				piece := strings.Repeat(string(rune('a'+n/size)), min(size-n%size, pieces*size-n))
				switch got := r.call("PATCH", url, piece, "Upload-Offset: "+offset); got.status {
				case 204, 409, 423:
				default:
					t.Errorf("writer %d: PATCH %d %s", w, got.status, got.body)
					return
				}
			}
			t.Errorf("writer %d does not come to an end", w)
		})
	}
	wg.Wait()
	var want strings.Builder
	for i := range pieces {
		want.WriteString(strings.Repeat(string(rune('a'+i)), size))
	}
	if r.content("f") != want.String() {
		t.Errorf("%d bytes, and not those that were sent", len(r.content("f")))
	}
	done := 0
	for _, e := range r.take() {
		if e.Kind == "upload.done" {
			done++
		}
	}
	if done != 1 {
		t.Errorf("it was complete %d times", done)
	}
}

// TestSlowBody: a client that sends nothing does not keep its upload for ever, and does
// not lose it.
func TestSlowBody(t *testing.T) {
	r := newRig(t, func(c *tus.Config, _ *dataprovider.User) { c.BodyTimeout = 1 })
	url := r.begin(20, "f")
	c, answer := r.raw("PATCH", url, "Content-Length: 20", "Upload-Offset: 0")
	if _, err := io.WriteString(c, "0123456789"); err != nil {
		t.Fatal(err)
	}
	if got := status(answer); got != 503 {
		t.Errorf("status %d", got)
	}
	if n := r.offset(url); n != 10 {
		t.Errorf("offset %d", n)
	}
}

// TestExpectContinue: a client that waits for a word does not send a body in vain.
func TestExpectContinue(t *testing.T) {
	r := newRig(t)
	url := r.begin(5, "f")
	c, answer := r.raw("PATCH", url, "Content-Length: 5", "Upload-Offset: 3", "Expect: 100-continue")
	line, err := answer.ReadString('\n')
	if err != nil || !strings.Contains(line, " 409 ") {
		t.Errorf("%q %v", line, err)
	}
	c.Close()
	c, answer = r.raw("PATCH", url, "Content-Length: 5", "Upload-Offset: 0", "Expect: 100-continue")
	if line, err = answer.ReadString('\n'); err != nil || !strings.Contains(line, " 100 ") {
		t.Errorf("%q %v", line, err)
	}
	if _, err := io.WriteString(c, "01234"); err != nil {
		t.Fatal(err)
	}
	if _, err := answer.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if got := status(answer); got != 204 {
		t.Errorf("status %d", got)
	}
}

// TestBeyondLength: nothing is stored beyond the length, also of a body that does not
// say how long it is.
func TestBeyondLength(t *testing.T) {
	r := newRig(t)
	url := r.begin(5, "f")
	req := r.request("PATCH", url, struct{ io.Reader }{strings.NewReader("01")}, "Upload-Offset: 0")
	req.ContentLength = -1
	if got := r.send(req); got.status != 204 {
		t.Errorf("status %d", got.status)
	}
	req = r.request("PATCH", url, struct{ io.Reader }{strings.NewReader("23456789")}, "Upload-Offset: 2")
	req.ContentLength = -1
	if got := r.send(req); got.status != 413 || got.header.Get("Upload-Offset") != "5" {
		t.Errorf("status %d %v", got.status, got.header)
	}
	if got := r.content("f"); got != "01234" {
		t.Errorf("%q", got)
	}
}
