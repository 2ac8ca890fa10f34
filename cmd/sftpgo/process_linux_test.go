package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// process is a server whose costs are read from outside.
type process struct {
	b      *testing.B
	pid    int
	output *bytes.Buffer // complete when the process has ended
}

// runProcess starts cmd and ends it with a signal at the end of the benchmark.
func runProcess(b *testing.B, cmd *exec.Cmd, end syscall.Signal) process {
	b.Helper()
	out := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, out
	must(b, cmd.Start())
	b.Cleanup(func() {
		_ = cmd.Process.Signal(end) // it may be gone: Wait tells
		timer := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
		if err := cmd.Wait(); err != nil && end != syscall.SIGKILL {
			b.Errorf("%s: %v\n%s", cmd.Path, err, out)
		}
	})
	return process{b, cmd.Process.Pid, out}
}

// cpu is the processor time of the process, to the nanosecond, without its
// children.
func (p process) cpu() time.Duration {
	// The clock of another process: see clock_getcpuclockid(3).
	var t unix.Timespec
	must(p.b, unix.ClockGettime(int32(^p.pid<<3|2), &t))
	return time.Duration(t.Nano())
}

// children is the processor time of the children that have ended, and of theirs,
// in ticks of 10 ms.
func (p process) children() time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
	must(p.b, err)
	// Field 2 is the name in brackets; 16 and 17 are cutime and cstime.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+2:]))
	var ticks int64
	for _, f := range fields[13:15] {
		n, err := strconv.ParseInt(f, 10, 64)
		must(p.b, err)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// family is the processor time of the process and of all those below it that are
// alive, to the nanosecond.
func (p process) family() time.Duration {
	sum := p.cpu()
	list, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", p.pid, p.pid))
	must(p.b, err)
	for _, word := range strings.Fields(string(list)) {
		pid, err := strconv.Atoi(word)
		must(p.b, err)
		sum += process{b: p.b, pid: pid}.family()
	}
	return sum
}

// resident is the memory of the process that is in RAM, in bytes.
func (p process) resident() float64 { return p.status("VmRSS:") }

// peak is the most that resident has been since the start or resetPeak.
func (p process) peak() float64 { return p.status("VmHWM:") }

// resetPeak begins anew with peak, and returns what is resident now.
func (p process) resetPeak() float64 {
	must(p.b, os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.pid), []byte("5"), 0))
	return p.resident()
}

func (p process) status(key string) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
	must(p.b, err)
	_, rest, _ := strings.Cut(string(status), key)
	kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	must(p.b, err)
	return kib * 1024
}

// awaitChildren waits until the process has none.
func (p process) awaitChildren() {
	p.b.Helper()
	path := fmt.Sprintf("/proc/%d/task/%d/children", p.pid, p.pid)
	if !eventually(10*time.Second, func() bool {
		list, err := os.ReadFile(path)
		must(p.b, err)
		return len(list) == 0
	}) {
		p.b.Fatal("processes of earlier clients are still there")
	}
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
