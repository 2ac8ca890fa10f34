package main

import (
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// usualSlack is what the kernel gives a process: whoever chose another
	// (TimerSlackNSec of systemd) keeps it.
	usualSlack = 50 * time.Microsecond
	// serverSlack is how late the kernel may wake a thread of a server.
	serverSlack = time.Millisecond
	// startedAgain is in the environment of the second start, between the two.
	startedAgain = "_SFTPGO_STARTED_AGAIN"
)

// relaxTimers lets the kernel be a millisecond late for the threads of a server.
// While there is anything to do, a thread of the Go runtime looks every 20 µs
// whether all goes well; each look costs a change of threads, a tenth and more of
// what moving a file costs. Threads inherit the slack and that one is there before
// main begins, so the program starts itself once more, as the same process. Where
// that is not allowed it goes on as it is. args are those of the program.
func relaxTimers(args []string) {
	if len(args) < 2 || !slices.Contains([]string{"serve", "tus"}, args[1]) {
		return
	}
	if os.Getenv(startedAgain) != "" {
		_ = os.Unsetenv(startedAgain) // the name is valid
		return
	}
	program, err := os.Executable()
	if err != nil {
		return
	}
	runtime.LockOSThread() // the slack is that of a thread; exec keeps it
	defer runtime.UnlockOSThread()
	slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil || time.Duration(slack) != usualSlack {
		return
	}
	if unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(serverSlack), 0, 0, 0) != nil {
		return
	}
	// It returns only when it fails.
	_ = syscall.Exec(program, args, append(os.Environ(), startedAgain+"=1"))
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(usualSlack), 0, 0, 0)
}
