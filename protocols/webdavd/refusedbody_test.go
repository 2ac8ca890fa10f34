package webdavd_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
)

// socketful is more than the buffers of a connection hold.
const socketful = 32 << 20

func withQuota(u *dataprovider.User) { u.QuotaSize = 100_000 }

// sender begins a PUT of a client that writes all of it before it reads anything.
func sender(r *rig, path string, length int64, header string) net.Conn {
	r.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		r.t.Fatal(err)
	}
	req, err := http.NewRequest("PUT", r.url+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.SetBasicAuth("alice", password)
	if _, err := fmt.Fprintf(c, "PUT %s HTTP/1.1\r\nHost: h\r\nAuthorization: %s\r\nContent-Length: %d\r\n%s\r\n",
		path, req.Header.Get("Authorization"), length, header); err != nil {
		r.t.Fatal(err)
	}
	return c
}

// A client that reads nothing before it has sent everything hears why its upload is
// refused, be it before the first byte or in the middle, and can use the connection
// again.
func TestRefusedWhileSending(t *testing.T) {
	for _, tt := range []struct {
		name, path, header string
		status             int
		events             []string
	}{
		{"quota", "/large", "", 507, []string{"upload.failed /large 2 0"}},
		{"condition", "/there", "If-None-Match: *\r\n", 412, nil},
		{"no parent", "/nowhere/f", "", 409, nil},
		{"a part", "/part", "Content-Range: bytes 0-1/2\r\n", 400, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, session.Config{UploadMode: 1}, withQuota)
			r.want(201, "PUT", "/there", "x")
			r.events()
			c := sender(r, tt.path, socketful, tt.header)
			for range socketful / 64 / 1024 {
				if _, err := c.Write(make([]byte, 64<<10)); err != nil {
					t.Fatalf("the server does not let the client finish: %v", err)
				}
			}
			br := bufio.NewReader(c)
			for _, want := range []int{tt.status, 401} {
				resp, err := http.ReadResponse(br, nil)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != want {
					t.Fatalf("%s, want %d, %v", resp.Status, want, err)
				}
				if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(tt.events, r.waitEvents(len(tt.events))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			u, err := r.store.Usage().Get(t.Context(), "alice")
			if err != nil || u.Amount != (dataprovider.Amount{Files: 1, Bytes: 1}) {
				t.Errorf("usage %+v, %v", u.Amount, err)
			}
		})
	}
}

// What is refused is not read for ever, and the answer comes at once.
func TestRefusedEndless(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1}, withQuota)
	c := sender(r, "/large", 1<<50, "")
	if _, err := c.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != 507 {
		t.Fatal(resp, err)
	}
	sent, err := io.Copy(struct{ io.Writer }{c}, zeros{})
	if err == nil || sent > 1<<30 {
		t.Errorf("%d bytes, then %v", sent, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// A client that stalls after a refusal does not keep the server from stopping.
func TestRefusedThenStalled(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1}, withQuota)
	c := sender(r, "/large", 1<<50, "")
	if _, err := c.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || resp.StatusCode != 507 {
		t.Fatal(resp, err)
	}
	begun := time.Now()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.manager.Shutdown(ctx)
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}
