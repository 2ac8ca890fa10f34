package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// clientDriver is a file that makes a client do what lines of its input say. It
// begins with a comment that tells what it is.
type clientDriver struct {
	name    string
	file    string
	run     []string          // program that runs the file
	needs   []string          // programs, or absolute names of files
	cannot  map[string]string // verbs, and why
	late    bool              // it returns before the server has closed a file
	refuses bool              // its rename asks for the plain one, which replaces nothing
}

// clientDrivers reads the headers of all drivers of a directory.
func clientDrivers(dir string) ([]*clientDriver, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.*"))
	if err != nil {
		return nil, err
	}
	var all []*clientDriver
	for _, file := range files {
		if filepath.Ext(file) == ".md" {
			continue
		}
		d, err := readDriver(file)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no drivers in %s", dir)
	}
	return all, nil
}

func readDriver(file string) (*clientDriver, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	full, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	d := &clientDriver{name: strings.ToLower(name), file: full, cannot: map[string]string{}}
	for line := range strings.Lines(strings.TrimPrefix(string(text), "<?php\n")) {
		comment, ok := cutComment(line)
		if !ok {
			break
		}
		key, value, _ := strings.Cut(comment, ":")
		value = strings.TrimSpace(value)
		switch key {
		case "run":
			d.run = strings.Fields(value)
		case "needs":
			d.needs = append(d.needs, strings.Fields(value)...)
		case "cannot":
			verbs, why, _ := strings.Cut(value, ":")
			for _, verb := range strings.Fields(verbs) {
				d.cannot[verb] = strings.TrimSpace(why)
			}
		case "late":
			d.late = true
		case "rename":
			if value != "replaces" && value != "refuses" {
				return nil, fmt.Errorf("%s: rename: %q", file, value)
			}
			d.refuses = value == "refuses"
		}
	}
	if len(d.run) == 0 {
		return nil, fmt.Errorf("%s: no line \"run: PROGRAM\"", file)
	}
	return d, nil
}

func cutComment(line string) (string, bool) {
	for _, mark := range []string{"#", "//"} {
		if rest, ok := strings.CutPrefix(line, mark); ok {
			return strings.TrimSpace(rest), true
		}
	}
	return "", false
}

// require ends the test when the client is missing. In CI that is a failure.
func (d *clientDriver) require(t *testing.T) {
	t.Helper()
	modules, err := nodeModules()
	if err != nil {
		t.Fatal(err)
	}
	for _, need := range append([]string{d.run[0]}, d.needs...) {
		var err error
		switch need = strings.Replace(need, "NODE_MODULES", modules, 1); {
		case need == "/dev/fuse" && os.Getuid() != 0:
			err = os.ErrPermission
		case filepath.IsAbs(need):
			_, err = os.Stat(need)
		default:
			_, err = lookPath(need)
		}
		if err == nil {
			continue
		}
		if os.Getenv("CI") == "true" && need != "/dev/fuse" {
			t.Fatalf("%s is missing; run .ci/clients", need)
		}
		t.Skipf("%s is missing; run .ci/clients", need)
	}
}

// patienceOfClient is for one verb on a busy machine; a Java program takes
// seconds to start there.
const patienceOfClient = 90 * time.Second

// clientProcess is a driver at work. Words go in, separated by tabs, one line for
// each verb; lines come out: "= " and data, and at last "ok" or "fail" and why.
type clientProcess struct {
	in    io.Writer
	lines <-chan string
}

func (d *clientDriver) start(t *testing.T, dir string, env []string) *clientProcess {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background()) // t.Context ends before the client may say goodbye
	cmd := exec.CommandContext(ctx, d.run[0], append(d.run[1:len(d.run):len(d.run)], d.file)...)
	cmd.Dir, cmd.Env = dir, env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a driver starts others
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	log := &lockedBuffer{}
	cmd.Stderr = log
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string)
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			select {
			case lines <- s.Text():
			case <-ctx.Done():
				return
			}
		}
	})
	t.Cleanup(func() {
		late := time.AfterFunc(patienceOfClient, cancel)
		_ = in.Close() // the driver says goodbye
		for range lines {
		}
		reader.Wait()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the client ended with %v", err)
		}
		late.Stop()
		cancel()
		if t.Failed() {
			t.Logf("stderr of the client:\n%s", log)
		}
	})
	return &clientProcess{in: in, lines: lines}
}

// do gives the client one line to do. The error is what it says.
func (p *clientProcess) do(words ...string) ([]string, error) {
	if _, err := fmt.Fprintln(p.in, strings.Join(words, "\t")); err != nil {
		return nil, fmt.Errorf("%q: the client is gone: %w", words, err)
	}
	var data []string
	timeout := time.NewTimer(patienceOfClient)
	defer timeout.Stop()
	for {
		select {
		case line, ok := <-p.lines:
			value, isData := strings.CutPrefix(line, "= ")
			switch {
			case !ok:
				return nil, fmt.Errorf("%q: %w", words, errClientGone)
			case isData:
				data = append(data, value)
			case line == "ok":
				return data, nil
			case strings.HasPrefix(line, "fail"):
				return nil, refusal(strings.TrimSpace(strings.TrimPrefix(line, "fail")))
			default:
				return nil, fmt.Errorf("%q: the driver says %q", words, line)
			}
		case <-timeout.C:
			return nil, fmt.Errorf("%q: no answer after %s", words, patienceOfClient)
		}
	}
}

// refusal is why a client could not do what it was told.
type refusal string

func (r refusal) Error() string { return string(r) }

var errClientGone = fmt.Errorf("the client is gone: %w", io.ErrUnexpectedEOF)

// lockedBuffer is written by a process while a test reads it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
