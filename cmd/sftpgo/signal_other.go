//go:build !unix

package main

import "os"

// handledSignals are those that do not end the server: none here.
func handledSignals() []os.Signal { return nil }

func isReload(os.Signal) bool { return false }
