package ftpd_test

import (
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Clients that open transfers and then neither read nor write cost a file and a
// little memory each; others go on, and the server can stop.
func TestStalledTransfers(t *testing.T) {
	s := start(t, options{})
	s.write(t, "big", strings.Repeat("x", 64<<20))
	s.write(t, "small", "content")
	for i := range 100 {
		s.write(t, "many/"+strings.Repeat("n", 200)+string(rune('a'+i%26))+strings.Repeat("m", i%26), "")
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const clients = 40
	var stalled []net.Conn
	for i := range clients {
		c := login(t, s)
		cmd := "RETR big"
		if i%2 == 1 {
			cmd = "STOR stalled" + string(rune('a'+i))
		}
		d := c.data("%s", cmd)
		c.expect(150)
		_, _ = d.Write([]byte("x")[:i%2])
		stalled = append(stalled, d)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > clients*1<<20 {
		t.Errorf("%d stalled clients hold %d KiB", clients, grown>>10)
	}
	begun := time.Now()
	c := login(t, s)
	for range 10 {
		if got := c.get("RETR small"); got != "content" {
			t.Fatalf("fetched %q", got)
		}
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("another client took %v", took)
	}
	s.shutdown(t)
	for _, d := range stalled {
		d.Close()
	}
}

// What is no FTP ends the connection or is answered, and never harms anybody.
func TestHostileControl(t *testing.T) {
	s := start(t, options{cfg: everything})
	s.write(t, "a", "content")
	for name, bytes := range map[string]string{
		"HTTP":              "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"HTTP in FTP":       "USER " + testUser + "\r\nPUT /a HTTP/1.1\r\n\r\nDELE a\r\n",
		"HTTP/2":            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"long lines":        strings.Repeat(strings.Repeat("A", 100_000)+"\r\n", 3),
		"no line":           strings.Repeat("A", 1<<20),
		"nulls":             strings.Repeat("\x00", 5000) + "\r\n",
		"telnet":            strings.Repeat("\xff\xf4\xff\xf2", 500) + "\r\n",
		"TLS in clear text": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 600) + "\r\n",
		"formats":           "%s%n%d\r\nUSER %s\r\nPASS %x\r\n",
		"turn":              "SITE\r\nSITE HELP\r\nRETR /\x00\r\nSTOR /\x00\r\n",
	} {
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = io.WriteString(conn, bytes) // the server may close first
		if tcp := conn.(*net.TCPConn); tcp.CloseWrite() == nil {
			if _, err := io.Copy(io.Discard, conn); err != nil && strings.Contains(err.Error(), "timeout") {
				t.Errorf("%s: the connection goes on", name)
			}
		}
		conn.Close()
	}
	// The names that control gives to the library are nobody else's.
	c := login(t, s)
	for _, cmd := range []string{"RETR /\x00", "STOR /\x00", "APPE \x00", "SIZE /\x00", "LIST \x00", "HASH \x00", "MLST \x00", "STOU \x00"} {
		code, _ := c.reply("%s", cmd)
		if code == 150 {
			t.Fatalf("%q is served", cmd)
		}
		if code != 553 && code != 425 { // without a data connection nobody looks at a name
			t.Errorf("%q: %d", cmd, code)
		}
	}
	if got := c.get("RETR a"); got != "content" {
		t.Errorf("fetched %q", got)
	}
}
