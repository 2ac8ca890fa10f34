package sshd

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/iotest"
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
		c := &burstConn{Conn: inner, pool: &sync.Pool{}}
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
		if name == "full" && inner.calls > 20 {
			t.Errorf("%d read calls for 3 MiB", inner.calls)
		}
		if c.hot || c.buf != nil {
			t.Errorf("%s: an idle connection keeps its buffer", name)
		}
	}
}
