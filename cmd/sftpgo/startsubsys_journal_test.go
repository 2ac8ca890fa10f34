package main

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// fakeJournal returns the socket of a journald and what it gets.
func fakeJournal(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	switch {
	case err != nil && runtime.GOOS == "windows":
		t.Skip("no datagram sockets here:", err)
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

func journalRecord(t *testing.T, c *net.UnixConn) string {
	t.Helper()
	buf := make([]byte, 1<<20)
	n, err := c.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

func TestJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	daemon := fakeJournal(t, path)
	j, err := openJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	defer j.close()
	log := slog.New(newJournalHandler(j, slog.LevelInfo)).With("sender", "x", "connection_id", "1")
	for _, tt := range []struct {
		level slog.Level
		want  string
	}{
		{slog.LevelInfo, "6"}, {slog.LevelWarn, "4"}, {slog.LevelError, "3"}, {slog.LevelError + 4, "3"},
	} {
		log.Debug("not at this level")
		log.Log(t.Context(), tt.level, "a\nb")
		got := journalRecord(t, daemon)
		if !strings.HasPrefix(got, "SYSLOG_IDENTIFIER=sftpgo\nPRIORITY="+tt.want+"\nMESSAGE={\"level\":") ||
			!strings.HasSuffix(got, `"sender":"x","connection_id":"1","message":"a\nb"}`+"\n") || strings.Count(got, "\n") != 3 {
			t.Errorf("level %v: %q", tt.level, got)
		}
	}
	log.Error(strings.Repeat("x", 1<<20))
	if n := len(journalRecord(t, daemon)); n < journalLimit || n > journalLimit+100 {
		t.Errorf("a long record has %d bytes", n)
	}
}

// journald is restarted under the feet of long sessions.
func TestJournalConnectsAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	daemon := fakeJournal(t, path)
	j, err := openJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	defer j.close()
	daemon.Close()
	if err := j.send('6', []byte("lost")); err == nil {
		t.Error("nobody is there, and no error")
	}
	if err := os.Remove(path); err != nil { // closing leaves the name
		t.Fatal(err)
	}
	daemon = fakeJournal(t, path)
	if err := j.send('6', []byte("found\n")); err != nil {
		t.Fatal(err)
	}
	if got := journalRecord(t, daemon); !strings.HasSuffix(got, "MESSAGE=found\n") {
		t.Errorf("%q", got)
	}
}
