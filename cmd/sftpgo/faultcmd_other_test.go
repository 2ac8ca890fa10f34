//go:build !linux

package main

import "github.com/rogpeppe/go-internal/testscript"

// cmdTmpfs skips the script: there is no tmpfs to mount.
func cmdTmpfs(ts *testscript.TestScript, neg bool, args []string) {
	rigOf(ts).env.T().Skip("no tmpfs on this system")
}
