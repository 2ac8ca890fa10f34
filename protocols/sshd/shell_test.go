package sshd_test

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"sftpgo/actions"
)

// end is how WinSCP frames each command.
const end = ` ; echo "WinSCP: this is end-of-file:$?"`

// lines is a client of the shell that speaks line by line, as WinSCP does.
type lines struct {
	t   *testing.T
	in  io.WriteCloser
	out *bufio.Reader
	err bytes.Buffer
	s   *ssh.Session
}

func (r *rig) lines(t *testing.T) *lines {
	t.Helper()
	s, err := r.dial().NewSession()
	must(t, err)
	t.Cleanup(func() { s.Close() })
	l := &lines{t: t, s: s}
	l.in, err = s.StdinPipe()
	must(t, err)
	out, err := s.StdoutPipe()
	must(t, err)
	l.out = bufio.NewReader(out)
	s.Stderr = &l.err
	must(t, s.Shell())
	return l
}

// do sends one framed command and returns what came back and the status.
func (l *lines) do(command string) (out, status string) {
	l.t.Helper()
	l.send(command + end + "\n")
	return l.answer()
}

func (l *lines) answer() (out, status string) {
	l.t.Helper()
	for {
		line, err := l.out.ReadString('\n')
		if err != nil {
			l.t.Fatalf("after %q: %v", out, err)
		}
		if before, code, ok := strings.Cut(line, "WinSCP: this is end-of-file:"); ok {
			return out + before, strings.TrimSuffix(code, "\n")
		}
		out += line
	}
}

func (l *lines) send(text string) {
	l.t.Helper()
	_, err := io.WriteString(l.in, text)
	must(l.t, err)
}

// expect reads just these bytes.
func (l *lines) expect(want string) {
	l.t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(l.out, got); err != nil || string(got) != want {
		l.t.Fatalf("got %q, %v; want %q", got[:n], err, want)
	}
}

// leave ends the input and returns the exit status.
func (l *lines) leave() int {
	l.t.Helper()
	l.in.Close()
	err := l.s.Wait()
	if exit, ok := err.(*ssh.ExitError); ok {
		return exit.ExitStatus()
	}
	must(l.t, err)
	return 0
}

// TestShellWinSCPLogin is the beginning of a session of WinSCP 6.0 with the file
// protocol SCP, from a session log in a public issue thread about another server.
// That it looks for the variable with the status and unsets those of the language
// is in its documentation (ui_login_scp); $status is what scponly knows of it.
func TestShellWinSCPLogin(t *testing.T) {
	r := start(t)
	l := r.lines(t)
	l.send("echo \"WinSCP: this is end-of-file:0\"\n")
	if out, status := l.answer(); out != "" || status != "0" {
		t.Errorf("startup message: %q, %s", out, status)
	}
	for _, c := range []struct{ command, out, status string }{
		{`echo "$status"`, "0\n", "0"},
		{`echo "$?"`, "0\n", "0"},
		{"printenv LANG", "C.UTF-8\n", "0"},
		{`unalias "ls"`, "", "0"},
		{`unalias "echo"`, "", "0"},
		{`unalias "groups"`, "", "0"},
		{"unset LANG", "", "0"},
		{"unset LC_ALL", "", "0"},
		{"export LC_ALL=C", "", "0"},
		{"groups", "alice\n", "0"},
		{"pwd", "/\n", "0"},
		{"uname", "", "127"},
		{`cd "/none"`, "", "1"},
		{"pwd", "/\n", "0"},
	} {
		if out, status := l.do(c.command); out != c.out || status != c.status {
			t.Errorf("%s: %q, %s; want %q, %s", c.command, out, status, c.out, c.status)
		}
	}
	if code := l.leave(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	if want := "uname: command not found\ncd: /none: no such file or directory\n"; l.err.String() != want {
		t.Errorf("stderr %q; want %q", &l.err, want)
	}
}

// TestShellWinSCPDay does with the commands that winscp.net/eng/docs/requirements
// names what a panel of WinSCP does: list, upload, download, rename, duplicate,
// change properties, link, remove. The marker for the beginning is what scponly
// knows of WinSCP, the options of scp and ls are those that Apache MINA SSHD takes
// from it. That a fatal message ends an upload follows from the protocol: nothing
// else ends it while the stream goes on.
func TestShellWinSCPDay(t *testing.T) {
	r := start(t, everyCommand)
	l := r.lines(t)
	ok := func(command, want string) {
		t.Helper()
		if out, status := l.do(command); out != want || status != "0" {
			t.Errorf("%s: %q, status %s, stderr %q; want %q", command, out, status, &l.err, want)
		}
	}
	ok(`mkdir "a dir"`, "")
	ok(`cd "/a dir"`, "")
	ok("pwd", "/a dir\n")

	// Upload: a marker for the beginning, then scp on the same streams. A client that
	// has nothing more to send says so with a fatal message.
	l.send(`echo "WinSCP: this is begin-of-file" ; scp -r -p -d -t "/a dir"` + end + "\n")
	l.expect("WinSCP: this is begin-of-file\n\x00")
	l.send("T1600000000 0 1600000000 0\n")
	l.expect("\x00")
	l.send("C0640 8 ls -la;\n")
	l.expect("\x00")
	l.send("rm -r *\n\x00")
	l.expect("\x00")
	l.send("D0750 0 sub\n")
	l.expect("\x00")
	l.send("C0644 0 empty\n")
	l.expect("\x00")
	l.send("\x00")
	l.expect("\x00")
	l.send("E\n")
	l.expect("\x00")
	l.send("\x02done\n")
	if out, status := l.answer(); out != "" || status != "1" {
		t.Errorf("after the upload: %q, %s", out, status)
	}
	if got := r.read("a dir/ls -la;"); got != "rm -r *\n" {
		t.Errorf("uploaded %q", got)
	}

	// Download: the next line is read right after the last answer.
	l.send("scp -r -p -f \"ls -la;\"" + end + "\n\x00")
	l.expect("T1600000000 0 ")
	_, err := l.out.ReadString('\n')
	must(t, err)
	l.send("\x00")
	l.expect("C0640 8 ls -la;\n")
	l.send("\x00")
	l.expect("rm -r *\n\x00")
	l.send("\x00pwd\n")
	if out, status := l.answer(); out != "" || status != "0" {
		t.Errorf("after the download: %q, %s", out, status)
	}
	l.expect("/a dir\n")
	l.send("scp -f \"none\"" + end + "\n\x00")
	l.expect("\x01scp: /a dir/none: no such file or directory\n")
	if _, status := l.answer(); status != "1" {
		t.Errorf("missing file: %s", status)
	}

	ok(`mv "ls -la;" "new"`, "")
	ok(`mv "/a dir/new" "/a dir/sub"`, "")
	ok(`cp -p -r -f "/a dir/sub" "/a dir/copy"`, "")
	ok(`cp -p -r -f "/a dir/sub/new" "/a dir/copy/new"`, "")
	ok(`chmod -R 0700 "copy"`, "")
	ok(`chmod g+rX,u-x "copy/new"`, "")
	ok(`chown alice "copy"`, "")
	ok(`chgrp -R "alice" "copy"`, "")
	ok(`ln -s "sub/new" "link"`, "")
	ok(`md5sum "link"`, fmt.Sprintf("%x  /a dir/link\n", md5.Sum([]byte("rm -r *\n"))))
	want := `^total \d+
drwxr-xr-x 1 alice alice +\d+ \w{3} [ \d]\d \d\d:\d\d \.
drwxr-xr-x 1 alice alice +\d+ \w{3} [ \d]\d \d\d:\d\d \.\.
drwx------ 1 alice alice +\d+ \w{3} [ \d]\d \d\d:\d\d copy
lrwxrwxrwx 1 alice alice +7 \w{3} [ \d]\d \d\d:\d\d link -> sub/new
drwxr-x--- 1 alice alice +\d+ \w{3} [ \d]\d \d\d:\d\d sub
$`
	out, status := l.do("ls -la")
	if !regexp.MustCompile(want).MatchString(out) || status != "0" {
		t.Errorf("ls -la: %s\n%s", status, out)
	}
	written := time.Unix(1_600_000_000, 0).Format("2006-01-02 15:04:05.000000000 -0700")
	ok(`ls -la --full-time -d "/a dir/copy/new"`, "-rw-r-x--- 1 alice alice 8 "+written+" /a dir/copy/new\n")
	ok(`rm -r -f "copy"`, "")
	ok(`rm -f "link" "never"`, "")
	ok(`rm -f "new"`, "")
	if out, status := l.do("cat new | grep x"); out != "" || status != "2" {
		t.Errorf("a pipe: %q, %s", out, status)
	}
	l.send("exit 7 ; pwd\n")
	if code := l.leave(); code != 7 {
		t.Errorf("exit status %d", code)
	}

	var got []string
	kinds := []actions.Kind{
		actions.DeleteDone, actions.DownloadDone, actions.RenameDone, actions.SSHCommand, actions.UploadDone,
	}
	for _, e := range r.events() {
		if slices.Contains(kinds, e.Kind) {
			got = append(got, strings.Join([]string{string(e.Kind), e.Protocol, e.Name, e.Target}, "|"))
		}
	}
	slices.Sort(got) // of several files they come in no order
	if diff := cmp.Diff([]string{
		"delete.done|SCP|/a dir/copy/empty|",
		"delete.done|SCP|/a dir/copy/new|",
		"delete.done|SCP|/a dir/link|",
		"download.done|SCP|/a dir/ls -la;|",
		"download.done|SCP|/a dir/sub/new|", // what cp overwrites with
		"rename.done|SCP|/a dir/ls -la;|/a dir/new",
		"rename.done|SCP|/a dir/new|/a dir/sub/new",
		"ssh.cmd|SSH|/a dir/link|",
		"ssh.cmd|SSH|/a dir/sub/new|/a dir/copy/new",
		"ssh.cmd|SSH|/a dir/sub|/a dir/copy",
		"upload.done|SCP|/a dir/copy/new|",
		"upload.done|SCP|/a dir/ls -la;|",
		"upload.done|SCP|/a dir/sub/empty|",
	}, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
