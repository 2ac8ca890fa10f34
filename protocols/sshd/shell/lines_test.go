package shell_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sftpgo/protocols/sshd/shell"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// home is a directory with a file, a tree and links, in one with a file that is
// nobody's business.
func home(t testing.TB) string {
	t.Helper()
	top := t.TempDir()
	home := filepath.Join(top, "home")
	must(t, os.MkdirAll(filepath.Join(home, "dir", "sub"), 0o755))
	must(t, os.WriteFile(filepath.Join(home, "f"), []byte("abc"), 0o644))
	must(t, os.WriteFile(filepath.Join(home, "dir", "old"), []byte("old"), 0o600))
	must(t, os.WriteFile(filepath.Join(top, "canary"), []byte("canary of the host"), 0o600))
	must(t, os.Symlink("dir", filepath.Join(home, "link")))
	must(t, os.Symlink(top, filepath.Join(home, "away")))
	return home
}

// TestLines are lines and what comes of them. A status is shown by echo, so that
// the frame that clients put around commands takes part.
func TestLines(t *testing.T) {
	const none = "no such file or directory\n"
	for _, tt := range []struct{ name, in, out, stderr string }{
		{"status", "echo $? ${?} $status ${status}; false; echo $?:${status}-$statusx\n", "0 0 0 0\n1:1-$statusx\n", ""},
		{"quoted status", "false; echo '$?' \"\\$?\" \"$?\" \\$? \"it's $?\"\n", "$? $? 1 $? it's 1\n", ""},
		{"other variables stay", "echo $HOME ${PATH} $ \"$x\"\n", "$HOME ${PATH} $ $x\n", ""},
		{"and", "true && echo a && false && echo b; echo $?\n", "a\n1\n", ""},
		{"and skips to the next", "false && echo a && echo b; echo c\n", "c\n", ""},
		{"operators in quotes", "echo \"a;b&&c|d>e\" 'f;g' h\\;i\n", "a;b&&c|d>e f;g h;i\n", ""},
		{"carriage returns", "echo a\r\necho b\r\n\r\n", "a\nb\n", ""},
		{"empty commands", ";; ; echo a ;;\n", "a\n", ""},
		{"no newline", "echo -n a ; echo b\n", "ab\n", ""},
		{"a quote over lines", "echo \"a\nb\" ; echo c\n", "a\nb\nc\n", ""},
		{"a line that goes on", "echo a\\\nb\n", "ab\n", ""},
		{"NUL", "ec\x00ho a\n\x00\x00", "a\n", ""},
		{"pipe", "echo a | cat; echo $?\n", "2\n", "this is no shell: '|' has no meaning here\n"},
		{"redirection", "echo a > f; echo b\n", "b\n", "this is no shell: '>' has no meaning here\n"},
		{"background", "rm f & echo b\n", "", "this is no shell: '&' has no meaning here\n"},
		{"substitution", "echo `id` $(id) ; echo b\n", "b\n", "this is no shell: '`' has no meaning here\n"},
		{"unknown", "sh -c id; echo $?\n", "127\n", "sh: command not found\n"},
		{"terminal", "\x1b[2J\n", "", "?[2J: command not found\n"},
		{"no end", "rm -r -f /dir", "", "this is no shell: the last line has no end\n"},
		{"open quote at the end", "echo \"a\n", "", "this is no shell: the last line has no end\n"},
		{"exit", "exit 3\necho a\n", "", ""},
		{"environment", "printenv LANG; printenv NONE; echo $?; whoami; groups\n", "C.UTF-8\n1\nu\nu\n", ""},

		{"directories", "pwd; cd dir; pwd; cd sub; pwd; cd ../..; pwd; cd ..; pwd; cd ~/dir; cd; pwd\n", "/\n/dir\n/dir/sub\n/\n/\n/\n", ""},
		{"links stay in names", "cd link/sub; pwd; cd ..; ls\n", "/link/sub\nold\nsub\n", ""},
		{"cd to a file", "cd f; cd none; cd away; cd ''; pwd\n", "/\n", "cd: f: not a directory\ncd: none: " + none + "cd: away: permission denied\ncd: '': " + none},
		{"climb", "ls ../..; rm -r ../home; cd /../..; pwd\n", "/\n", "ls: cannot access '../..': name not allowed\nrm: ../home: name not allowed\n"},
		{"mkdir", "mkdir a a; mkdir -p dir/x/y f/z; ls -1 dir\n", "old\nsub\nx\n", "mkdir: a: already exists\nmkdir: f/z: not a directory\n"},
		{"mkdir again", "mkdir -p dir/sub / && echo yes; mkdir -p f\n", "yes\n", "mkdir: f: already exists\n"},
		{"rmdir", "rmdir dir dir/sub; ls dir\n", "old\n", "rmdir: dir: directory not empty\n"},

		{"rm", "rm f none dir link; ls\n", "away\ndir\n", "rm: none: " + none + "rm: dir: is a directory\n"},
		{"rm -r -f", "rm -r -f none dir -- f; ls\n", "away\nlink\n", ""},
		{"rm of all", "rm -rf / ~ . .. ./ ''; rm -rf; rm; ls\n", "away\ndir\nf\nlink\n", "rm: '': " + none + "rm: missing operand\n"},
		{"rm of the root", "rm -rf /; cd dir; rm -rf . ../; ls\n", "old\nsub\n", "rm: /: permission denied\nrm: .: permission denied\nrm: ../: permission denied\n"},
		{"rm of a link", "rm -rf away link; ls dir\n", "old\nsub\n", ""},
		{"options", "rm -x f; rm --no-preserve-root f; ls -Z; ls --color; echo $?\n", "2\n",
			"rm: invalid option -- 'x'\nrm: unrecognized option '--no-preserve-root'\nls: invalid option -- 'Z'\nls: unrecognized option '--color'\n"},

		{"mv", "mv f g; mv g dir; mv dir/g dir/sub; ls dir/sub\n", "g\n", ""},
		{"mv over", "cp f g; mv -n f dir/old; md5sum g; mv f dir/old; ls -l none\n", md5ABC + "  /g\n", "ls: cannot access 'none': " + none},
		{"mv of several", "mv f link dir; ls dir; mv dir/f dir/link f\n", "f\nlink\nold\nsub\n", "mv: f: " + none},
		{"mv in vain", "mv f; mv none x; mv dir dir/sub\n", "", "mv: missing operand\nmv: none: " + none + "mv: dir: operation not supported\n"},
		{"mv to a directory that is not there", "mv f new/; mv dir new/; ls\n", "away\nf\nlink\nnew\n", "mv: f: not a directory\n"},
		{"cp", "cp f g && cp f dir && cp -r dir copy && ls copy && md5sum g\n", "f\nold\nsub\n" + md5ABC + "  /g\n", ""},
		{"cp over", "cp f dir/old; md5sum dir/old; cp -r dir .; cp dir x; cp f f\n", md5ABC + "  /dir/old\n",
			"cp: dir: already exists\ncp: dir: is a directory\ncp: f: already exists\n"},
		{"ln", "ln -s dir/old l; ln f h; md5sum l h; ln -s f l; ln -sf f l; md5sum l\n",
			"149603e6c03516362a8da23f624db945  /l\n" + md5ABC + "  /h\n" + md5ABC + "  /l\n", "ln: l: already exists\n"},
		{"ln -f in vain", "ln -f f f; ln -sf f f; ln -f f /dir/../f; ln -f none f; ln -f dir/sub f; ln -sf ../canary f; md5sum f\n", md5ABC + "  /f\n",
			"ln: f: already exists\nln: f: already exists\nln: /dir/../f: already exists\nln: f: " + none + "ln: f: is a directory\nln: f: permission denied\n"},
		{"ln -f", "ln f h; ln -f f h; ln -f dir/old h; md5sum f h\n", md5ABC + "  /f\n149603e6c03516362a8da23f624db945  /h\n", "ln: h: already exists\n"},
		{"ln away", "ln -s /etc/../../x y; ln -s ../canary z; ln ../canary z; ln -s a; ln -s a b c\n", "",
			"ln: y: permission denied\nln: z: permission denied\nln: z: name not allowed\nln: missing operand\nln: one target and one name, please\n"},

		{"chmod", "chmod 600 f; ls -l f; chmod -R u=rwX,g+r,o-rwx dir; ls -ld dir/sub dir/old; chmod -w f\n", "", ""},
		{"chmod in vain", "chmod 999 f; chmod u+q f; chmod 600 none; chmod 600; chmod +x none\n", "",
			"chmod: invalid mode: '999'\nchmod: invalid mode: 'u+q'\nchmod: none: " + none + "chmod: missing operand\nchmod: none: " + none},
		{"chown", "chown u f && chown u:u f && chown :u f && chgrp u f && echo yes; chown root f; chgrp u none\n", "yes\n",
			"chown: root: no such user or group; use a number\nchgrp: none: " + none},

		{"hashes", "cd dir; md5sum old ../f; md5sum; sha1sum none\n",
			"149603e6c03516362a8da23f624db945  /dir/old\n" + md5ABC + "  /f\nd41d8cd98f00b204e9800998ecf8427e  -\nsha1sum: /dir/none no such file or directory\n",
			"sha1sum: /dir/none: " + none},
		{"sftpgo-copy", "cd dir; sftpgo-copy old sub/new; cd sub; ls; sftpgo-remove new; ls\n", "OK\nnew\nOK\n", ""},
		{"names that look like options", "mkdir -- -d; cd ./-d; pwd; cd ..; rm -r -- -d; ls\n", "/-d\naway\ndir\nf\nlink\n", ""},

		{"scp", "cd dir; scp -t new; echo $?\n" + "C0644 3 x\nabc\x00\x02bye\necho next\n", "\x00\x00\x00" + "1\nnext\n", ""},
		{"scp into the current directory", "cd dir; scp -d -t . ; ls\nC0644 1 x\na\x00\x02\n", "\x00\x00\x00old\nsub\nx\n", ""},
		{"scp of a pattern", "cd dir; scp -f o* ; echo $?\n\x00\x00\x00pwd\n", "C0600 3 old\nold\x000\n/dir\n", ""},
		{"scp loses the thread", "scp -t new\nwhat\nrm f\n", "\x00\x02scp: protocol error: unexpected line\n", ""},
		{"scp ends in a file", "scp -t new; echo a\nC0644 30 x\nrm f\n", "\x00\x00", ""},
		{"scp without a direction", "scp f; echo $?\npwd\n", "1\n/\n", "scp: one of -t and -f is needed: use the scp program of a client\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := home(t)
			out, stderr, _ := run(t, open(t, dir), tt.in)
			if tt.name == "chmod" {
				checkModes(t, dir)
				return
			}
			if out != tt.out || stderr != tt.stderr {
				t.Errorf("out %q, stderr %q; want %q, %q", out, stderr, tt.out, tt.stderr)
			}
			if _, err := os.Stat(filepath.Join(dir, "f")); strings.HasPrefix(tt.name, "scp ") && err != nil {
				t.Error("what scp did not read was run")
			}
		})
	}
}

// md5ABC is from RFC 1321.
const md5ABC = "900150983cd24fb0d6963f7d28e17f72"

func checkModes(t *testing.T, dir string) {
	t.Helper()
	for name, want := range map[string]os.FileMode{"f": 0o400, "dir": 0o750, "dir/sub": 0o750, "dir/old": 0o640} {
		info, err := os.Stat(filepath.Join(dir, name))
		must(t, err)
		if info.Mode().Perm() != want {
			t.Errorf("%s: %v; want %v", name, info.Mode().Perm(), want)
		}
	}
}

// TestLimits: a line has an end, and so has the number of its commands.
func TestLimits(t *testing.T) {
	for _, tt := range []struct {
		name, in, out, stderr string
		status                uint32
	}{
		{"long", "echo " + strings.Repeat("a", 40_000) + "\necho b\n", "", "line longer than 32768 bytes\n", 2},
		{"long in pieces", "echo \"" + strings.Repeat("aaaaaaaaaa\n", 4000) + "\"\necho b\n", "", "line longer than 32768 bytes\n", 2},
		{"just so long", "echo " + strings.Repeat("a", 32_000) + "\n", strings.Repeat("a", 32_000) + "\n", "", 0},
		{"many commands", strings.Repeat("true;", 40) + "\necho b\n", "b\n", "this is no shell: more than 32 commands in a line\n", 0},
		{"many words", "echo " + strings.Repeat("a ", 2000) + "\necho b\n", "b\n", "bad command line: more than 1024 words\n", 0},
		{"status of the last", "true\nfalse\n", "", "", 1},
		{"nothing", "", "", "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, stderr, status := run(t, open(t, home(t)), tt.in)
			if out != tt.out || stderr != tt.stderr || status != tt.status {
				t.Errorf("out %.80q, stderr %q, status %d; want %.80q, %q, %d", out, stderr, status, tt.out, tt.stderr, tt.status)
			}
		})
	}
}

// TestGone: what a client has sent before it went is not carried out any more.
func TestGone(t *testing.T) {
	for _, tt := range []struct {
		name string
		st   shell.Stream
	}{
		{"answers", shell.Stream{Out: gone{}, Err: io.Discard}},
		{"errors", shell.Stream{Out: io.Discard, Err: gone{}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := home(t)
			tt.st.In = strings.NewReader("mkdir a\npwd; none\nrm f\n")
			shell.Run(t.Context(), open(t, dir), shell.Config{SCP: copier{}}, tt.st)
			for _, name := range []string{"a", "f"} {
				if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// gone is a client that has.
type gone struct{}

func (gone) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// FuzzLines holds that whatever a client sends, the lines come to their end, and
// nothing outside the home is read or changed.
func FuzzLines(f *testing.F) {
	for _, seed := range []string{
		"cd dir ; echo \"WinSCP: this is end-of-file:$?\"\nls -la --full-time\n",
		"rm -r -f /\nrm -rf ../canary away/canary away\n",
		"cp -r away x; cp away/canary x; mv away/canary x; ln away/canary x; ln -s ../canary y; cp y z\n",
		"chmod -R 000 away .. /; chown -R 0 away; md5sum away/canary ../canary\n",
		"scp -r -t /away\nD0755 0 canary\nC0644 1 x\na\x00E\n\x02\nls -la away\n",
		"scp -f away/canary\n\x00\x00\x00\x00", "echo \"$?${status}'\\\n'\n", "a&&;|\"'`\n", "ls -ld . .. ~ '' -- -x\n",
		"mkdir -p a/../../b/./c//; cd a/b/../..; rmdir b\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		dir := home(t)
		top := filepath.Dir(dir)
		out, stderr, _ := run(t, open(t, dir), in)
		if strings.Contains(out, "of the host") || strings.Contains(out+stderr, top) && !strings.Contains(in, top) {
			t.Errorf("tells of the host: %q, %q", out, stderr)
		}
		text, err := os.ReadFile(filepath.Join(top, "canary"))
		if err != nil || string(text) != "canary of the host" {
			t.Errorf("changed what is outside: %q, %v", text, err)
		}
		entries, err := os.ReadDir(top)
		if err != nil || len(entries) != 2 {
			t.Errorf("made something outside: %v, %v", entries, err)
		}
	})
}
