//go:build unix

package sqlstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/pgtest"
	"sftpgo/dataprovider/sqlstore"
)

// lossy stands before PostgreSQL, and can keep the answer to a COMMIT to itself.
type lossy struct {
	port    int // of PostgreSQL
	armed   atomic.Bool
	running sync.WaitGroup
}

// start returns the port of the proxy, which ends with the test.
func (p *lossy) start(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.running.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.running.Wait()
	})
	return l.Addr().(*net.TCPAddr).Port
}

func (p *lossy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.port))
	if err != nil {
		return
	}
	defer server.Close()
	var silent atomic.Bool
	p.running.Go(func() {
		defer client.Close()
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			if n > 0 && silent.Load() || err != nil {
				return // PostgreSQL has answered, and nobody hears of it
			}
			if _, err := client.Write(buf[:n]); err != nil {
				return
			}
		}
	})
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		if bytes.Contains(buf[:n], []byte("COMMIT")) && p.armed.CompareAndSwap(true, false) {
			silent.Store(true)
		}
		if _, err := server.Write(buf[:n]); err != nil {
			return
		}
		if silent.Load() {
			_, _ = io.Copy(io.Discard, client) // until the other side closes it
			return
		}
	}
}

// An intention of which the answer was lost is none: its caller was told so, and nobody
// takes it for something that was interrupted, however much later.
func TestPostgresLostAnswer(t *testing.T) {
	server := pgtest.Start(t)
	proxy := &lossy{port: server.Port}
	direct := server.Schema(t)
	url := strings.Replace(direct, fmt.Sprintf("port=%d", server.Port), fmt.Sprintf("port=%d", proxy.start(t)), 1) + " sslmode=disable"
	s := openPostgres(t, sqlstore.Postgres{ConnectionString: url, Server: true})
	begun := 0
	for start := time.Now(); ; begun++ {
		proxy.armed.Store(true)
		_, err := s.Outbox().Begin(t.Context(), []byte("record"))
		proxy.armed.Store(false)
		if errors.Is(err, dataprovider.ErrUnavailable) {
			break // else another transaction has lost its answer
		}
		if time.Since(start) > time.Minute {
			t.Fatalf("no answer was lost: %v", err)
		}
	}
	for start := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		var there int
		server.Query(t, direct, "SELECT count(*) FROM outbox_pending", &there)
		if there == begun {
			return
		}
		if time.Since(start) > 30*time.Second {
			t.Fatalf("%d intentions are there, %d were begun", there, begun)
		}
	}
}
