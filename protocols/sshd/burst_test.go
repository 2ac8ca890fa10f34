package sshd

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"testing/iotest"
	"time"
)

type readerConn struct {
	net.Conn
	io.Reader
	calls int
}

func (c *readerConn) Read(p []byte) (int, error) { c.calls++; return c.Reader.Read(p) }

func TestBurstConn(t *testing.T) {
	sent := make([]byte, 3<<20)
	for i := range sent {
		sent[i] = byte(rand.Uint32())
	}
	for name, r := range map[string]io.Reader{
		"full": bytes.NewReader(sent), "half": iotest.HalfReader(bytes.NewReader(sent)), "byte": iotest.OneByteReader(bytes.NewReader(sent[:9999])),
	} {
		inner := &readerConn{Reader: r}
		c := newBurstConn(inner, &sync.Pool{})
		var got []byte
		p := make([]byte, 70_000)
		for {
			n, err := c.Read(p[:1+rand.IntN(len(p))])
			got = append(got, p[:n]...)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(got, sent[:len(got)]) || len(got) < 9999 {
			t.Errorf("%s: %d bytes differ from what was sent", name, len(got))
		}
		if name == "full" && inner.calls > 30 {
			t.Errorf("%d read calls for 3 MiB", inner.calls)
		}
		if c.buf != nil {
			t.Errorf("%s: an idle connection keeps its buffer", name)
		}
	}
}

// TestBurstThenSilence: a client that sends a lot and then nothing holds no
// buffer while it is waited for.
func TestBurstThenSilence(t *testing.T) {
	if !canReadReady {
		t.Skip("this system does not tell when there is something to read")
	}
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
	const size = 1 << 20
	if err := server.(*net.TCPConn).SetReadBuffer(size); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		if _, err := client.Write(make([]byte, size)); err != nil {
			t.Error(err)
		}
	})
	c := newBurstConn(server, &sync.Pool{})
	if _, err := io.ReadFull(c, make([]byte, burstFrom)); err != nil {
		t.Fatal(err)
	}
	if !c.hot {
		t.Fatal("a full read makes no difference")
	}
	if _, err := io.ReadFull(iotest.OneByteReader(c), make([]byte, size-burstFrom)); err != nil {
		t.Fatal(err)
	}
	if c.buf != nil {
		t.Error("the buffer is not given back with its last byte")
	}
	c.hot = true
	if err := server.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 10)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("silence: %d, %v", n, err)
	}
	if c.buf != nil {
		t.Error("a buffer is held while nothing comes")
	}
	if err := server.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	c.hot = true
	client.Close()
	if n, err := c.Read(make([]byte, 10)); n != 0 || err != io.EOF {
		t.Errorf("end: %d, %v", n, err)
	}
}
