package proxied

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
)

const (
	line1 = "PROXY TCP4 203.0.113.7 192.0.2.1 40000 22\r\n"
	line6 = "PROXY TCP6 2001:db8::7 2001:db8::1 40000 22\r\n"
)

func binary2(t testing.TB, command proxyproto.ProtocolVersionAndCommand, tlv int) string {
	t.Helper()
	h := proxyproto.HeaderProxyFromAddrs(2, &net.TCPAddr{IP: net.IPv4(203, 0, 113, 7), Port: 40000}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 22})
	h.Command = command
	if tlv > 0 {
		if err := h.SetTLVs([]proxyproto.TLV{{Type: proxyproto.PP2_TYPE_NOOP, Value: make([]byte, tlv)}}); err != nil {
			t.Fatal(err)
		}
	}
	b, err := h.Format()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func listen(t testing.TB, cfg Config, header, first time.Duration) (*Listener, *bytes.Buffer) {
	t.Helper()
	tcp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	l, err := newListener(tcp, cfg, slog.New(slog.NewTextHandler(&locked{w: &log}, nil)), header, first)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l, &log
}

type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func dial(t testing.TB, l net.Listener, text string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// accept returns the next connection, or nil when there is none for a while.
func accept(t testing.TB, l net.Listener, within time.Duration) net.Conn {
	t.Helper()
	got := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			c = nil
		}
		got <- c
	}()
	select {
	case c := <-got:
		if c != nil {
			t.Cleanup(func() { _ = c.Close() })
		}
		return c
	case <-time.After(within):
		t.Cleanup(func() { _ = l.Close(); <-got })
		return nil
	}
}

// TestTable is the table of modes, senders and headers.
func TestTable(t *testing.T) {
	me, other := []string{"127.0.0.0/8"}, []string{"192.0.2.0/24", "2001:db8::/32"}
	local := binary2(t, proxyproto.LOCAL, 0)
	for _, tt := range []struct {
		name             string
		mode             int
		allowed, skipped []string
		send             string
		want             string // "client", "own" or "-" for refused
		rest             string
	}{
		{"optional, anyone, v1", 1, nil, nil, line1 + "hello", "client", "hello"},
		{"optional, anyone, v2", 1, nil, nil, binary2(t, proxyproto.PROXY, 0) + "hello", "client", "hello"},
		{"optional, anyone, v2 with much about the proxy", 1, nil, nil, binary2(t, proxyproto.PROXY, 2000) + "hello", "client", "hello"},
		{"optional, anyone, none", 1, nil, nil, "SSH-2.0-x\r\n", "own", "SSH-2.0-x\r\n"},
		{"optional, anyone, nearly one", 1, nil, nil, "PROPFIND / HTTP/1.1\r\n", "own", "PROPFIND / HTTP/1.1\r\n"},
		{"optional, anyone, silent", 1, nil, nil, "", "own", ""},
		{"optional, listed, v1", 1, me, nil, line1 + "hello", "client", "hello"},
		{"optional, unlisted, v1", 1, other, nil, line1 + "hello", "own", "hello"},
		{"optional, unlisted, v2", 1, other, nil, binary2(t, proxyproto.PROXY, 0) + "hello", "own", "hello"},
		{"optional, unlisted, none", 1, other, nil, "hello", "own", "hello"},
		{"optional, unlisted, silent", 1, other, nil, "", "own", ""},
		{"required, anyone, v1", 2, nil, nil, line1 + "hello", "client", "hello"},
		{"required, anyone, none", 2, nil, nil, "SSH-2.0-x\r\n", "-", ""},
		{"required, anyone, silent", 2, nil, nil, "", "-", ""},
		{"required, listed, v2", 2, me, nil, binary2(t, proxyproto.PROXY, 0) + "hello", "client", "hello"},
		{"required, listed, none", 2, me, nil, "SSH-2.0-x\r\n", "-", ""},
		{"required, unlisted, v1", 2, other, nil, line1 + "hello", "-", ""},
		{"required, unlisted, none", 2, other, nil, "hello", "-", ""},
		{"required, skipped, none", 2, nil, []string{"127.0.0.1"}, "hello", "own", "hello"},
		{"optional, skipped, v1", 1, nil, []string{"127.0.0.1"}, line1, "own", line1},
		{"required, check by the proxy, v1", 2, me, nil, "PROXY UNKNOWN\r\nhello", "own", "hello"},
		{"required, check by the proxy, v2", 2, me, nil, local + "hello", "own", "hello"},
		{"a line without end", 1, nil, nil, "PROXY TCP4 " + strings.Repeat("1", 200), "-", ""},
		{"half a line", 1, nil, nil, "PROXY TCP4 203.0.113.7 ", "-", ""},
		{"half a signature", 1, nil, nil, "PROX", "-", ""},
		{"not an address", 1, nil, nil, "PROXY TCP4 203.0.113.700 192.0.2.1 1 2\r\n", "-", ""},
		{"not a port", 1, nil, nil, "PROXY TCP4 203.0.113.7 192.0.2.1 70000 2\r\n", "-", ""},
		{"a length that nobody needs", 1, nil, nil, signature2 + "\x21\x11\xff\xff", "-", ""},
		{"version 3", 1, nil, nil, signature2 + "\x31\x11\x00\x0c" + strings.Repeat("a", 12), "-", ""},
		{"UDP", 1, nil, nil, signature2 + "\x21\x12\x00\x0c" + strings.Repeat("a", 12), "-", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l, _ := listen(t, Config{ProxyProtocol: tt.mode, ProxyAllowed: tt.allowed, ProxySkipped: tt.skipped}, 150*time.Millisecond, 100*time.Millisecond)
			client := dial(t, l, tt.send)
			if tt.want == "-" {
				if c := accept(t, l, 400*time.Millisecond); c != nil {
					t.Fatalf("accepted, as %s", c.RemoteAddr())
				}
				_ = client.SetReadDeadline(time.Now().Add(5 * time.Second))
				if _, err := client.Read(make([]byte, 1)); err == nil || isTimeout(err) {
					t.Errorf("the connection is held open: %v", err)
				}
				return
			}
			c := accept(t, l, 5*time.Second)
			if c == nil {
				t.Fatal("refused")
			}
			want := client.LocalAddr().String()
			if tt.want == "client" {
				want = "203.0.113.7:40000"
				if got := c.LocalAddr().String(); got != "192.0.2.1:22" {
					t.Errorf("local address %s", got)
				}
			}
			if got := c.RemoteAddr().String(); got != want {
				t.Errorf("remote address %s, want %s", got, want)
			}
			if _, err := io.WriteString(client, " more"); err != nil {
				t.Fatal(err)
			}
			if err := client.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(c)
			if err != nil || string(rest) != tt.rest+" more" {
				t.Errorf("read %q, %v; want %q", rest, err, tt.rest+" more")
			}
		})
	}
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// TestPieces: a header may come byte by byte.
func TestPieces(t *testing.T) {
	for name, header := range map[string]string{"v1": line6, "v2": binary2(t, proxyproto.PROXY, 30)} {
		t.Run(name, func(t *testing.T) {
			l, _ := listen(t, Config{ProxyProtocol: 2}, 10*time.Second, time.Second)
			client := dial(t, l, "")
			_ = client.SetNoDelay(true)
			for i := range len(header) {
				if _, err := io.WriteString(client, header[i:i+1]); err != nil {
					t.Fatal(err)
				}
			}
			if c := accept(t, l, 5*time.Second); c == nil || c.RemoteAddr().String() == client.LocalAddr().String() {
				t.Errorf("%v", c)
			}
		})
	}
}

// TestKernelAbilities: a connection with a header is still one that the kernel
// can read from and send files to by itself.
func TestKernelAbilities(t *testing.T) {
	l, _ := listen(t, Config{ProxyProtocol: 1}, time.Second, time.Second)
	dial(t, l, line1)
	c := accept(t, l, 5*time.Second)
	if _, ok := c.(syscall.Conn); !ok {
		t.Errorf("%T has no SyscallConn", c)
	}
	if _, ok := c.(io.ReaderFrom); !ok {
		t.Errorf("%T has no ReadFrom", c)
	}
	// What has bytes to give again must not: they would be passed by.
	dial(t, l, "hello, world")
	if c := accept(t, l, 5*time.Second); c == nil {
		t.Error("refused")
	} else if _, ok := c.(syscall.Conn); ok {
		t.Errorf("%T hands out the descriptor before its bytes are read", c)
	}
}

// TestSlowSenders: many who send nothing keep out neither a proxy nor each other,
// and are gone after the time for a header.
func TestSlowSenders(t *testing.T) {
	l, _ := listen(t, Config{ProxyProtocol: 2}, 3*time.Second, time.Second)
	first := dial(t, l, "PROXY")
	for range maxPendingOfOne + 20 {
		dial(t, l, "PROXY")
	}
	dial(t, l, line1)
	if c := accept(t, l, 2*time.Second); c == nil {
		t.Error("nobody gets in")
	}
	_ = first.SetReadDeadline(time.Now().Add(2 * time.Second))
	if _, err := first.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("the oldest is still there: %v", err)
	}
}

// TestProxyHasNoCap: a proxy that is named may have many headers under way.
func TestProxyHasNoCap(t *testing.T) {
	l, _ := listen(t, Config{ProxyProtocol: 2, ProxyAllowed: []string{"127.0.0.1"}}, 10*time.Second, time.Second)
	var all []*net.TCPConn
	for range maxPendingOfOne * 2 {
		all = append(all, dial(t, l, "PROXY "))
	}
	for i, c := range all {
		fmt.Fprintf(c, "TCP4 203.0.113.7 192.0.2.1 %d 22\r\n", 1000+i)
	}
	for i := range all {
		if accept(t, l, 5*time.Second) == nil {
			t.Fatalf("number %d does not get in", i)
		}
	}
}

func TestCloseEndsAll(t *testing.T) {
	l, _ := listen(t, Config{ProxyProtocol: 2}, time.Minute, time.Minute)
	waiting, done := dial(t, l, "PROXY"), dial(t, l, line1)
	time.Sleep(50 * time.Millisecond)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*net.TCPConn{waiting, done} {
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := c.Read(make([]byte, 1)); err == nil || isTimeout(err) {
			t.Errorf("held open: %v", err)
		}
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v", err)
	}
}

func TestOff(t *testing.T) {
	tcp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	l, err := Listen(tcp, Config{}, slog.New(slog.DiscardHandler))
	if err != nil || l != net.Listener(tcp) {
		t.Errorf("%T, %v", l, err)
	}
}

func TestValidate(t *testing.T) {
	err := Config{ProxyProtocol: 3, ProxyAllowed: []string{"10.0.0.1", "x"}, ProxySkipped: []string{"10.0.0.0/33"}}.Validate()
	want := `proxy_protocol: 3 is not 0 (off), 1 (used if present) or 2 (required)
proxy_allowed.1: "x" is not an address or a network like 10.0.0.0/8
proxy_skipped.0: "10.0.0.0/33" is not an address or a network like 10.0.0.0/8`
	if err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
}

func TestNetworks(t *testing.T) {
	n, err := ParseNetworks("k", []string{"10.1.2.3/8", " 192.0.2.7 ", "2001:db8::/32", "::ffff:198.51.100.1", "fe80::1"})
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]bool{
		"10.9.9.9": true, "::ffff:10.9.9.9": true, "11.0.0.1": false, "192.0.2.7": true, "192.0.2.8": false,
		"2001:db8:1::1": true, "2001:db9::1": false, "198.51.100.1": true, "fe80::1%eth0": true,
	} {
		if got := n.Contain(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %v", addr, got)
		}
	}
	if n.Contain(netip.Addr{}) {
		t.Error("no address is in a network")
	}
}

func FuzzReadHeader(f *testing.F) {
	for _, s := range []string{line1, line6, "PROXY UNKNOWN\r\n", binary2(f, proxyproto.PROXY, 9), "GET / HTTP/1.1\r\n", signature2} {
		f.Add([]byte(s + "rest"))
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		r := bytes.NewReader(sent)
		a, head, err := readHeader(r)
		switch {
		case errors.Is(err, errNoHeader):
			rest, _ := io.ReadAll(r)
			if got := append(head, rest...); !bytes.Equal(got, sent) {
				t.Errorf("%q became %q", sent, got)
			}
		case err == nil && (a.client == nil) != (a.server == nil):
			t.Errorf("%v", a)
		case err == nil && a.client != nil && !a.client.AddrPort().Addr().IsValid():
			t.Errorf("no address: %v", a)
		}
	})
}
