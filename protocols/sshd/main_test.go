package sshd_test

import (
	"os"
	"testing"

	"sftpgo/protocols/sshd/system"
	"sftpgo/protocols/sshd/system/confine"
)

// TestMain plays the helper that runs git and rsync: the server calls its own
// executable for that, which is the tests here, and they must not run once more.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == system.HelperCommand {
		confine.Main()
		os.Exit(1)
	}
	os.Exit(m.Run())
}
