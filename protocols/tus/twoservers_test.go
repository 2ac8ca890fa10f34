package tus_test

import (
	"io"
	"testing"
)

// TestOtherServer: of two servers on one store and one storage one writes an upload at
// a time; the other goes on where it ended.
func TestOtherServer(t *testing.T) {
	r := newRig(t)
	other := *r
	other.start()
	url := r.begin(20, "f")
	c, answer := r.raw("PATCH", url, "Content-Length: 20", "Upload-Offset: 0")
	if _, err := io.WriteString(c, "0123456789"); err != nil {
		t.Fatal(err)
	}
	r.waitSize(url, 10)
	other.patch(other.at(url), 10, "abcde") // waits for the lease
	if got := status(answer); got != 423 {
		t.Errorf("the first server answers %d", got)
	}
	r.patch(url, 15, "fghij")
	if got := r.content("f"); got != "0123456789abcdefghij" {
		t.Errorf("%q", got)
	}
	if n := other.offset(other.at(url)); n != 20 {
		t.Errorf("offset %d", n)
	}
}
