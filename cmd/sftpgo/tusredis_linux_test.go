package main

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestTusRedis keeps records in Redis: another server goes on with an upload, and so
// does one that was killed.
func TestTusRedis(t *testing.T) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("redis-server is missing; run .ci/clients")
		}
		t.Skip("redis-server is not installed")
	}
	ports, err := quietPorts(1)
	noError(t, err)
	port := strconv.Itoa(ports[0])
	redis := exec.Command(program, "--bind", "127.0.0.1", "--port", port, "--requirepass", "hunter2", "--dir", t.TempDir(), "--save", "")
	noError(t, redis.Start())
	t.Cleanup(func() {
		_ = redis.Process.Kill()
		_ = redis.Wait() // killed
	})
	waitUntil(t, "Redis answers", func() error {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	srv := startTus(t, "--info-storage", "redis-info-storage", "--info-db-dsn", "redis://:hunter2@127.0.0.1:"+port+"/0",
		"--redis-info-expiration", "3600")
	header := srv.send("POST", "/files/", "abc", "Upload-Length", "9", "Upload-Metadata", "filename c2hyZWsyLm1rdg==")
	if header.Get("Upload-Expires") == "" {
		t.Error("nobody is told that it runs out")
	}
	path := pathOf(header.Get("Location"))
	srv.end(syscall.SIGKILL)
	srv.start()
	srv.send("PATCH", path, "def", "Upload-Offset", "3")
	srv.beside().send("PATCH", path, "ghi", "Upload-Offset", "6")
	header = srv.send("HEAD", path, "")
	if o, m := header.Get("Upload-Offset"), header.Get("Upload-Metadata"); o != "9" || m != "filename c2hyZWsyLm1rdg==" {
		t.Errorf("offset %s, metadata %s", o, m)
	}
	got, err := os.ReadFile(filepath.Join(srv.dir, "data", idAt(path)))
	if err != nil || string(got) != "abcdefghi" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := os.Stat(filepath.Join(srv.dir, "data", idAt(path)+".info")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a record on disk: %v", err)
	}
	text, err := os.ReadFile(filepath.Join(srv.dir, "log"))
	if err != nil || strings.Contains(string(text), "hunter2") {
		t.Errorf("the password is in the log, or there is none: %v", err)
	}
}
