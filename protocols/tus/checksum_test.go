package tus_test

import (
	"bufio"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

func sumOf(h hash.Hash, data string) string {
	h.Write([]byte(data))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// TestChecksum: data with another checksum are not kept, whatever the algorithm, in
// the request that begins an upload neither.
func TestChecksum(t *testing.T) {
	r := newRig(t)
	const data = "some data"
	for name, h := range map[string]func() hash.Hash{
		"md5": md5.New, "sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New,
		"crc32":  func() hash.Hash { return crc32.NewIEEE() },
		"crc32c": func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	} {
		good, bad := "Upload-Checksum: "+name+" "+sumOf(h(), data), "Upload-Checksum: "+name+" "+sumOf(h(), "other")
		url := r.begin(2*len(data), name)
		r.want(460, "PATCH", url, data, "Upload-Offset: 0", bad)
		if n := r.offset(url); n != 0 {
			t.Errorf("%s: offset %d", name, n)
		}
		r.patch(url, 0, data, good)
		r.want(460, "PATCH", url, data, "Upload-Offset: "+itoa(len(data)), bad)
		r.patch(url, len(data), data, good)
		if c := r.content(name); c != data+data {
			t.Errorf("%s: %q", name, c)
		}
		r.want(460, "POST", "/files", data, "Upload-Length: "+itoa(len(data)), metadata("filename", "whole"), bad)
		if c := r.content("whole"); c != "-" {
			t.Errorf("%s: %q", name, c)
		}
		r.want(201, "POST", "/files", data, "Upload-Length: "+itoa(len(data)), metadata("filename", "whole"), good)
		r.want(460, "POST", "/files", data, "Upload-Length: 100", metadata("filename", "half"), bad)
		r.want(204, "DELETE", r.url+"/files/"+r.id("whole"), "-")
	}
}

// TestChecksumTrailer: the checksum may follow the data.
func TestChecksumTrailer(t *testing.T) {
	r := newRig(t)
	const data = "some data"
	send := func(method, url, trailer string, header ...string) reply {
		req := r.request(method, url, struct{ io.Reader }{strings.NewReader(data)}, header...)
		req.ContentLength = -1
		req.Trailer = http.Header{"Upload-Checksum": {trailer}}
		return r.send(req)
	}
	url := r.begin(2*len(data), "f")
	good, bad := "sha256 "+sumOf(sha256.New(), data), "sha256 "+sumOf(sha256.New(), "x")
	for _, tt := range []struct {
		trailer string
		status  int
	}{{bad, 460}, {"sha3 xx", 400}, {"", 400}, {good, 204}} {
		if got := send("PATCH", url, tt.trailer, "Upload-Offset: 0"); got.status != tt.status {
			t.Errorf("%q: status %d %s", tt.trailer, got.status, got.body)
		}
	}
	if got := send("PATCH", url, good, "Upload-Offset: 9"); got.status != 204 || r.content("f") != data+data {
		t.Errorf("status %d, %q", got.status, r.content("f"))
	}
	if got := send("POST", "/files", bad, "Upload-Length: 9", metadata("filename", "g")); got.status != 460 || r.content("g") != "-" {
		t.Errorf("status %d, %q", got.status, r.content("g"))
	}
	if got := send("POST", "/files", good, "Upload-Length: 9", metadata("filename", "g")); got.status != 201 || r.content("g") != data {
		t.Errorf("status %d, %q", got.status, r.content("g"))
	}
}

// raw opens a connection and sends the head of a request of alice.
func (r *rig) raw(method, path string, header ...string) (net.Conn, *bufio.Reader) {
	r.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	path = strings.TrimPrefix(path, r.url)
	login := base64.StdEncoding.EncodeToString([]byte("alice:" + password))
	fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: h\r\nAuthorization: Basic %s\r\nTus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n%s\r\n\r\n",
		method, path, login, strings.Join(header, "\r\n"))
	return c, bufio.NewReader(c)
}

// status reads the status of an answer; 0 is none.
func status(b *bufio.Reader) int {
	resp, err := http.ReadResponse(b, nil)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return resp.StatusCode
}

// TestChecksumBroken: of data that nobody can check nothing stays.
func TestChecksumBroken(t *testing.T) {
	r := newRig(t)
	url := r.begin(100, "f")
	c, _ := r.raw("PATCH", url, "Content-Length: 50", "Upload-Offset: 0", "Upload-Checksum: md5 kAFQmDzST7DWlj99KOF/cg==")
	if _, err := io.WriteString(c, "0123456789"); err != nil {
		t.Fatal(err)
	}
	r.waitSize(url, 10)
	if n := r.offset(url); n != 0 {
		t.Errorf("offset %d of data that are not checked", n)
	}
	c.Close()
	r.patch(url, 0, "01234")
	if n := r.offset(url); n != 5 {
		t.Errorf("offset %d", n)
	}
}
