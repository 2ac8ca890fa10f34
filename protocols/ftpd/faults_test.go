package ftpd_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/protocols"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// command is a way to reach an operation of the storage from FTP.
type command struct {
	name, op string
	run      func(c *conn) (int, string)
}

func commands() []command {
	transfer := func(cmd string) func(c *conn) (int, string) {
		return func(c *conn) (int, string) {
			d := c.data("%s", cmd)
			defer d.Close()
			code, text, _ := c.text.ReadResponse(0)
			return code, text
		}
	}
	simple := func(cmds ...string) func(c *conn) (int, string) {
		return func(c *conn) (int, string) {
			for _, cmd := range cmds[:len(cmds)-1] {
				c.reply("%s", cmd)
			}
			return c.reply("%s", cmds[len(cmds)-1])
		}
	}
	upload := func(c *conn) (int, string) { return c.put("content", "STOR new") }
	return []command{
		{"SIZE", "stat", simple("SIZE file")},
		{"CWD", "stat", simple("CWD dir")},
		{"MKD", "mkdir", simple("MKD new")},
		{"DELE", "remove", simple("DELE file")},
		{"RMD", "remove", simple("RMD dir")},
		{"RNTO", "rename", simple("RNFR file", "RNTO new")},
		{"NLST", "list", transfer("NLST")},
		{"RETR", "open", transfer("RETR file")},
		{"STOR", "open", transfer("STOR new")},
		{"STOR, data", "readfrom", upload},
		{"STOR, end", "commit", upload},
	}
}

// TestReplies walks through the table of failures and lists which of its cells
// are reached from where.
func TestReplies(t *testing.T) {
	const secret = "/srv/secret/path"
	failures := []struct {
		name string
		err  error
	}{
		{"denied", actions.ErrDenied}, {"quota", session.ErrQuota}, {"no space", vfs.ErrNoSpace}, {"name", vfs.ErrName},
		{"too many", session.ErrTooMany}, {"is dir", vfs.ErrIsDir}, {"not dir", vfs.ErrNotDir}, {"not empty", vfs.ErrNotEmpty},
		{"busy", vfs.ErrBusy}, {"unsupported", vfs.ErrUnsupported}, {"unavailable", vfs.ErrUnavailable},
		{"store unavailable", dataprovider.ErrUnavailable}, {"not exist", vfs.ErrNotExist}, {"exist", vfs.ErrExist},
		{"permission", vfs.ErrPermission}, {"closed", session.ErrClosed}, {"internal", errors.New("disk on fire")},
	}
	f := &faults{}
	s := start(t, options{factory: f.wrap})
	s.write(t, "file", "x")
	if err := os.Mkdir(s.path("dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, fail := range failures {
		want := protocols.StatusOf(fail.err)
		var reached []string
		var others []string
		for _, cmd := range commands() {
			c := login(t, s)
			f.set(cmd.op, fmt.Errorf("%s: %w", secret, fail.err), false)
			code, text := cmd.run(c)
			f.set("", nil, false)
			if code == want.FTP && text == want.Text {
				reached = append(reached, cmd.name)
			} else {
				others = append(others, fmt.Sprintf("%s: %d %s", cmd.name, code, text))
			}
			if strings.Contains(text, "secret") {
				t.Errorf("%s, %s: %q shows a path of the host", fail.name, cmd.name, text)
			}
			c.tcp.Close()
		}
		fmt.Fprintf(&out, "%s: %d %s\n\treached by: %s\n", fail.name, want.FTP, want.Text, strings.Join(reached, "; "))
		if len(others) > 0 {
			fmt.Fprintf(&out, "\tnot by: %s\n", strings.Join(others, "; "))
		}
	}
	golden := filepath.Join("testdata", "replies.golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("replies changed, see -update: %s", diff)
	}
}

// A panic in the storage ends the client that met it and no other.
func TestPanicEndsOneClient(t *testing.T) {
	f := &faults{}
	s := start(t, options{factory: f.wrap})
	s.write(t, "file", "x")
	if err := os.Mkdir(s.path("dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	other := login(t, s)
	cmds := append(commands(), command{"RETR, data", "descriptor", func(c *conn) (int, string) {
		d := c.data("RETR file")
		defer d.Close()
		c.expect(150)
		code, text, _ := c.text.ReadResponse(0)
		return code, text
	}})
	for _, cmd := range cmds {
		t.Run(cmd.name, func(t *testing.T) {
			c := login(t, s)
			f.set(cmd.op, nil, true)
			code, text := cmd.run(c)
			f.set("", nil, false)
			// The farewell may overtake the reply, and so may the end.
			if code != 451 && code != 421 && code != 0 || strings.Contains(text, "secret") {
				t.Errorf("reply %d %q", code, text)
			}
			for { // at most a farewell
				line, err := c.text.ReadLine()
				if err != nil {
					break
				}
				if !strings.HasPrefix(line, "421 ") && !strings.HasPrefix(line, "451 ") {
					t.Errorf("after a panic: %q", line)
				}
			}
			other.cmd(213, "SIZE file")
		})
	}
}

// Clear text goes from file to socket and back without a buffer of ours: the
// storage sees neither Read nor Write, but is asked for its descriptor, and is
// given the connection.
func TestZeroCopy(t *testing.T) {
	f := &faults{}
	s := start(t, options{factory: f.wrap, tls: true})
	content := strings.Repeat("0123456789abcdef", 1<<20) // 16 MiB
	c := login(t, s)
	c.stor(content, "STOR a")
	if f.counted("write") != 0 || f.counted("splice") < 4 {
		t.Errorf("upload: %d times Write, %d times ReadFrom of the connection", f.counted("write"), f.counted("splice"))
	}
	if got := c.get("RETR a"); got != content {
		t.Errorf("fetched %d bytes", len(got))
	}
	if f.counted("read") != 0 || f.counted("descriptor") < 4 {
		t.Errorf("download: %d times Read, %d times the descriptor", f.counted("read"), f.counted("descriptor"))
	}

	// The counters do count: with TLS there is no such way.
	secure := dial(t, s)
	secure.authTLS(s.trust(t))
	secure.login()
	spliced := f.counted("splice")
	secure.stor(content, "STOR b")
	if got := secure.get("RETR b"); got != content {
		t.Errorf("fetched %d bytes over TLS", len(got))
	}
	if f.counted("read") == 0 || f.counted("splice") != spliced {
		t.Errorf("TLS: %d times Read, %d times ReadFrom of the connection", f.counted("read"), f.counted("splice")-spliced)
	}
}
