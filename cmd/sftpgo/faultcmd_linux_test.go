package main

import (
	"os"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// cmdTmpfs mounts a small file system: tmpfs DIR SIZE. Where the system does not
// let us mount, the script is skipped.
func cmdTmpfs(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: tmpfs DIR SIZE")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+args[1]); err != nil {
		ts.Logf("skipped: cannot mount a tmpfs: %v", err)
		rigOf(ts).env.T().Skip("cannot mount a tmpfs: " + err.Error())
	}
	rigOf(ts).env.Defer(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }) // the directory is removed next, which tells
}
