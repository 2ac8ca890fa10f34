//go:build unix

package main

import (
	"os"
	"syscall"
)

// handledSignals are those that do not end the server.
func handledSignals() []os.Signal { return []os.Signal{syscall.SIGHUP, syscall.SIGUSR1} }

func isReload(s os.Signal) bool { return s == syscall.SIGHUP }
