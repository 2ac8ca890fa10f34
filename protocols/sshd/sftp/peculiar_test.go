package sftp

import (
	"os"
	"testing"
)

// TestSymlinkOrder: some clients send the names the other way round, by the server
// that they see.
func TestSymlinkOrder(t *testing.T) {
	for version, draft := range map[string]bool{
		"":                           false,
		"SSH-2.0-OpenSSH_9.2p1":      false,
		"SSH-2.0-paramiko_2.12.0":    false,
		"SSH-2.0-libssh2_1.10.0":     false,
		"SSH-2.0-libssh_0.10.6":      true,
		"SSH-2.0-WinSCP_release_6.3": true,
		"SSH-2.0-ssh2js1.17.0":       true,
		"SSH-2.0-AsyncSSH_2.10.1":    true,
		"SSH-2.0-phpseclib_3.0 (x)":  true,
	} {
		r := newRig(t)
		r.version = version
		p := r.dial()
		first, second := "target", "/link"
		if draft {
			first, second = second, first
		}
		if st := p.ask(typeSymlink, first, second).status(); st != "" {
			t.Errorf("%s: %s", version, st)
		}
		if text, err := os.Readlink(r.path("link")); err != nil || text != "target" {
			t.Errorf("%s: the link is %q, %v", version, text, err)
		}
	}
}
