// Package tusdtest runs tusd, the reference server of tus, as a peer for tests and
// benchmarks.
package tusdtest

import (
	"crypto/sha256"
	"encoding/hex"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// patience is how long tusd may take to listen on a machine that is busy.
const patience = time.Minute

// Program is tusd from PATH, or where .ci/tusd/build puts it; module is the root of the
// tree. Without it the test is skipped, in CI too: it takes minutes to build.
func Program(t testing.TB, module string) string {
	t.Helper()
	if program, err := exec.LookPath("tusd"); err == nil {
		return program
	}
	sums, err := os.ReadFile(filepath.Join(module, ".ci/tusd/go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(sums)
	program := filepath.Join(cache, "sftpgo-clients", "tusd-"+hex.EncodeToString(sum[:8]), "tusd")
	if _, err := os.Stat(program); err != nil {
		t.Skip("no peer: tusd is not built, see .ci/tusd/build")
	}
	return program
}

// Server is a tusd that runs until the end of the test.
type Server struct {
	PID int
	URL string // without a slash at the end; the collection is /files/
}

// Start runs a program over dir, with further options.
func Start(t testing.TB, program, dir string, args ...string) Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	if err := l.Close(); err != nil { // it listens there itself
		t.Fatal(err)
	}
	out, err := os.Create(filepath.Join(t.TempDir(), "log")) // a log file, as ours has
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command(program, append([]string{"-host", "127.0.0.1", "-port", port, "-upload-dir", dir}, args...)...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may be gone: Wait tells
		_ = cmd.Wait()         // "signal: killed"
	})
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close() // nothing was sent
			return Server{cmd.Process.Pid, "http://" + addr}
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(out.Name())
			t.Fatalf("tusd does not listen: %v\n%s", err, text)
		}
	}
}
