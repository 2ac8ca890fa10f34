package sshd_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"sftpgo/actions"
	"sftpgo/vfs"
)

// open opens a channel and sends one request in it.
func open(t *testing.T, c *ssh.Client, request string, payload []byte) (ssh.Channel, bool) {
	t.Helper()
	ch, reqs, err := c.OpenChannel("session", nil)
	must(t, err)
	go ssh.DiscardRequests(reqs)
	ok, err := ch.SendRequest(request, true, payload)
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return ch, ok
}

func text(s string) []byte { return ssh.Marshal(struct{ S string }{s}) }

// works tells that a connection still serves.
func works(t *testing.T, c *ssh.Client) {
	t.Helper()
	s, err := sftp.NewClient(c)
	must(t, err)
	defer s.Close()
	_, err = s.Stat("/")
	must(t, err)
}

func TestRefusedRequests(t *testing.T) {
	r := start(t)
	c := r.dial()
	for _, tt := range []struct {
		request string
		payload []byte
	}{
		{"subsystem", nil},
		{"subsystem", []byte{0}},
		{"subsystem", []byte{0, 0, 0}},
		{"subsystem", []byte{0xff, 0xff, 0xff, 0xff}},
		{"subsystem", []byte{0, 0, 0, 9, 's', 'f', 't', 'p'}},
		{"subsystem", append(text("sftp"), 0)},
		{"subsystem", text("netconf")},
		{"exec", nil},
		{"exec", []byte{0, 0, 0, 1}},
		{"pty-req", []byte("rubbish")},
		{"env", text("LD_PRELOAD")},
		{"x11-req", nil},
		{"auth-agent-req@openssh.com", nil},
	} {
		ch, ok := open(t, c, tt.request, tt.payload)
		if ok {
			t.Errorf("%s %q accepted", tt.request, tt.payload)
		}
		ch.Close()
	}
	for _, kind := range []string{"direct-tcpip", "x11", "forwarded-tcpip", "direct-streamlocal@openssh.com", ""} {
		_, _, err := c.OpenChannel(kind, []byte{1, 2, 3})
		if e, ok := err.(*ssh.OpenChannelError); !ok || e.Reason != ssh.UnknownChannelType {
			t.Errorf("channel %q: %v", kind, err)
		}
	}
	if ok, _, err := c.SendRequest("tcpip-forward", true, nil); ok || err != nil {
		t.Errorf("tcpip-forward: %v, %v", ok, err)
	}
	works(t, c)
}

func TestTooManyChannels(t *testing.T) {
	r := start(t)
	c := r.dial()
	var channels []ssh.Channel
	for {
		ch, reqs, err := c.OpenChannel("session", nil)
		if err != nil {
			if e, ok := err.(*ssh.OpenChannelError); !ok || e.Reason != ssh.ResourceShortage {
				t.Fatal(err)
			}
			break
		}
		go ssh.DiscardRequests(reqs)
		if channels = append(channels, ch); len(channels) > 1000 {
			t.Fatal("no limit")
		}
	}
	for _, ch := range channels {
		ch.Close()
	}
	eventually(t, "room for a new channel", func() bool {
		ch, _, err := c.OpenChannel("session", nil)
		if err == nil {
			ch.Close()
		}
		return err == nil
	})
	works(t, c)
}

// TestBrokenPackets sends SFTP frames that are wrong in each possible way. Every
// one may end its channel, none the connection or another channel.
func TestBrokenPackets(t *testing.T) {
	r := start(t)
	c := r.dial()
	good, err := sftp.NewClient(c)
	must(t, err)
	f, err := good.Create("/f")
	must(t, err)
	frame := func(length uint32, body ...byte) string {
		return string(binary.BigEndian.AppendUint32(nil, length)) + string(body)
	}
	init := frame(5, 1, 0, 0, 0, 3)
	for _, bytes := range []string{
		"", "\x00", "\x00\x00\x00", // cut in the length
		frame(0), frame(0xffffffff), frame(0x80000000, 1), frame(300<<10, 1), frame(10, 1), // lengths
		frame(1, 1), frame(2, 1, 0), frame(1, 99), init + frame(5, 77, 0, 0, 0, 1), // types
		init + frame(9, 3, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff),       // OPEN with a name of 4 GiB
		init + frame(5, 200, 0, 0, 0, 1),                             // EXTENDED without a name
		init + frame(27, 200, 0, 0, 0, 1, 0, 0, 0, 18) + "limits@op", // cut in ours
		init + frame(17, 5, 0, 0, 0, 1, 0, 0, 0, 4, 'n', 'o', 'n', 'e', 0, 0, 0, 0),
		init + frame(9, 9, 0, 0, 0, 1, 0, 0, 0, 0), // SETSTAT without attributes
		strings.Repeat(init, 100),
	} {
		ch, ok := open(t, c, "subsystem", text("sftp"))
		if !ok {
			t.Fatal("subsystem refused")
		}
		_, err := io.WriteString(ch, bytes)
		if err == nil {
			err = ch.CloseWrite()
		}
		if err != nil && err != io.EOF { // EOF: the server was quicker to end the channel
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = io.Copy(io.Discard, ch)
		}()
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			t.Fatalf("%.40q: channel stays open", bytes)
		}
		ch.Close()
	}
	_, err = f.Write([]byte("still here"))
	must(t, err)
	must(t, f.Close())
	if r.read("f") != "still here" {
		t.Error("other channel was disturbed")
	}
	// Lengths, types, OPEN, EXTENDED twice, SETSTAT: whoever runs the server is told
	// of each; a stream that is cut is none of them.
	if n := strings.Count(r.log.String(), "the client broke the protocol"); n < 8 {
		t.Errorf("%d sessions ended for the protocol's sake are in the log", n)
	}
}

// TestHugeOffsets are numbers that overflow where they are not checked.
func TestHugeOffsets(t *testing.T) {
	r := start(t)
	r.write("f", "0123456789")
	c := r.dial()
	ch, ok := open(t, c, "subsystem", text("sftp"))
	if !ok {
		t.Fatal("refused")
	}
	send := func(kind byte, body any) []byte {
		payload := append([]byte{kind}, ssh.Marshal(body)...)
		_, err := ch.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(payload))), payload...))
		must(t, err)
		head := make([]byte, 4)
		_, err = io.ReadFull(ch, head)
		must(t, err)
		reply := make([]byte, binary.BigEndian.Uint32(head))
		_, err = io.ReadFull(ch, reply)
		must(t, err)
		return reply
	}
	if reply := send(1, struct{ Version uint32 }{3}); reply[0] != 2 {
		t.Fatalf("INIT: %q", reply)
	}
	reply := send(3, struct {
		ID    uint32
		Name  string
		Flags uint32
		Attrs uint32
	}{1, "/f", 3, 0})
	if reply[0] != 102 {
		t.Fatalf("OPEN: %q", reply)
	}
	handle := string(reply[9:])
	for _, off := range []uint64{1 << 63, 1<<64 - 1, 1<<63 - 2} {
		reply := send(6, struct {
			ID     uint32
			Handle string
			Offset uint64
			Data   string
		}{2, handle, off, "xyz"})
		if code := binary.BigEndian.Uint32(reply[5:]); reply[0] != 101 || code == 0 {
			t.Errorf("WRITE at %d: %q", off, reply)
		}
		reply = send(5, struct {
			ID     uint32
			Handle string
			Offset uint64
			Len    uint32
		}{3, handle, off, 1 << 31})
		if code := binary.BigEndian.Uint32(reply[5:]); reply[0] != 101 || code == 0 {
			t.Errorf("READ at %d: %q", off, reply)
		}
	}
	if reply := send(9, struct {
		ID    uint32
		Name  string
		Flags uint32
		Size  uint64
	}{4, "/f", 1, 1 << 63}); reply[0] != 101 || reply[8] == 0 {
		t.Errorf("SETSTAT: %q", reply)
	}
	if r.read("f") != "0123456789" {
		t.Errorf("file is %q", r.read("f"))
	}
}

func TestTooManyHandles(t *testing.T) {
	r := start(t)
	r.write("f", "x")
	c := r.sftp()
	opened := 0
	for ; opened < 3000; opened++ {
		if _, err := c.Open("/f"); err != nil {
			if status(err) != "4 too many open files" {
				t.Errorf("open: %s", status(err))
			}
			break
		}
	}
	if opened != 1024 {
		t.Errorf("%d files opened", opened)
	}
}

// TestHalfOpen keeps many connections waiting before the login. A client that
// means it must come through, and what waits must not pile up.
func TestHalfOpen(t *testing.T) {
	r := start(t)
	const half = 300
	for range half {
		c, err := net.Dial("tcp", r.addr)
		must(t, err)
		defer c.Close()
	}
	begin := time.Now()
	works(t, r.dial())
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("login took %v", took)
	}
	eventually(t, "end of the oldest", func() bool { return runtime.NumGoroutine() < half })
}

// panicky is storage that fails in the worst way.
type panicky struct{ vfs.Factory }

func (p panicky) Open(ctx context.Context, cfg []byte) (vfs.FS, error) {
	f, err := p.Factory.Open(ctx, cfg)
	return panickyFS{f}, err
}

type panickyFS struct{ vfs.FS }

func (p panickyFS) Stat(ctx context.Context, name string) (fs.FileInfo, error) {
	if name == "/panic" {
		panic("storage")
	}
	return p.FS.Stat(ctx, name)
}

func (p panickyFS) Open(ctx context.Context, name string, mode vfs.Mode) (vfs.File, error) {
	f, err := p.FS.Open(ctx, name, mode)
	if err == nil && strings.HasPrefix(name, "/broken") {
		return panickyFile{f}, nil
	}
	return f, err
}

type panickyFile struct{ vfs.File }

func (panickyFile) ReadAt([]byte, int64) (int, error)  { panic("read") }
func (panickyFile) WriteAt([]byte, int64) (int, error) { panic("write") }
func (panickyFile) Write([]byte) (int, error)          { panic("write") }

func TestPanics(t *testing.T) {
	r := start(t, func(s *setup) { s.factory = panicky{s.factory} })
	r.write("broken", "x")
	other := r.sftp()
	c := r.sftp()
	_, err := c.Stat("/panic")
	if status(err) != "4 internal error" {
		t.Errorf("stat: %s", status(err))
	}
	f, err := c.Open("/broken")
	must(t, err)
	if _, err := f.ReadAt(make([]byte, 1), 0); status(err) != "4 internal error" {
		t.Errorf("read: %s", status(err))
	}
	f.Close()
	f, err = c.Create("/broken2")
	must(t, err)
	if _, err := f.Write([]byte("x")); status(err) != "4 internal error" {
		t.Errorf("write: %s", status(err))
	}
	if err := f.Close(); err == nil {
		t.Error("close of a broken upload: no error")
	}
	// In SCP the panic ends the channel.
	s, err := r.dial().NewSession()
	must(t, err)
	s.Stdin = strings.NewReader("C0644 1 broken3\na\x00")
	if err := s.Run("scp -t /broken3"); err == nil {
		t.Error("scp: no error")
	}
	if _, err := other.Stat("/broken"); err != nil {
		t.Errorf("other connection: %v", err)
	}
	for _, e := range r.events() {
		if e.Kind == actions.UploadDone {
			t.Errorf("event %v", e)
		}
	}
}

func TestIdleConnection(t *testing.T) {
	r := start(t, func(s *setup) { s.idle = 100 * time.Millisecond })
	c := r.dial()
	s, err := sftp.NewClient(c)
	must(t, err)
	time.Sleep(300 * time.Millisecond)
	_, err = s.Stat("/") // a session is not idle by the rule of connections
	must(t, err)
	s.Close()
	done := make(chan error, 1)
	go func() { done <- c.Wait() }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Error("connection without channels stays")
	}
}

func TestGracefulStop(t *testing.T) {
	r := start(t)
	idle := r.dial()
	c := r.sftp()
	f, err := c.Create("/f")
	must(t, err)
	_, err = f.Write([]byte("first"))
	must(t, err)
	stopped := make(chan struct{})
	go func() { defer close(stopped); r.stop() }()
	idle.Wait() // closed at once: nothing runs in it
	_, err = f.Write([]byte(" second"))
	must(t, err)
	must(t, f.Close())
	<-stopped
	if r.read("f") != "first second" {
		t.Errorf("file is %q", r.read("f"))
	}
	if _, err := r.tryDial(); err == nil {
		t.Error("still accepts")
	}
}

// TestAccountClosedAfterLogin: a connection that was opened in time is of no use
// for what begins later.
func TestAccountClosedAfterLogin(t *testing.T) {
	r := start(t)
	c := r.dial()
	r.logins.mu.Lock()
	r.logins.closed = true
	r.logins.mu.Unlock()
	if s, err := sftp.NewClient(c); err == nil {
		s.Close()
		t.Error("an SFTP session of a closed account")
	}
	ch, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	ch.Stderr = &text
	err = ch.Run("scp -f /f")
	var exit *ssh.ExitError
	if !errors.As(err, &exit) || exit.ExitStatus() != 1 || text.String() != "login refused\n" {
		t.Errorf("%v, %q", err, text.String())
	}
}
