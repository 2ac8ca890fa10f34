package sshd_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"sftpgo/actions"
)

// The digests of "abc", from the test vectors of RFC 1321 and FIPS 180.
const (
	abcMD5    = "900150983cd24fb0d6963f7d28e17f72"
	abcSHA1   = "a9993e364706816aba3e25717850c26c9cd0d89d"
	abcSHA256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	abcSHA384 = "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"
	abcSHA512 = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
	emptyMD5  = "d41d8cd98f00b204e9800998ecf8427e"
)

func everyCommand(s *setup) { s.cfg.EnabledSSHCommands = []string{"*"} }

// command is the part of the event of a command that matters.
type commandEvent struct {
	Command, Path, Target string
	Status                actions.Status
}

// commandEvents returns the events of commands since the last call, with paths
// whose home is "~".
func (r *rig) commandEvents() []commandEvent {
	r.t.Helper()
	list := []commandEvent{}
	for {
		deliveries, err := r.store.Outbox().Claim(r.t.Context(), target, 100, time.Minute)
		must(r.t, err)
		if len(deliveries) == 0 {
			return list
		}
		for _, d := range deliveries {
			var e actions.Event
			must(r.t, json.Unmarshal(d.Event, &e))
			if e.Kind == actions.SSHCommand {
				if e.Session.Protocol != "SSH" {
					r.t.Errorf("%s: protocol %s", e.Object.SSHCommand, e.Session.Protocol)
				}
				o := e.Object
				list = append(list, commandEvent{
					o.SSHCommand, r.short(o.Path), r.short(o.TargetPath), e.Result.Status,
				})
			}
			must(r.t, r.store.Outbox().Done(r.t.Context(), d.ID))
		}
	}
}

func (r *rig) short(path string) string {
	if path == "" {
		return ""
	}
	return "~" + strings.TrimPrefix(path, r.home)
}

func TestCommands(t *testing.T) {
	const (
		failed = actions.StatusError
		ok     = actions.StatusOK
		odd    = "with space, ünïcödé 文件"
	)
	tests := []struct {
		line, in    string
		out, stderr string
		event       commandEvent
	}{
		{"pwd", "", "/\n", "", commandEvent{"pwd", "", "", ok}},
		{"cd", "", "", "", commandEvent{"cd", "", "", ok}},
		{`cd "/d/no such"`, "", "", "", commandEvent{"cd", "~/d/no such", "", ok}},
		{"md5sum /d/abc", "", abcMD5 + "  /d/abc\n", "", commandEvent{"md5sum", "~/d/abc", "", ok}},
		{"sha1sum d/abc", "", abcSHA1 + "  /d/abc\n", "", commandEvent{"sha1sum", "~/d/abc", "", ok}},
		{"sha256sum d/../d//abc", "", abcSHA256 + "  /d/abc\n", "", commandEvent{"sha256sum", "~/d/abc", "", ok}},
		{"sha384sum -b /d/abc", "", abcSHA384 + "  /d/abc\n", "", commandEvent{"sha384sum", "~/d/abc", "", ok}},
		{"sha512sum --text -- /d/abc", "", abcSHA512 + "  /d/abc\n", "", commandEvent{"sha512sum", "~/d/abc", "", ok}},
		{"md5sum", "", emptyMD5 + "  -\n", "", commandEvent{"md5sum", "", "", ok}},
		{"md5sum -b -", "abc", abcMD5 + "  -\n", "", commandEvent{"md5sum", "", "", ok}},
		{
			"md5sum /d/abc -bt - /d/empty", "abc", abcMD5 + "  /d/abc\n" + abcMD5 + "  -\n" + emptyMD5 + "  /d/empty\n", "",
			commandEvent{"md5sum", "~/d/empty", "", ok},
		},
		{"md5sum '/d/" + odd + "'", "", abcMD5 + "  /d/" + odd + "\n", "", commandEvent{"md5sum", "~/d/" + odd, "", ok}},
		{`md5sum "/d/` + odd + `"`, "", abcMD5 + "  /d/" + odd + "\n", "", commandEvent{"md5sum", "~/d/" + odd, "", ok}},
		{
			"md5sum /d/" + strings.ReplaceAll(odd, " ", `\ `), "", abcMD5 + "  /d/" + odd + "\n", "",
			commandEvent{"md5sum", "~/d/" + odd, "", ok},
		},
		{"md5sum -- /d/-b", "", abcMD5 + "  /d/-b\n", "", commandEvent{"md5sum", "~/d/-b", "", ok}},
		// One line is one file, as in coreutils.
		{"md5sum '/d/a\nb\\'", "", `\` + abcMD5 + `  /d/a\nb\\` + "\n", "", commandEvent{"md5sum", "~/d/a\nb\\", "", ok}},

		{
			"md5sum /d/nope /d/abc", "", "md5sum: /d/nope no such file or directory\n" + abcMD5 + "  /d/abc\n",
			"md5sum: /d/nope: no such file or directory\n", commandEvent{"md5sum", "~/d/abc", "", failed},
		},
		{
			"md5sum /d", "", "md5sum: /d failure\n", "md5sum: /d: is a directory\n",
			commandEvent{"md5sum", "~/d", "", failed},
		},
		{
			"sha1sum /secret/abc", "", "sha1sum: /secret/abc permission denied\n", "sha1sum: /secret/abc: permission denied\n",
			commandEvent{"sha1sum", "~/secret/abc", "", failed},
		},
		{
			"md5sum ../../etc/passwd", "", "md5sum: /etc/passwd failure\n", "md5sum: /etc/passwd: name not allowed\n",
			commandEvent{"md5sum", "~/etc/passwd", "", failed},
		},
		{
			"md5sum -c /d/abc", "", "md5sum: /d/abc failure\n", "md5sum: unknown option -c\n",
			commandEvent{"md5sum", "~/d/abc", "", failed},
		},
		{
			"md5sum '/d/n\x1b[2J\ne'", "", "md5sum: /d/n?[2J?e no such file or directory\n", "md5sum: /d/n?[2J?e: no such file or directory\n",
			commandEvent{"md5sum", "~/d/n\x1b[2J\ne", "", failed},
		},

		{"sftpgo-copy /d/abc /d/copy", "", "OK\n", "", commandEvent{"sftpgo-copy", "~/d/abc", "~/d/copy", ok}},
		{"sftpgo-copy '/d/" + odd + "' /into/", "", "OK\n", "", commandEvent{"sftpgo-copy", "~/d/" + odd, "~/into/" + odd, ok}},
		{
			"sftpgo-copy /d/abc /d/empty", "", "sftpgo-copy: /d/empty failure\n", "sftpgo-copy: /d/empty: already exists\n",
			commandEvent{"sftpgo-copy", "~/d/abc", "~/d/empty", failed},
		},
		{
			"sftpgo-copy /d/abc /secret/abc2", "", "sftpgo-copy: /secret/abc2 permission denied\n",
			"sftpgo-copy: /secret/abc2: permission denied\n", commandEvent{"sftpgo-copy", "~/d/abc", "~/secret/abc2", failed},
		},
		{
			"sftpgo-copy /d/abc", "", "sftpgo-copy: /d/abc failure\n", "sftpgo-copy: usage: sftpgo-copy SOURCE TARGET\n",
			commandEvent{"sftpgo-copy", "~/d/abc", "", failed},
		},
		{"sftpgo-remove /d", "", "OK\n", "", commandEvent{"sftpgo-remove", "~/d", "", ok}},
		{
			"sftpgo-remove /", "", "sftpgo-remove: / permission denied\n", "sftpgo-remove: /: permission denied\n",
			commandEvent{"sftpgo-remove", "~", "", failed},
		},
		{
			"sftpgo-remove", "", "sftpgo-remove: failure\n", "sftpgo-remove: usage: sftpgo-remove PATH\n",
			commandEvent{"sftpgo-remove", "", "", failed},
		},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			r := start(t, everyCommand, func(s *setup) { s.user.Permissions["/secret"] = []string{"list"} })
			for _, name := range []string{"d/abc", "d/" + odd, "d/-b", "d/a\nb\\", "secret/abc"} {
				r.write(name, "abc")
			}
			r.write("d/empty", "")
			must(t, os.Mkdir(filepath.Join(r.home, "into"), 0o755))
			out, stderr, code := r.run(tt.line, tt.in)
			wantCode := 1
			if tt.event.Status == ok {
				wantCode = 0
			}
			if out != tt.out || stderr != tt.stderr || code != wantCode {
				t.Errorf("out %q, stderr %q, status %d; want %q, %q, %d", out, stderr, code, tt.out, tt.stderr, wantCode)
			}
			if diff := cmp.Diff([]commandEvent{tt.event}, r.commandEvents()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHashOfStandardInput(t *testing.T) {
	r := start(t)
	in := strings.Repeat("0123456789abcdef", 1<<16+1)
	sum := md5.Sum([]byte(in))
	if out, stderr, code := r.run("md5sum", in); out != hex.EncodeToString(sum[:])+"  -\n" || stderr != "" || code != 0 {
		t.Errorf("out %q, stderr %q, status %d", out, stderr, code)
	}
}

// A client that leaves before it has sent all does not make the event of a
// command that succeeded.
func TestClientLeavesACommand(t *testing.T) {
	r := start(t)
	client := r.dial()
	s, err := client.NewSession()
	must(t, err)
	in, err := s.StdinPipe()
	must(t, err)
	must(t, s.Start("md5sum"))
	// More than fits into the window, so that the command has begun to read.
	_, err = in.Write(bytes.Repeat([]byte("x"), 8<<20))
	must(t, err)
	must(t, client.Close())
	var got []commandEvent
	eventually(t, "the command ends", func() bool {
		got = append(got, r.commandEvents()...)
		return len(got) > 0
	})
	if diff := cmp.Diff([]commandEvent{{"md5sum", "", "", actions.StatusError}}, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// A digest that takes long ends with its client.
func TestClientLeavesADigest(t *testing.T) {
	r := start(t, everyCommand)
	r.write("huge", "")
	must(t, os.Truncate(filepath.Join(r.home, "huge"), 1<<40))
	client := r.dial()
	s, err := client.NewSession()
	must(t, err)
	must(t, s.Start("sha512sum /huge"))
	must(t, s.Close()) // the channel; the connection stays
	var got []commandEvent
	eventually(t, "the command ends", func() bool {
		got = append(got, r.commandEvents()...)
		return len(got) > 0
	})
	if diff := cmp.Diff([]commandEvent{{"sha512sum", "~/huge", "", actions.StatusError}}, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if _, stderr, code := r.run("pwd", ""); code != 0 {
		t.Errorf("the next command: stderr %q, status %d", stderr, code)
	}
}

func TestCopyOverQuota(t *testing.T) {
	r := start(t, everyCommand, func(s *setup) { s.user.QuotaSize = 100_000 })
	if _, stderr, code := r.run("scp -t /a", "C0644 60000 a\n"+strings.Repeat("x", 60_000)+"\x00"); code != 0 {
		t.Fatalf("stderr %q, status %d", stderr, code)
	}
	out, stderr, code := r.run("sftpgo-copy /a /b", "")
	if out != "sftpgo-copy: /b denying write due to space limit\n" || stderr != "sftpgo-copy: /b: quota exceeded\n" || code != 1 {
		t.Errorf("out %q, stderr %q, status %d", out, stderr, code)
	}
	if diff := cmp.Diff([]commandEvent{{"sftpgo-copy", "~/a", "~/b", actions.StatusQuota}}, r.commandEvents()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestEnabledCommands(t *testing.T) {
	all := []string{
		"md5sum", "sha1sum", "sha256sum", "sha384sum", "sha512sum", "cd", "pwd", "scp", "sftpgo-copy", "sftpgo-remove",
		"git-receive-pack", "git-upload-pack", "git-upload-archive", "rsync",
	}
	for _, tt := range []struct {
		name    string
		enabled []string
		want    string
	}{
		{"default", nil, "md5sum sha1sum cd pwd scp"},
		{"all", []string{"pwd", "*"}, strings.Join(all, " ")},
		{"one", []string{"sha512sum"}, "sha512sum"},
		{"none", []string{}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := start(t, func(s *setup) {
				if tt.enabled != nil {
					s.cfg.EnabledSSHCommands = tt.enabled
				}
			})
			var got []string
			for _, name := range all {
				out, stderr, code := r.run(name, "")
				if strings.Contains(stderr, "command not available: "+name) {
					if out != "" || code != 1 {
						t.Errorf("%s: out %q, status %d", name, out, code)
					}
					continue
				}
				got = append(got, name)
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("enabled: %v; want %s", got, tt.want)
			}
			// What is refused fires nothing.
			for _, e := range r.commandEvents() {
				if !strings.Contains(" "+tt.want+" ", " "+e.Command+" ") {
					t.Errorf("event %+v", e)
				}
			}
			if strings.Contains(r.log.String(), "enabled_ssh_commands") {
				t.Error("a warning, but nothing is wrong")
			}
		})
	}
}

// TestCommandRecord: the record that log parsers know tells of success only.
func TestCommandRecord(t *testing.T) {
	r := start(t, everyCommand)
	r.write("a b", "abc")
	for _, line := range []string{`sha1sum "/a b"`, "sftpgo-copy '/a b' /c", "scp -f /c", "  'pwd'\t", "scp -f /none", "md5sum /none"} {
		in := ""
		if strings.HasPrefix(line, "scp") {
			in = "\x00\x00\x00"
		}
		r.run(line, in)
	}
	var got []string
	for line := range strings.Lines(r.log.String()) {
		if _, record, ok := strings.Cut(line, "sender=SSHCommand "); ok {
			record, _, _ = strings.Cut(record, " remote_addr=")
			before, after, _ := strings.Cut(record, " connection_id=")
			_, protocol, _ := strings.Cut(after, " ")
			got = append(got, before+" "+protocol)
		}
	}
	const common = ` filemode="" uid=-1 gid=-1 access_time="" modification_time="" size=-1 ssh_command=`
	want := []string{
		`username=alice file_path="/a b" target_path=""` + common + `"sha1sum \"/a b\"" protocol=SSH`,
		`username=alice file_path="/a b" target_path=/c` + common + `"sftpgo-copy '/a b' /c" protocol=SSH`,
		`username=alice file_path=/c target_path=""` + common + `"scp -f /c" protocol=SCP`,
		`username=alice file_path="" target_path=""` + common + `pwd protocol=SSH`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestNoShell(t *testing.T) {
	r := start(t, func(s *setup) { s.cfg.EnabledSSHCommands = []string{"md5sum", "cd", "pwd"} })
	s, err := r.dial().NewSession()
	must(t, err)
	defer s.Close()
	var stderr bytes.Buffer
	s.Stderr = &stderr
	must(t, s.Shell())
	exit, ok := s.Wait().(*ssh.ExitError)
	if !ok || exit.ExitStatus() != 1 || !strings.Contains(stderr.String(), "no shell") {
		t.Errorf("exit %v, stderr %q", exit, stderr.String())
	}
}
