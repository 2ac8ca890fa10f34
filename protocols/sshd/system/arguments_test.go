package system

import (
	"errors"
	"strings"
	"testing"

	"sftpgo/protocols/sshd/shellword"
)

func words(t testing.TB, line string) []shellword.Word {
	t.Helper()
	list, err := shellword.Split(line)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestRsyncArguments(t *testing.T) {
	for _, tt := range []struct{ line, options, names string }{
		// 2.6.9, 3.0.9, 3.1.3, 3.2.7 and 3.4 with their usual options.
		{"--server -vlogDtprz . up/", "-vlogDtprz", "up/"},
		{"--server --sender -vlogDtprze.iLsf . /a b", "--sender -vlogDtprze.iLsf", "/a|b"},
		{"--server -vvlHogDtprSze.iLsfx --delete-during --partial . dir", "-vvlHogDtprSze.iLsfx --delete-during --partial", "dir"},
		{"--server -e.LsfxCIvu --log-format=X --partial-dir .rsync-partial --delay-updates . x", "-e.LsfxCIvu --log-format=X --partial-dir=.rsync-partial --delay-updates", "x"},
		{"--server -re31.14.LsfxCIvu --checksum-choice=md5 --compress-choice=zstd --zl=3 . x", "-re31.14.LsfxCIvu --checksum-choice=md5 --compress-choice=zstd --zl=3", "x"},
		{"--server --sender -logDtpre.iLsfxCIvu --bwlimit=100 --timeout=30 -B700 --from0 --files-from=- . .", "--sender -logDtpre.iLsfxCIvu --bwlimit=100 --timeout=30 -B700 --from0 --files-from=-", "."},
		{"--server -tre.iLsfx --backup --suffix=.old --max-delete=-1 -- . -x", "-tre.iLsfx --backup --suffix=.old --max-delete=-1", "-x"},
		{"--server -lre.LsfxCIvu --safe-links --no-munge-links . x", "-lre.LsfxCIvu", "x"},
		{"--server -se.LsfxCIvu .", "-e.LsfxCIvu", ""},
	} {
		c, err := parseRsync(words(t, tt.line))
		if err != nil {
			t.Errorf("%s: %v", tt.line, err)
			continue
		}
		var names []string
		for _, n := range c.names {
			names = append(names, n.Text)
		}
		if got := strings.Join(c.options, " "); got != tt.options || strings.Join(names, "|") != tt.names {
			t.Errorf("%s:\n%s (%v), want\n%s (%s)", tt.line, got, names, tt.options, tt.names)
		}
	}
}

// refusedOptions are all that run a program or name a file, and what looks like
// them.
func refusedOptions() []string {
	return strings.Fields(`-e -esh -e.sh/x -ve=sh --rsh=sh --rsync-path=x --daemon --config=/x --log-file=/x --log-file-format=x
		--temp-dir=/x -T/x --partial-dir=/x --partial-dir=../x --partial-dir=.. --backup-dir=x --compare-dest=x --copy-dest=x
		--link-dest=x --files-from=/x --files-from=x --include-from=x --exclude-from=x --filter=merge,/x -f. --password-file=x
		--write-batch=x --only-write-batch=x --read-batch=x --copy-devices --write-devices --fake-super --no-super -M--log-file=x
		--remote-option=x --iconv=/x --suffix=/x --suffix=../x --early-input=x --outbuf=N --sockopts=x --address=x --chmod=u+s
		--keep-dirlinks -K -lK --insecure-links --confine-root=/ --dparam=x --no-detach --log-format=/x --usermap=/x --copy-as=root
		--delete=x --server=x --sender=x --sockopts - -- --zl=x --unknown -w -P --stop-at=/x --debug=/x`)
}

func TestRsyncRefuses(t *testing.T) {
	for _, option := range refusedOptions() {
		for _, line := range []string{"--server " + option + " . x", "--server --sender -logDtpre.iLsfx " + option + " . x"} {
			c, err := parseRsync(words(t, line))
			if option == "--" {
				if err != nil || len(c.names) != 1 {
					t.Errorf("%s: %v", line, err)
				}
				continue
			}
			if !errors.Is(err, errOption) && !errors.Is(err, errUsage) {
				t.Errorf("%s: accepted as %q", line, c.options)
			}
		}
	}
	for _, line := range []string{
		"", "--server", "--server .", "--server -r x", "--server -r . a b", "-r . x", "--sender --server . x",
		"--server -r . ", "--server --partial-dir", "--server --sender -r", "--server -s . x",
	} {
		if _, err := parseRsync(words(t, line)); !errors.Is(err, errOption) && !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", line, err)
		}
	}
}

func TestProtectedArguments(t *testing.T) {
	read := func(text string) (rsyncCall, error) {
		c, err := parseRsync(words(t, "--server --sender -se.LsfxCIvu"))
		if err != nil {
			t.Fatal(err)
		}
		return c, c.readProtected(strings.NewReader(text))
	}
	c, err := read("rsync\x00-logDtpre.iLsfx\x00--numeric-ids\x00.\x00a b\x00x\\*\x00\x00the protocol")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(c.options, " "); got != "--sender -e.LsfxCIvu -logDtpre.iLsfx --numeric-ids" {
		t.Error(got)
	}
	if len(c.names) != 2 || c.names[0].Text != "a b" || c.names[1].Text != "x*" || c.names[1].HasMeta() {
		t.Errorf("%v", c.names)
	}
	for _, text := range []string{
		"", "rsync\x00", "rsync\x00--log-file=/x\x00.\x00a\x00\x00", "rsync\x00-s\x00.\x00\x00", "\x00", "rsync\x00\x00",
		strings.Repeat("a", maxProtected+1), strings.Repeat("a\x00", shellword.MaxWords+2),
	} {
		if _, err := read(text); !errors.Is(err, errOption) && !errors.Is(err, errUsage) {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

func TestGitArguments(t *testing.T) {
	for _, tt := range []struct{ command, line, options, repo string }{
		{uploadPack, "'/repo.git'", "", "/repo.git"},
		{uploadPack, "--strict --timeout=30 'a b'", "--strict --timeout=30", "a b"},
		{receivePack, "'~/x'", "", "/x"},
		{receivePack, "'/~/x'", "", "/x"},
		{receivePack, "-- -x", "", "-x"},
		{uploadArchive, "x", "", "x"},
	} {
		c, err := parseGit(tt.command, words(t, tt.line))
		if err != nil || strings.Join(c.options, " ") != tt.options || c.repo != tt.repo {
			t.Errorf("%s %s: %v %v", tt.command, tt.line, c, err)
		}
	}
	for _, line := range []string{
		"", "a b", "--stateless-rpc a", "--advertise-refs a", "--http-backend-info-refs a", "--timeout=x a",
		"--upload-pack=x a", "--exec=x a", "-x", "--strict", "--strict=1 a", "-c core.pager=x a", "''", "--help",
	} {
		if c, err := parseGit(uploadPack, words(t, line)); !errors.Is(err, errOption) && !errors.Is(err, errUsage) {
			t.Errorf("%q: %v %v", line, c, err)
		}
	}
	if _, err := parseGit(uploadArchive, words(t, "--strict a")); !errors.Is(err, errOption) {
		t.Error(err)
	}
}

// Whatever a client sends, no word that the program gets is an option with a path
// in it, but for features.
func FuzzRsyncArguments(f *testing.F) {
	for _, option := range refusedOptions() {
		f.Add("--server -logDtpre.iLsfxCIvu " + option + " . x")
	}
	f.Add("--server --sender -s .")
	f.Fuzz(func(t *testing.T, line string) {
		list, err := shellword.Split(line)
		if err != nil {
			return
		}
		c, err := parseRsync(list)
		if err != nil {
			return
		}
		for _, o := range c.options {
			if !strings.HasPrefix(o, "-") || o == "--" || strings.ContainsAny(o, "/\x00") || strings.HasPrefix(o, "--daemon") {
				t.Errorf("%q gives %q", line, o)
			}
		}
	})
}

func TestOperand(t *testing.T) {
	for _, tt := range []struct {
		asked, real string
		relative    bool
		want        string
	}{
		{"/", "/", false, "./"},
		{"", "/", false, "."},
		{".", "/", false, "."},
		{"a/b", "/a/b", false, "a/b"},
		{"a/b/", "/a/b", false, "a/b/"},
		{"a/b/.", "/a/b", false, "a/b/."},
		{"/-x", "/-x", false, "./-x"},
		{"h:x", "/h:x", false, "./h:x"},
		{"link/", "/real/dir", false, "real/dir/"},
		{"a/./b", "/a/b", true, "a/./b"},
		{"a/./b/", "/a/b", true, "a/./b/"},
		{"/./b", "/b", true, "./b"},
		{"link/./b", "/real/b", true, "real/b"},
	} {
		c := rsyncCall{relative: tt.relative}
		if got := c.operand(tt.asked, tt.real); got != tt.want {
			t.Errorf("%q %q: %q, want %q", tt.asked, tt.real, got, tt.want)
		}
	}
}
