//go:build unix

package main

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSignalsWhileStarting: a certificate may be renewed and a log rotated while
// the server still starts. The start hangs in a database that does not answer.
func TestSignalsWhileStarting(t *testing.T) {
	database, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	if err := database.(*net.TCPListener).SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	port := strconv.Itoa(database.Addr().(*net.TCPAddr).Port)
	config := `{"data_provider": {"driver": "postgresql", "host": "127.0.0.1", "port": ` + port + `, "name": "x", "username": "x"}}`
	if err := os.WriteFile(filepath.Join(dir, "sftpgo.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	server := exec.CommandContext(t.Context(), "sftpgo", "serve", "-c", dir)
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	asked, err := database.Accept()
	if err != nil {
		t.Fatal(err)
	}
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGHUP} {
		if err := server.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
	}
	// The start goes on: a database that has gone ends it with a reason.
	if err := errors.Join(asked.Close(), database.Close()); err != nil {
		t.Fatal(err)
	}
	err = server.Wait()
	if state := server.ProcessState; state.ExitCode() != 1 || !strings.Contains(said.String(), "sftpgo: open database x") {
		t.Errorf("%v: %s", err, said.String())
	}
}
