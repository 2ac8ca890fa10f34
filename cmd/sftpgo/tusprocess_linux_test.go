package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// tusProcess is the real stand-alone server, over a directory and a port that
// outlive it.
type tusProcess struct {
	t    testing.TB
	dir  string
	addr string
	args []string
	env  []string
	cmd  *exec.Cmd
	wait func() error // for the end
}

// startTus starts a server with further options.
func startTus(t testing.TB, args ...string) *tusProcess {
	t.Helper()
	return startTusWith(t, nil, args...)
}

// startTusWith is startTus with variables, too.
func startTusWith(t testing.TB, env []string, args ...string) *tusProcess {
	t.Helper()
	ports, err := quietPorts(1)
	noError(t, err)
	p := &tusProcess{t: t, dir: t.TempDir(), addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[0])), env: env}
	p.args = append([]string{"tus", "--host", "127.0.0.1", "--port", strconv.Itoa(ports[0])}, args...)
	t.Cleanup(func() { p.end(syscall.SIGKILL) })
	p.start()
	return p
}

func (p *tusProcess) url(path string) string { return "http://" + p.addr + path }

// start starts it, again perhaps, and waits until it answers.
func (p *tusProcess) start() {
	p.t.Helper()
	out, err := os.OpenFile(filepath.Join(p.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	noError(p.t, err)
	defer out.Close()
	p.cmd = exec.Command("sftpgo", p.args...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = p.dir, out, out
	p.cmd.Env = append(os.Environ(), p.env...)
	noError(p.t, p.cmd.Start())
	ended := make(chan struct{})
	cmd := p.cmd
	p.wait = sync.OnceValue(func() error {
		defer close(ended)
		return cmd.Wait()
	})
	wait := p.wait
	go func() { _ = wait() }() // whoever ends it asks again
	waitUntil(p.t, "the server answers", func() error {
		select {
		case <-ended:
			text, _ := os.ReadFile(out.Name())
			p.t.Fatalf("the server has ended: %s", text)
		default:
		}
		resp, err := http.Get(p.url("/health"))
		if err != nil {
			text, _ := os.ReadFile(out.Name())
			return fmt.Errorf("%w\n%s", err, text)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return errors.New(resp.Status)
		}
		return nil
	})
}

// end sends a signal and waits.
func (p *tusProcess) end(sig syscall.Signal) {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(sig) // it may be gone: Wait tells
	err := p.wait()
	p.cmd = nil
	if err != nil && sig != syscall.SIGKILL {
		p.t.Errorf("server: %v", err)
	}
}

// stored returns the paths of complete and other data of uploads.
func (p *tusProcess) stored() []string {
	p.t.Helper()
	entries, err := os.ReadDir(filepath.Join(p.dir, "data"))
	noError(p.t, err)
	var paths []string
	for _, e := range entries {
		if e.Type().IsRegular() && !strings.HasSuffix(e.Name(), ".info") && !strings.HasPrefix(e.Name(), ".") {
			paths = append(paths, filepath.Join(p.dir, "data", e.Name()))
		}
	}
	return paths
}

// valve is a way to a server on which the test decides how much clients may send.
type valve struct {
	addr   string
	target string
	mu     sync.Mutex
	more   *sync.Cond
	left   int64
	open   bool
}

// newValve makes a closed one.
func newValve(t testing.TB, target string) *valve {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	noError(t, err)
	v := &valve{addr: l.Addr().String(), target: target}
	v.more = sync.NewCond(&v.mu)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go v.carry(client)
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		v.turn(0, true)
		serving.Wait()
	})
	return v
}

// turn lets so many bytes pass, or all from now on.
func (v *valve) turn(bytes int64, open bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.left, v.open = bytes, open
	v.more.Broadcast()
}

// carry carries a connection, and ends it when either end does.
func (v *valve) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", v.target)
	if err != nil {
		return
	}
	go func() {
		defer client.Close()
		defer server.Close()
		v.pass(client, server)
	}()
	b := make([]byte, 32<<10)
	for {
		n, err := server.Read(b)
		if _, werr := client.Write(b[:n]); err != nil || werr != nil {
			_ = server.Close()
			return
		}
	}
}

func (v *valve) pass(from, to net.Conn) {
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		v.mu.Lock()
		for !v.open && v.left <= 0 {
			v.more.Wait()
		}
		v.left -= int64(n)
		v.mu.Unlock()
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}
