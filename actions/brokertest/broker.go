//go:build unix

package brokertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Broker is a broker with its data, which it keeps while it is stopped. It is not
// safe for concurrent use.
type Broker struct {
	URL  string // with user and password, if the broker wants them
	Port int

	dir      string
	greeting string // of a client
	command  func() *exec.Cmd
	running  *exec.Cmd
	exited   chan struct{}
	aside    *exec.Cmd // what must run beside it
}

// Installed says which program is missing, if one is.
func Installed(programs ...string) error {
	for _, name := range programs {
		if _, err := find(name); err != nil {
			return fmt.Errorf("%s is not installed", name)
		}
	}
	return nil
}

func find(name string) (string, error) {
	if p, err := exec.LookPath(name); err == nil {
		return p, nil
	}
	return exec.LookPath(filepath.Join("/usr/sbin", name))
}

// patience is how long a broker may take to start or to stop: Erlang is slow on a
// busy machine.
const patience = 3 * time.Minute

// Start runs the broker and waits until it takes connections.
func (b *Broker) Start(ctx context.Context) error {
	if b.running != nil {
		return errors.New("the broker runs already")
	}
	c := b.command()
	log, err := os.OpenFile(filepath.Join(b.dir, "output"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	c.Stdout, c.Stderr = log, log
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = c.Wait() // how it ends does not matter
	}()
	b.running, b.exited = c, exited
	if err := b.ready(ctx); err != nil {
		text, _ := os.ReadFile(log.Name())
		return errors.Join(fmt.Errorf("%s: %w\n%s", filepath.Base(c.Path), err, text), b.Kill())
	}
	return nil
}

// ready waits until the broker answers a client.
func (b *Broker) ready(ctx context.Context) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if b.answers(ctx) == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-b.exited:
			return errors.New("the broker has ended")
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("no answer within %v", patience)
}

// answers greets the broker, and reads the beginning of what it says.
func (b *Broker) answers(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(b.Port)))
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, b.greeting); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 1))
	return err
}

// Stop ends the broker in order. It may be started again.
func (b *Broker) Stop() error { return b.end(syscall.SIGTERM) }

// Kill ends the broker as a crash would.
func (b *Broker) Kill() error { return b.end(syscall.SIGKILL) }

func (b *Broker) end(sig syscall.Signal) error {
	if b.running == nil {
		return nil
	}
	group := -b.running.Process.Pid
	_ = syscall.Kill(group, sig) // it may be gone already
	var err error
	select {
	case <-b.exited:
	case <-time.After(patience):
		err = fmt.Errorf("the broker has not ended within %v of %v", patience, sig)
		_ = syscall.Kill(group, syscall.SIGKILL)
		<-b.exited
	}
	_ = syscall.Kill(group, syscall.SIGKILL) // helpers that it may have left behind
	b.running = nil
	// What began it has ended, which need not be what listens.
	for deadline := time.Now().Add(patience); b.answers(context.Background()) == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("the broker still answers %v after %v", patience, sig)
		}
	}
	return err
}

// Close ends the broker and what runs beside it. Nothing of its data is needed any
// more, so it need not end in order.
func (b *Broker) Close() error {
	err := b.Kill()
	if b.aside != nil {
		_ = b.aside.Process.Kill()
		_ = b.aside.Wait()
		b.aside = nil
	}
	return err
}

// ports returns free ones. They lie below those that the system gives to clients, or
// one of the many that run meanwhile might be given one before the broker listens.
func ports(n int) ([]int, error) {
	const lowest, highest, attempts = 20000, 32700, 1000
	var free []int
	for range attempts {
		if len(free) == n {
			return free, nil
		}
		port := lowest + rand.IntN(highest-lowest)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		defer l.Close()
		free = append(free, port)
	}
	return nil, fmt.Errorf("no %d free ports", n)
}
