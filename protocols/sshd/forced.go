package sshd

import (
	"path"
	"slices"
	"strings"

	"sftpgo/protocols/auth"
	"sftpgo/protocols/sshd/shellword"
)

// sftpCommand is how a force-command names the SFTP subsystem.
const sftpCommand = "internal-sftp"

const textForced = "Your certificate does not admit this command."

// admits tells whether the credential of the login lets the client run a command
// line, or sftpCommand. Unlike sshd, which runs the forced command whatever the
// client asks for, this refuses another one: the client learns what is wrong.
func admits(id auth.Identity, line string) bool {
	forced := strings.TrimSpace(id.ForceCommand)
	switch {
	case id.ForceCommand == "":
		return true
	case line == sftpCommand:
		return isSFTPServer(forced)
	case line == forced:
		return true
	case strings.ContainsAny(forced, " \t'\"\\"):
		return false
	}
	// One word alone names a program; what it works on is the client's choice.
	words, err := shellword.Split(line)
	return err == nil && len(words) > 0 && words[0].Text == forced
}

// isSFTPServer reports whether a command is OpenSSH's SFTP server with no options
// but those of its log. Others restrict the client, as -R does, and must not look
// as if they did.
func isSFTPServer(line string) bool {
	words, err := shellword.Split(line)
	if err != nil || len(words) == 0 {
		return false
	}
	if name := words[0].Text; name != sftpCommand && path.Base(name) != "sftp-server" {
		return false
	}
	for args := words[1:]; len(args) > 0; args = args[1:] {
		switch option := args[0].Text; {
		case option == "-e":
		case slices.Contains([]string{"-l", "-f"}, option) && len(args) > 1:
			args = args[1:]
		default:
			return false
		}
	}
	return true
}
