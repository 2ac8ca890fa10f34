package main

import (
	"os"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdSSHFS mounts the tree of alice at mnt with sshfs, without caches that hide
// what the server does: sshfs [OPTION]... Where the system does not let us mount,
// the script is skipped.
func cmdSSHFS(ts *testscript.TestScript, neg bool, args []string) {
	if f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0); err == nil {
		_ = f.Close()
	} else {
		rigOf(ts).env.T().Skip("mounting needs /dev/fuse: ", err)
	}
	ts.Check(os.MkdirAll(ts.MkAbs("mnt"), 0o755))
	run := append(sshOptions(ts), "-p", ts.Getenv("SFTP_PORT"), "-o", "attr_timeout=0,entry_timeout=0")
	for _, option := range args {
		run = append(run, "-o", option)
	}
	check(ts, neg, ts.Exec("sshfs", append(run, "alice@127.0.0.1:/", ts.MkAbs("mnt"))...))
}
