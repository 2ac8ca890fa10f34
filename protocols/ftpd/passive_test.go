package ftpd

import (
	"fmt"
	"io"
	"net"
	"testing"
	"time"
)

func TestLineConn(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	peer, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := passiveListener{}.buffered(conn).(*lineConn)
	if err := c.Flush(); err != nil || c.w != nil {
		t.Errorf("Flush of nothing: %v", err)
	}
	want := ""
	for i := range 100 {
		line := fmt.Sprintf("line %d\r\n", i)
		want += line
		if _, err := io.WriteString(c, line); err != nil {
			t.Fatal(err)
		}
	}
	_ = peer.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if n, err := peer.Read(make([]byte, 1)); n > 0 {
		t.Errorf("a line was sent by itself (%v)", err)
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	c.Close()
	_ = peer.SetReadDeadline(time.Time{})
	if got, err := io.ReadAll(peer); string(got) != want {
		t.Errorf("peer got %q, %v", got, err)
	}
	if _, ok := (passiveListener{secure: true}).buffered(conn).(*net.TCPConn); !ok {
		t.Error("TLS would be written into a buffer that nobody flushes")
	}
}
