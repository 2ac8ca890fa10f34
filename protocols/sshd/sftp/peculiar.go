package sftp

import "strings"

// draftSymlink tells by the version line of an SSH client whether it sends the
// names of SYMLINK in the order of draft 02, section 6.10, the link first. OpenSSH
// has them the other way round, and most clients follow it; these do so only when
// the server calls itself OpenSSH.
func draftSymlink(client string) bool {
	software := strings.TrimPrefix(client, "SSH-2.0-")
	for _, name := range []string{"WinSCP", "libssh_", "ssh2js", "AsyncSSH", "phpseclib"} {
		if strings.HasPrefix(software, name) {
			return true
		}
	}
	return false
}
