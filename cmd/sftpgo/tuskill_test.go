package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// tusClient resumes until its upload is complete, whatever happens to the server.
type tusClient struct {
	url      string // of the collection
	name     string
	content  []byte
	deadline time.Time
	location string
}

func (c *tusClient) do(method, url string, body []byte, header ...string) (*http.Response, error) {
	req, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth("alice", secretOfAll)
	req.Header.Set("Tus-Resumable", "1.0.0")
	req.Header.Set("Content-Type", "application/offset+octet-stream")
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp, err
}

func (c *tusClient) upload() error {
	for time.Now().Before(c.deadline) {
		done, err := c.step()
		if done || err != nil {
			return err
		}
	}
	return fmt.Errorf("%s does not come to an end", c.name)
}

// step is one request; that the server is away is no error.
func (c *tusClient) step() (done bool, err error) {
	if c.location == "" {
		resp, err := c.do("POST", c.url, nil, "Upload-Length: "+strconv.Itoa(len(c.content)),
			"Upload-Metadata: filename "+base64.StdEncoding.EncodeToString([]byte(c.name)))
		switch {
		case err != nil:
			time.Sleep(10 * time.Millisecond)
		case resp.StatusCode == http.StatusCreated:
			c.location = resp.Header.Get("Location")
		case resp.StatusCode < 500:
			return false, fmt.Errorf("%s: POST %s", c.name, resp.Status)
		}
		return false, nil
	}
	resp, err := c.do("HEAD", c.location, nil)
	if err != nil {
		time.Sleep(10 * time.Millisecond)
		return false, nil
	}
	if resp.StatusCode != http.StatusOK {
		if resp.StatusCode == http.StatusLocked || resp.StatusCode >= 500 {
			return false, nil
		}
		return false, fmt.Errorf("%s: HEAD %s", c.name, resp.Status)
	}
	offset, err := strconv.Atoi(resp.Header.Get("Upload-Offset"))
	if err != nil || offset == len(c.content) {
		return err == nil, err
	}
	size := min(1+rand.N(150_000), len(c.content)-offset)
	resp, err = c.do("PATCH", c.location, c.content[offset:offset+size], "Upload-Offset: "+strconv.Itoa(offset))
	if err == nil && resp.StatusCode >= 400 && resp.StatusCode != 409 && resp.StatusCode != 423 && resp.StatusCode < 500 {
		return false, fmt.Errorf("%s: PATCH %s", c.name, resp.Status)
	}
	return false, nil
}

// TestTusKilled: a server that is killed again and again, in the middle of uploads and
// at their ends, loses nothing and counts right.
func TestTusKilled(t *testing.T) {
	ports, err := quietPorts(1)
	if err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[0]))
	dir := t.TempDir()
	hook := filepath.Join(dir, "hook")
	if err := os.WriteFile(hook, []byte("#!/bin/sh\necho \"$1 $SFTPGO_ACTION_STATUS $3\" >> "+dir+"/told\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	p := newRealServer(t, "SFTPGO_TUS__BINDINGS__0__ADDRESS=127.0.0.1", "SFTPGO_TUS__BINDINGS__0__PORT="+strconv.Itoa(ports[0]),
		"SFTPGO_COMMON__ACTIONS__EXECUTE_ON=upload", "SFTPGO_COMMON__ACTIONS__HOOK="+hook)
	p.addUser(t, "alice", "--quota-size", "100000000")
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	const clients, uploads = 3, 4
	var wg sync.WaitGroup
	sums := make([][uploads][32]byte, clients)
	for i := range clients {
		wg.Go(func() {
			for k := range uploads {
				content := make([]byte, 2_000_000)
				for b := range content {
					content[b] = byte(rand.Uint32())
				}
				sums[i][k] = sha256.Sum256(content)
				c := tusClient{
					url: "http://" + address + "/files", name: fmt.Sprintf("f%d-%d", i, k), content: content,
					deadline: time.Now().Add(4 * time.Minute),
				}
				if err := c.upload(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() { wg.Wait(); close(ended) }()
	kills := 0
	for running := true; running; {
		select {
		case <-ended:
			running = false
		case <-time.After(time.Duration(20+rand.N(150)) * time.Millisecond):
			if kills >= 15 {
				continue
			}
			p.kill()
			kills++
			if err := p.start(); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("killed %d times", kills)
	for i := range clients {
		for k := range uploads {
			b, err := os.ReadFile(p.data(fmt.Sprintf("alice/f%d-%d", i, k)))
			if err != nil || sha256.Sum256(b) != sums[i][k] {
				t.Errorf("f%d-%d after %d kills: %d bytes, %v", i, k, kills, len(b), err)
			}
		}
	}
	// A kill between the data of an upload and its record leaves an empty file, which is
	// swept a day later.
	begun, _, err := stored(p.data(filepath.Join("alice", vfs.UploadsDir)))
	if err != nil || begun.Bytes != 0 || begun.Files > int64(kills*clients) {
		t.Errorf("left of uploads that were killed: %v, %v", begun, err)
	}
	total, _, err := stored(p.data("alice"))
	total.Files -= begun.Files
	if want := (dataprovider.Amount{Files: clients * uploads, Bytes: clients * uploads * 2_000_000}); err != nil || total != want {
		t.Errorf("stored %v, %v", total, err)
	}
	told := func() string {
		b, _ := os.ReadFile(filepath.Join(dir, "told"))
		return string(b)
	}
	all := func() bool {
		for i := range clients {
			for k := range uploads {
				if !strings.Contains(told(), "upload 1 "+p.data(fmt.Sprintf("alice/f%d-%d", i, k))+"\n") {
					return false
				}
			}
		}
		return true
	}
	if !eventually(time.Minute, all) {
		t.Errorf("not all uploads were told:\n%s", told())
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	u, err := p.store(t).Usage().Get(t.Context(), "alice")
	if err != nil || u.Amount != total {
		t.Errorf("usage %v, stored %v, %v", u.Amount, total, err)
	}
}
