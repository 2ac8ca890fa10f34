package ftpd_test

import (
	"io"
	"os"
	"strings"
	"testing"
)

// The name that STOU made belongs to its own reply 150, and to no other when its
// transfer did not begin.
func TestStoreUniqueWithoutData(t *testing.T) {
	s := start(t, options{})
	s.write(t, "f", "content")
	c := login(t, s)
	c.cmd(425, "STOU")
	d := c.data("RETR f")
	if text := c.expect(150); strings.Contains(text, "FILE:") {
		t.Errorf("150 %q to RETR", text)
	}
	if _, err := io.ReadAll(d); err != nil {
		t.Fatal(err)
	}
	c.expect(226)
}

// REST is about a file that is there: before STOU it would make one with a hole.
func TestStoreUniqueAfterRest(t *testing.T) {
	s := start(t, options{})
	c := login(t, s)
	c.cmd(350, "REST 1000")
	c.data("STOU")
	c.expect(501)
	if list, err := os.ReadDir(s.home); err != nil || len(list) != 0 {
		t.Errorf("left: %v, %v", list, err)
	}
	c.stor("content", "STOU")
	list, err := os.ReadDir(s.home)
	if err != nil || len(list) != 1 {
		t.Fatalf("stored: %v, %v", list, err)
	}
	if got := s.read(t, list[0].Name()); got != "content" {
		t.Errorf("stored %q", got)
	}
}
