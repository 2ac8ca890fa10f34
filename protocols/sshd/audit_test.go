package sshd

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// avoidable says whether a warning of ssh-audit can be avoided without losing
// clients that the server is made for. docs/decisions/ssh-algorithms.md has the
// reasons.
func avoidable(line string) bool {
	for _, known := range [][2]string{
		// ssh-audit 2.5.0 is older than these two.
		{"mlkem768x25519-sha256", "unknown algorithm"},
		{"kex-strict-s-v00@openssh.com", "unknown algorithm"},
		// libssh2 before 1.11, which Debian 12 has under curl, knows no other.
		{"hmac-sha2-256 ", "using encrypt-and-MAC mode"},
		// ssh-audit 3 wants neither 112 bits nor classical key exchanges.
		{"diffie-hellman-group14-sha256", "112-bits of symmetric strength"},
		{"diffie-hellman-group-exchange-sha256", "112-bits of symmetric strength"},
		{"", "does not provide protection against post-quantum attacks"},
	} {
		if strings.Contains(line, known[0]) && strings.Contains(line, known[1]) {
			return false
		}
	}
	return true
}

// TestSSHAudit runs ssh-audit against a new server with the default
// configuration.
func TestSSHAudit(t *testing.T) {
	program, err := exec.LookPath("ssh-audit")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("ssh-audit is not installed")
		}
		t.Skip("ssh-audit is not installed")
	}
	_, port, err := net.SplitHostPort(serveEverybody(t, DefaultConfig(), t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	text, err := exec.CommandContext(t.Context(), program, "-n", "-p", port, "127.0.0.1").CombinedOutput()
	var exit *exec.ExitError // it tells of warnings
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	algorithm, seen := "", 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "(kex)") || strings.HasPrefix(line, "(key)") || strings.HasPrefix(line, "(enc)") || strings.HasPrefix(line, "(mac)") {
			algorithm, _, _ = strings.Cut(line[6:], "--")
			seen++
		}
		if strings.Contains(line, "[fail]") || strings.Contains(line, "[warn]") && avoidable(algorithm+line) {
			t.Errorf("%s: %s", strings.TrimSpace(algorithm), line)
		}
	}
	if seen < 15 {
		t.Errorf("only %d algorithms audited:\n%s", seen, text)
	}
	if t.Failed() {
		t.Logf("%s", text)
	}
}
