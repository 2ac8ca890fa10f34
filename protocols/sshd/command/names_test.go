package command_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"sftpgo/protocols/sshd/command"
	"sftpgo/protocols/sshd/shellword"
	"sftpgo/vfs"
)

func words(t testing.TB, line string) []shellword.Word {
	t.Helper()
	list, err := shellword.Split(line)
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return list
}

func TestNames(t *testing.T) {
	for _, tt := range []struct{ line, name, target string }{
		{"pwd", "", ""},
		{"cd /a/../b/", "/b", ""},
		{"md5sum", "", ""},
		{"md5sum -b --", "", ""},
		{"md5sum a -", "", ""},
		{"md5sum - a", "/a", ""},
		{"md5sum a -b", "/a", ""},
		{"md5sum -- a -b", "/-b", ""},
		{"md5sum --check a", "/a", ""},
		{"sha256sum 'a b'", "/a b", ""},
		{"sftpgo-copy a b", "/a", "/b"},
		{"sftpgo-copy /d/a /b/", "/d/a", "/b/a"},
		{"sftpgo-copy a", "/a", ""},
		{"sftpgo-copy a b c", "/b", "/c"},
		{"sftpgo-remove -b", "/-b", ""},
		{"rsync --server -vlogDtpre.iLsfxC . /dir/", "/dir", ""},
		{"git-upload-pack '/repo.git'", "/repo.git", ""},
		{"scp -t -- /x", "/x", ""},
		{"md5sum ../../etc/passwd", "/etc/passwd", ""},
		{"md5sum a\x00b", "/a?b", ""},
		{"md5sum \xff", "/?", ""},
	} {
		list := words(t, tt.line)
		name, target := command.Names(list[0].Text, list[1:])
		if name != tt.name || target != tt.target {
			t.Errorf("%q: %q, %q; want %q, %q", tt.line, name, target, tt.name, tt.target)
		}
	}
}

// Whatever a client sends, hooks get a name below the root that an argument of a
// program can hold.
func FuzzNames(f *testing.F) {
	for _, line := range []string{
		"md5sum -b a", "sftpgo-copy ../a b/", "sftpgo-copy / /", "cd ../../..", "md5sum \xff\x00", "rsync '", "pwd \\",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		list, err := shellword.Split(line)
		if err != nil || len(list) == 0 {
			return
		}
		name, target := command.Names(list[0].Text, list[1:])
		for _, n := range []string{name, target} {
			switch {
			case n == "":
			case !strings.HasPrefix(n, "/"), strings.Contains(n+"/", "/../"), strings.Contains(n, "\x00"),
				!utf8.ValidString(n), len(n) > vfs.MaxName:
				t.Errorf("%q: %q", line, n)
			}
		}
	})
}
