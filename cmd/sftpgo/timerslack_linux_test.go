package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"
)

// TestServerRelaxesTimers: the threads of a server may be woken late, and the
// process that was started is the one that serves.
func TestServerRelaxesTimers(t *testing.T) {
	p := newRealServer(t)
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	own, err := os.ReadFile("/proc/self/timerslack_ns")
	if err != nil {
		t.Skip(err)
	}
	if strings.TrimSpace(string(own)) != fmt.Sprint(usualSlack.Nanoseconds()) {
		t.Skipf("a slack of %s ns has been chosen", own)
	}
	dir := fmt.Sprintf("/proc/%d/", p.cmd.Process.Pid)
	threads, err := os.ReadDir(dir + "task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		slack, err := os.ReadFile("/proc/" + thread.Name() + "/timerslack_ns")
		if errors.Is(err, fs.ErrNotExist) {
			continue // ended
		}
		if err != nil {
			t.Skip(err) // the slack of others takes a right
		}
		if got := strings.TrimSpace(string(slack)); got != fmt.Sprint(time.Millisecond.Nanoseconds()) {
			t.Errorf("thread %s has a slack of %s ns", thread.Name(), got)
		}
	}
	args, err := os.ReadFile(dir + "cmdline")
	if err != nil {
		t.Fatal(err)
	}
	if string(args) != "sftpgo\x00serve\x00" {
		t.Errorf("arguments %q", args)
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
}
