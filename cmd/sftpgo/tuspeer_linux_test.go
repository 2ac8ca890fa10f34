package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// tusdProgram is tusd from PATH, or where .ci/tusd/build puts it. Without it what
// compares with it is skipped, in CI too: it takes minutes to build.
func tusdProgram(t testing.TB) string {
	t.Helper()
	if program, err := exec.LookPath("tusd"); err == nil {
		return program
	}
	sums, err := os.ReadFile("../../.ci/tusd/go.sum")
	noError(t, err)
	cache, err := os.UserCacheDir()
	noError(t, err)
	sum := sha256.Sum256(sums)
	program := filepath.Join(cache, "sftpgo-clients", "tusd-"+hex.EncodeToString(sum[:8]), "tusd")
	if _, err := os.Stat(program); err != nil {
		t.Skip("no peer: tusd is not built, see .ci/tusd/build")
	}
	return program
}

// startTusd runs tusd over dir, with further options, and returns its process and the
// URL of its collection.
func startTusd(t testing.TB, dir string, args ...string) (cmd *exec.Cmd, url string) {
	t.Helper()
	program := tusdProgram(t)
	ports, err := freePorts(1)
	noError(t, err)
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[0]))
	cmd = exec.Command(program, append([]string{"-host", "127.0.0.1", "-port", strconv.Itoa(ports[0]), "-upload-dir", dir}, args...)...)
	out, err := os.Create(filepath.Join(t.TempDir(), "log"))
	noError(t, err)
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out // a log file, as ours has
	noError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGKILL) // it may be gone: Wait tells
		_ = cmd.Wait()                          // "signal: killed"
	})
	waitUntil(t, "tusd takes connections", func() error {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err
	})
	return cmd, "http://" + addr + "/files/"
}
