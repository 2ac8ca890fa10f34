package sshd_test

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"sftpgo/actions"
)

// typed runs lines in a channel without a command, and returns what came back and
// the exit status.
func (r *rig) typed(client *ssh.Client, in string, terminal bool) (stdout, stderr string, code int) {
	r.t.Helper()
	s, err := client.NewSession()
	must(r.t, err)
	defer s.Close()
	if terminal && s.RequestPty("xterm", 24, 80, nil) == nil {
		r.t.Error("a terminal is granted")
	}
	var out, errOut strings.Builder
	s.Stdin, s.Stdout, s.Stderr = strings.NewReader(in), &out, &errOut
	must(r.t, s.Shell())
	if err := s.Wait(); err != nil {
		exit, ok := err.(*ssh.ExitError)
		if !ok {
			r.t.Fatalf("no exit status: %v", err)
		}
		code = exit.ExitStatus()
	}
	return out.String(), errOut.String(), code
}

// TestShellGreeting: only who asks for a terminal, as people do, is told what this
// is.
func TestShellGreeting(t *testing.T) {
	r := start(t)
	out, stderr, code := r.typed(r.dial(), "pwd\nhelp\nexit\n", true)
	if !strings.HasPrefix(out, "/\n") || !strings.Contains(out, " md5sum ") || code != 0 || !strings.HasPrefix(stderr, "This is no shell.") {
		t.Errorf("out %q, stderr %q, status %d", out, stderr, code)
	}
	if out, stderr, code := r.typed(r.dial(), "false\n", false); out != "" || stderr != "" || code != 1 {
		t.Errorf("out %q, stderr %q, status %d", out, stderr, code)
	}
}

// TestShellCommands: of the SSH commands the lines have those that are enabled and
// start no program.
func TestShellCommands(t *testing.T) {
	r := start(t, func(s *setup) { s.cfg.EnabledSSHCommands = []string{"scp", "sha1sum", "rsync", "git-upload-pack"} })
	r.write("f", "abc")
	out, stderr, code := r.typed(r.dial(), "sha1sum f\nmd5sum f\nrsync --server . f\ngit-upload-pack /\nsftpgo-copy f g\n", false)
	if want := "md5sum: command not found\nrsync: command not found\ngit-upload-pack: command not found\n" +
		"sftpgo-copy: command not found\n"; out != abcSHA1+"  /f\n" || stderr != want || code != 127 {
		t.Errorf("out %q, stderr %q, status %d", out, stderr, code)
	}
	got := r.commandEvents()
	if len(got) != 1 || got[0] != (commandEvent{"sha1sum", "~/f", "", actions.StatusOK}) {
		t.Errorf("events %+v", got)
	}
}

// TestShellRules: the lines have no way around permissions, filters and quota.
func TestShellRules(t *testing.T) {
	r := start(t, func(s *setup) {
		s.user.QuotaSize = 10
		s.user.Permissions = map[string][]string{"/": {"list", "download"}, "/in": {"list", "upload", "create_dirs"}}
	})
	r.write("f", "abc")
	r.write("in/old", "12345")
	in := "rm -rf f in/old\nmv f in/g\nmv in/old in/new\ncp f in/g\ncp in/old in/x\nmkdir d in/d\nchmod 777 f\nchown 0 f\nln -s f l\nln f in/l\n" +
		"rmdir in/d\ncp -r in/d in/e\nchmod -R 777 in\nscp -t in/h\nC0644 8 h\n12345678\x00\x02\necho $?\n"
	out, stderr, _ := r.typed(r.dial(), in, false)
	want := `rm: f: permission denied
rm: in/old: permission denied
mv: f: permission denied
mv: in/old: permission denied
cp: in/old: permission denied
mkdir: d: permission denied
chmod: f: permission denied
chown: f: permission denied
ln: l: permission denied
ln: in/l: permission denied
rmdir: in/d: permission denied
cp: in/d: permission denied
chmod: in: permission denied
`
	if stderr != want || out != "\x00\x00\x01scp: /in/h: quota exceeded\n1\n" {
		t.Errorf("out %q, stderr %q; want %q", out, stderr, want)
	}
	if r.read("in/g") != "abc" || r.read("f") != "abc" {
		t.Error("the copy that is allowed is not there")
	}
}

// TestShellForced: whoever may run one command only has no lines, not even where
// that is scp.
func TestShellForced(t *testing.T) {
	ca, _ := newKey(t)
	r := startWithAccounts(t, ca, nil)
	r.put(username, nil)
	for _, command := range []string{"scp", "scp -t /in", "internal-sftp", "pwd"} {
		client := r.dial(func(cfg *ssh.ClientConfig) {
			cfg.Auth = []ssh.AuthMethod{ssh.PublicKeys(certificate(t, ca, r.key, func(cert *ssh.Certificate) {
				cert.CriticalOptions["force-command"] = command
			}))}
		})
		out, stderr, code := r.typed(client, "pwd\n", false)
		if out != "" || !strings.Contains(stderr, "does not admit") || code != 1 {
			t.Errorf("%q: out %q, stderr %q, status %d", command, out, stderr, code)
		}
	}
}

// TestShellRecheck: an account that was closed after the login gets no lines.
func TestShellRecheck(t *testing.T) {
	r := start(t)
	client := r.dial()
	r.logins.mu.Lock()
	r.logins.closed = true
	r.logins.mu.Unlock()
	if out, stderr, code := r.typed(client, "pwd\n", false); out != "" || stderr != "login refused\n" || code != 1 {
		t.Errorf("out %q, stderr %q, status %d", out, stderr, code)
	}
}

// TestShellStop: lines that wait keep the server from nothing when it stops.
func TestShellStop(t *testing.T) {
	r := start(t)
	l := r.lines(t)
	l.do("pwd")
	began := time.Now()
	r.stop()
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("stopping took %v", took)
	}
}

// TestShellClosedWindow: a client that takes no answer does not keep the server
// from stopping.
func TestShellClosedWindow(t *testing.T) {
	r := start(t)
	c := r.rawClient(t, "login")
	must(t, c.message(msgChannelOpen, struct {
		Type                string
		ID, Window, MaxSize uint32
	}{"session", 0, 0, 32 << 10}))
	if _, err := c.await(msgChannelOpened); err != nil {
		t.Fatal(err)
	}
	must(t, c.message(msgChannelRequest, struct {
		ID        uint32
		Type      string
		WantReply bool
	}{0, "shell", true}))
	if _, err := c.await(msgChannelSuccess); err != nil {
		t.Fatal(err)
	}
	must(t, c.message(msgChannelData, struct {
		ID   uint32
		Data string
	}{0, "mkdir d\nhelp\nrm -r -f d\n"}))
	eventually(t, "the first line is carried out", func() bool {
		_, err := os.Stat(filepath.Join(r.home, "d"))
		return err == nil
	})
	r.stop() // fails the test if it takes too long
	c.ended(t)
	if _, err := os.Stat(filepath.Join(r.home, "d")); err != nil {
		t.Error("went on without its client")
	}
}

// TestShellOpenSSH: ssh of OpenSSH with lines on its standard input.
func TestShellOpenSSH(t *testing.T) {
	r := start(t)
	r.write("dir/f", "abc")
	out, stderr, err := r.client("ssh", "pwd\nls -la\ncd dir\nls -1\nnone\ntrue\n", "-T", host)
	if err != nil || !strings.HasPrefix(out, "/\ntotal ") || !strings.HasSuffix(out, " dir\nf\n") ||
		stderr != "none: command not found\n" {
		t.Errorf("%v\n%s\n%s", err, out, stderr)
	}
}

// TestShellPlink: PuTTY's plink asks for a terminal, goes on without, and passes
// lines on.
func TestShellPlink(t *testing.T) {
	plink, err := exec.LookPath("plink")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("plink is not installed")
		}
		t.Skip("plink is not installed")
	}
	r := start(t)
	r.write("dir/f", "abc")
	_, port, err := net.SplitHostPort(r.addr)
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, plink, "-batch", "-ssh", "-P", port, "-pw", password,
		"-hostkey", ssh.FingerprintSHA256(r.hostKey), host)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	cmd.Stdin = strings.NewReader("cd dir\r\npwd\r\nmd5sum f\r\nrm f\r\n")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if want := "/dir\n" + abcMD5 + "  /dir/f\n"; err != nil || string(out) != want || !strings.Contains(stderr.String(), "This is no shell.") {
		t.Errorf("%v, out %q, stderr %q", err, out, &stderr)
	}
	if _, err := os.Stat(filepath.Join(r.home, "dir/f")); !os.IsNotExist(err) {
		t.Errorf("not removed: %v", err)
	}
}

// TestShellLoses: when scp ends in the middle of a file, what follows is data and
// not a line.
func TestShellLoses(t *testing.T) {
	r := start(t, func(s *setup) { s.user.QuotaSize = 10 })
	r.write("f", "abc")
	l := r.lines(t)
	l.send("scp -t /big ; rm f\nC0644 99999999999 big\n")
	// The server may stop reading at any time.
	_, _ = io.WriteString(l.in, strings.Repeat("rm -r -f /f\n", 20_000))
	if code := l.leave(); code != 1 || r.read("f") != "abc" {
		t.Errorf("status %d", code)
	}
}
