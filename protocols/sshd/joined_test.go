package sshd

import (
	"bufio"
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
)

// writtenConn keeps what is written, call by call.
type writtenConn struct {
	net.Conn
	calls [][]byte
}

func (c *writtenConn) Write(p []byte) (int, error) {
	c.calls = append(c.calls, bytes.Clone(p))
	return len(p), nil
}

// TestJoinedConnLosesNothing writes packets of all sizes in the way of the SSH
// transport.
func TestJoinedConnLosesNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	c := &joinedConn{Conn: server, out: server, pool: &sync.Pool{}}
	c.unambiguous.Store(true)
	w := bufio.NewWriterSize(c, transportBuffer)
	packet := make([]byte, 40_000)
	for i := range packet {
		packet[i] = byte(rand.Uint32())
	}
	got := make([]byte, len(packet))
	for size := 20; size < len(packet); size += 16 {
		n := 4
		for _, part := range [][]byte{packet[:n], packet[n:size]} { // as the cipher: the length, and the rest
			if _, err := w.Write(part); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if c.first != nil {
			t.Fatalf("something of a packet of %d bytes is kept", size)
		}
		if _, err := io.ReadFull(client, got[:size]); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got[:size], packet[:size]) {
			t.Fatalf("a packet of %d bytes has changed", size)
		}
	}
}

// TestJoinedConnKeepsNothingOfOtherCiphers: where a write that fills the buffer may
// be a whole packet, it goes out.
func TestJoinedConnKeepsNothingOfOtherCiphers(t *testing.T) {
	out := &writtenConn{}
	c := &joinedConn{out: out, pool: &sync.Pool{}}
	p := make([]byte, transportBuffer)
	if n, err := c.Write(p); n != len(p) || err != nil || len(out.calls) != 1 {
		t.Errorf("wrote %d, %v, in %d calls", n, err, len(out.calls))
	}
	c.unambiguous.Store(true)
	if n, err := c.Write(p); n != len(p) || err != nil || len(out.calls) != 1 {
		t.Errorf("wrote %d, %v, in %d calls", n, err, len(out.calls))
	}
	if n, err := c.Write(p[:100]); n != 100 || err != nil || len(out.calls) != 3 {
		t.Errorf("wrote %d, %v, in %d calls", n, err, len(out.calls))
	}
	// Each part is a call of its own here: this is no TCP connection.
	if got := len(out.calls[1]) + len(out.calls[2]); got != transportBuffer+100 {
		t.Errorf("%d bytes", got)
	}
}

// TestOddSizedPackets holds the list against what the SSH library writes: no packet
// under such a cipher is as long as its buffer.
func TestOddSizedPackets(t *testing.T) {
	for _, name := range append(ssh.SupportedAlgorithms().Ciphers, ssh.InsecureAlgorithms().Ciphers...) {
		want := name == ssh.CipherAES128GCM || name == ssh.CipherAES256GCM || name == ssh.CipherChaCha20Poly1305
		if got := oddSized([]string{ssh.CipherAES128GCM, name}); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
