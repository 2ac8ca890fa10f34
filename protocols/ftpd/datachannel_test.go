package ftpd_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"sftpgo/protocols/ftpd"
	"sftpgo/protocols/session"
)

// portArg is the argument of PORT for an address.
func portArg(a net.Addr) string {
	tcp := a.(*net.TCPAddr)
	return fmt.Sprintf("%s,%d,%d", strings.ReplaceAll(tcp.IP.String(), ".", ","), tcp.Port>>8, tcp.Port&0xff)
}

func listen(t *testing.T, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestActiveMode(t *testing.T) {
	s := start(t, options{})
	s.write(t, "a", "content")
	c := login(t, s)
	for _, form := range []string{"PORT", "EPRT"} {
		l := listen(t, "127.0.0.1:0")
		if form == "PORT" {
			c.cmd(200, "PORT %s", portArg(l.Addr()))
		} else {
			c.cmd(200, "EPRT |1|127.0.0.1|%d|", l.Addr().(*net.TCPAddr).Port)
		}
		c.send("RETR a")
		d, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(d)
		d.Close()
		c.expect(150)
		c.expect(226)
		if string(b) != "content" {
			t.Errorf("%s: %q", form, b)
		}
	}
}

func TestActiveModeDisabled(t *testing.T) {
	s := start(t, options{cfg: func(c *ftpd.Config) { c.DisableActiveMode = true }})
	c := login(t, s)
	c.cmd(421, "PORT 127,0,0,1,200,1")
	c.cmd(421, "EPRT |1|127.0.0.1|50000|")
}

// A client cannot make the server connect to a third host, or to a service of
// its own (FTP bounce, RFC 2577).
func TestBounceRefused(t *testing.T) {
	s := start(t, options{})
	s.write(t, "a", "content")
	victim := listen(t, "127.0.0.2:0")
	reached := make(chan struct{})
	go func() {
		if _, err := victim.Accept(); err == nil {
			close(reached)
		}
	}()
	port := victim.Addr().(*net.TCPAddr).Port
	c := login(t, s)
	for _, cmd := range []string{
		"PORT " + portArg(victim.Addr()),
		fmt.Sprintf("EPRT |1|127.0.0.2|%d|", port),
		fmt.Sprintf("EPRT |2|::1|%d|", port),
		"PORT 127,0,0,1,0,25", "EPRT |1|127.0.0.1|25|", "PORT 127,0,0,1,3,255", "PORT 127,0,0,1,3,1023",
		"PORT 127,0,0,1", "PORT", "EPRT |1|localhost|50000|", "PORT 8,8,8,8,200,1",
	} {
		c.cmd(501, "%s", cmd)
		c.cmd(425, "RETR a") // there is nothing to send it over
	}
	select {
	case <-reached:
		t.Error("the server connected to another host")
	default:
	}
}

// A stranger who finds the passive port first gets nothing, and the client gets
// its file.
func TestDataConnectionTheft(t *testing.T) {
	s := start(t, options{})
	s.write(t, "a", "secret")
	c := login(t, s)
	addr := c.epsv()
	thief, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 3)}}).Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer thief.Close()
	c.send("RETR a")
	if err := thief.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(thief); len(b) > 0 || os.IsTimeout(err) {
		t.Errorf("the thief got %q, %v; want a closed connection", b, err)
	}
	own, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	c.expect(150)
	if b, _ := io.ReadAll(own); string(b) != "secret" {
		t.Errorf("the client got %q", b)
	}
	c.expect(226)
}

func TestPassiveRange(t *testing.T) {
	const first, last = 42310, 42319
	s := start(t, options{cfg: func(c *ftpd.Config) {
		c.PassivePortRange = ftpd.PortRange{Start: first, End: last}
		c.Bindings[0].ForcePassiveIP = "192.0.2.7"
	}})
	c := login(t, s)
	// More often than there are ports: none may be lost.
	for range 3 * (last - first) {
		text := c.cmd(227, "PASV")
		fields := strings.Split(strings.Trim(text[strings.Index(text, "("):], "()"), ",")
		if ip := strings.Join(fields[:4], "."); ip != "192.0.2.7" {
			t.Fatalf("PASV shows %s", ip)
		}
		hi, _ := strconv.Atoi(fields[4])
		lo, _ := strconv.Atoi(fields[5])
		if port := hi<<8 | lo; port < first || port > last {
			t.Fatalf("port %d is not within %d-%d", port, first, last)
		}
		c.cmd(200, "PORT 127,0,0,1,200,1") // the library forgets the listener
	}
}

func TestPASVShowsTheControlAddress(t *testing.T) {
	s := start(t, options{})
	c := login(t, s)
	if text := c.cmd(227, "PASV"); !strings.Contains(text, "(127,0,0,1,") {
		t.Errorf("PASV %q", text)
	}
}

func TestNoDataConnection(t *testing.T) {
	s := start(t, options{session: func(c *session.Config) { c.UploadMode = 0 }})
	s.write(t, "a", "x")
	c := login(t, s)
	// A command that has no way for its data touches nothing, and nobody hears of it.
	for _, cmd := range []string{"STOR a", "STOR b", "APPE a", "STOU", "RETR a", "LIST", "MLSD"} {
		if text := c.cmd(425, "%s", cmd); !strings.Contains(text, "PASV") {
			t.Errorf("%s: %q", cmd, text)
		}
	}
	c.epsv()
	c.cmd(226, "ABOR")
	c.cmd(425, "STOR a")
	c.get("RETR a")
	c.cmd(425, "STOR a") // one way serves one transfer
	if got := s.read(t, "a"); got != "x" {
		t.Errorf("the file has %q", got)
	}
	s.events.take(t, 1)
}

func TestDataConnectionFails(t *testing.T) {
	s := start(t, options{})
	c := login(t, s)
	// Nobody listens where the server is told to go.
	l := listen(t, "127.0.0.1:0")
	c.cmd(200, "PORT %s", portArg(l.Addr()))
	l.Close()
	if text := c.cmd(425, "STOR b"); strings.Contains(text, "127.0.0.1") {
		t.Errorf("reply %q shows an address", text)
	}
	s.events.take(t, 1)
	c.cmd(550, "SIZE b")
}

func TestIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	s := startOn(t, options{}, l)
	s.write(t, "a", "content")
	c := login(t, s)
	c.cmd(425, "PASV") // has no form for the address
	text := c.cmd(229, "EPSV")
	d, err := net.Dial("tcp", "[::1]:"+strings.Trim(text[strings.Index(text, "("):], "(|)"))
	if err != nil {
		t.Fatal(err)
	}
	c.send("RETR a")
	c.expect(150)
	if b, _ := io.ReadAll(d); string(b) != "content" {
		t.Errorf("EPSV: %q", b)
	}
	c.expect(226)
	d.Close()

	back := listen(t, "[::1]:0")
	c.cmd(200, "EPRT |2|::1|%d|", back.Addr().(*net.TCPAddr).Port)
	c.send("RETR a")
	if d, err = back.Accept(); err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(d); string(b) != "content" {
		t.Errorf("EPRT: %q", b)
	}
	d.Close()
	c.expect(150)
	c.expect(226)
}
