package ftpd_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/protocols/ftpd"
)

// client finds a program that the test needs. In CI it has to be there.
func client(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed", name)
		}
		t.Skipf("%s is not installed", name)
	}
	return path
}

// run starts a program and returns what it said; it must succeed.
func run(t *testing.T, stdin, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+cmd.Dir, "LC_ALL=C.UTF-8", "LFTP_HOME="+cmd.Dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s\n%s", name, err, stdin, out)
	}
	return string(out)
}

// tree makes a directory with all that is awkward, and returns its content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	random := rand.NewChaCha8([32]byte{1})
	large := make([]byte, 3<<20+12345)
	_, _ = random.Read(large)
	files := map[string]string{
		"empty": "", "plain.txt": "a\r\nb\nc", "large.bin": string(large),
		"with space/and more/file name.txt": "spaces", "ünïcödé/文件 🎉.txt": "unicode",
		"-dash": "dash", "#hash%20and;semi": "x", "quote'\"s": "y", "[brackets]{a}": "z",
	}
	for i := range 60 {
		files[fmt.Sprintf("many/%03d", i)] = fmt.Sprint(i)
	}
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// same compares a directory with the content it should have.
func same(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		got[rel] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s: %d bytes, want %d", name, len(got[name]), len(want[name]))
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("too much: %s", name)
	}
}

// way is one to connect.
type way struct {
	name string
	mode int
	cfg  func(c *ftpd.Config)
	lftp string // settings
	url  string // scheme
	curl []string
}

// options are those of a server for the way.
func (w way) options() options {
	o := mode(w.mode)
	plain := o.cfg
	o.cfg = func(c *ftpd.Config) {
		plain(c)
		if w.cfg != nil {
			w.cfg(c)
		}
	}
	return o
}

func ways() []way {
	strict := func(c *ftpd.Config) { c.Bindings[0].TLSSessionReuse, c.Bindings[0].TLSEnd = 1, 1 }
	modern := func(c *ftpd.Config) { strict(c); c.Bindings[0].MinTLSVersion = 13 }
	return []way{
		{"clear", 0, nil, "set ftp:ssl-allow no", "ftp", nil},
		{"explicit", 1, nil, "set ftp:ssl-force yes; set ftp:ssl-protect-data yes", "ftp", []string{"--ssl-reqd"}},
		{"implicit", 2, nil, "set ftp:ssl-protect-data yes", "ftps", nil},
		{"resumed", 1, strict, "set ftp:ssl-force yes; set ftp:ssl-protect-data yes", "ftp", []string{"--ssl-reqd"}},
		{"resumed13", 1, modern, "set ftp:ssl-force yes; set ftp:ssl-protect-data yes", "ftp", []string{"--ssl-reqd"}},
	}
}

func TestLFTP(t *testing.T) {
	lftp := client(t, "lftp")
	for _, way := range ways() {
		t.Run(way.name, func(t *testing.T) {
			s := start(t, way.options())
			script := func(commands string) string {
				return fmt.Sprintf(`set cmd:fail-exit yes
set net:max-retries 1
set net:timeout 20
set ssl:ca-file %s
set ssl:check-hostname no
%s
open -u %s,"%s" %s://%s
%s
`, s.certs, way.lftp, testUser, testPassword, way.url, s.addr, commands)
			}
			local, back := t.TempDir(), t.TempDir()
			want := tree(t, local)
			run(t, script(fmt.Sprintf("mirror -R --parallel=3 %s /up", local)), lftp)
			same(t, s.path("up"), want)
			run(t, script(fmt.Sprintf("mirror --parallel=3 /up %s", back)), lftp)
			same(t, back, want)
			if out := run(t, script(fmt.Sprintf("mirror -R --dry-run %s /up", local)), lftp); strings.Contains(out, "put") {
				t.Errorf("a second mirror finds differences:\n%s", out)
			}

			t.Run("resume", func(t *testing.T) {
				large := want["large.bin"]
				part := filepath.Join(t.TempDir(), "part")
				if err := os.WriteFile(part, []byte(large[:1<<20]), 0o644); err != nil {
					t.Fatal(err)
				}
				run(t, script("get -c /up/large.bin -o "+part), lftp)
				if b, _ := os.ReadFile(part); string(b) != large {
					t.Errorf("get -c: %d bytes", len(b))
				}
				s.write(t, "part", large[:1<<20])
				run(t, script("put -c "+part+" -o /part"), lftp)
				if got := s.read(t, "part"); got != large {
					t.Errorf("put -c: %d bytes", len(got))
				}
				parallel := filepath.Join(t.TempDir(), "parallel")
				run(t, script("pget -n 4 /up/large.bin -o "+parallel), lftp)
				if b, _ := os.ReadFile(parallel); string(b) != large {
					t.Errorf("pget: %d bytes", len(b))
				}
			})

			t.Run("commands", func(t *testing.T) {
				out := run(t, script(`mkdir -p "/new dir/sub"
cd "/new dir"
put -O . /dev/null -o "zero byte"
mv "zero byte" "sub/renamed"
cls -1 sub
rm sub/renamed
rmdir sub
cd /
rm -r "/new dir"
cls -1 /`), lftp)
				if got, want := out, "sub/renamed\n/part\n/up/\n"; got != want {
					t.Errorf("lftp said %q, want %q", got, want)
				}
			})
		})
	}
}

func TestCurl(t *testing.T) {
	curl := client(t, "curl")
	for _, way := range ways() {
		t.Run(way.name, func(t *testing.T) {
			s := start(t, way.options())
			do := func(args ...string) string {
				t.Helper()
				all := append([]string{"-sS", "--max-time", "30", "--user", testUser + ":" + testPassword, "--cacert", s.certs}, way.curl...)
				return run(t, "", curl, append(all, args...)...)
			}
			base := way.url + "://" + s.addr
			dir := t.TempDir()
			want := tree(t, dir)
			do("--ftp-create-dirs", "-T", filepath.Join(dir, "large.bin"), base+"/deep/er/large.bin")
			if got := s.read(t, "deep/er/large.bin"); got != want["large.bin"] {
				t.Errorf("uploaded %d bytes", len(got))
			}
			if got := do(base + "/deep/er/large.bin"); got != want["large.bin"] {
				t.Errorf("downloaded %d bytes", len(got))
			}
			if got := do("-r", "100-199", base+"/deep/er/large.bin"); got != want["large.bin"][100:200] {
				t.Errorf("range has %d bytes", len(got))
			}
			do("-T", filepath.Join(dir, "empty"), base+"/empty%20file")
			do("-a", "-T", filepath.Join(dir, "-dash"), base+"/empty%20file")
			if got := do(base + "/empty%20file"); got != "dash" {
				t.Errorf("appended: %q", got)
			}
			if got := do("--list-only", base+"/"); got != "deep\r\nempty file\r\n" && got != "deep\nempty file\n" {
				t.Errorf("listed %q", got)
			}
			if way.mode == 0 { // active mode; curl picks the address itself
				if got := do("--ftp-port", "127.0.0.1", base+"/empty%20file"); got != "dash" {
					t.Errorf("active mode: %q", got)
				}
			}
			do("-Q", "DELE /empty file", base+"/")
			out, err := exec.Command(curl, append(append([]string{"-sS", "--user", testUser + ":wrong", "--cacert", s.certs}, way.curl...), base+"/")...).CombinedOutput()
			if err == nil || !bytes.Contains(out, []byte("67")) {
				t.Errorf("wrong password: %v %s", err, out)
			}
		})
	}
}

const pythonScript = `
import ftplib, io, ssl, sys
mode, host, port, ca, user, password = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
class Implicit(ftplib.FTP_TLS):
    """ftplib has no implicit TLS; this is the usual way to add it."""
    _sock = None
    @property
    def sock(self): return self._sock
    @sock.setter
    def sock(self, value):
        if value is not None and not isinstance(value, ssl.SSLSocket):
            value = self.context.wrap_socket(value, server_hostname=self.host)
        self._sock = value
class Resuming(ftplib.FTP_TLS):
    """Data connections resume the TLS session, as strict servers demand."""
    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        conn = self.context.wrap_socket(conn, server_hostname=self.host, session=self.sock.session)
        return conn, size
if mode == 'clear': ftp = ftplib.FTP()
elif mode != 'implicit': ftp = Resuming(context=context)
else: ftp = Implicit(context=context)
ftp.connect(host, int(port), timeout=20)
ftp.login(user, password)
if mode != 'clear': ftp.prot_p()
ftp.encoding = 'utf-8'
data = bytes(range(256)) * 5000
ftp.mkd('/dir ü')
ftp.cwd('/dir ü')
ftp.storbinary('STOR a b', io.BytesIO(data))
ftp.storbinary('STOR leer', io.BytesIO(b''))
def get(name, rest=None):
    out = io.BytesIO(); ftp.retrbinary('RETR ' + name, out.write, rest=rest); return out.getvalue()
assert get('a b') == data
assert get('leer') == b''
assert get('a b', 1000) == data[1000:]
ftp.storbinary('APPE a b', io.BytesIO(b'end'))
assert ftp.size('a b') == len(data) + 3
assert sorted(ftp.nlst()) == ['a b', 'leer'], ftp.nlst()
facts = {name: f for name, f in ftp.mlsd() }
assert facts['leer']['type'] == 'file' and facts['leer']['size'] == '0', facts
lines = []
ftp.storlines('STOR text', io.BytesIO(b'one\r\ntwo\r\n'))
ftp.retrlines('RETR text', lines.append)
assert lines == ['one', 'two'], lines
ftp.rename('a b', 'c d')
try: ftp.size('a b'); raise SystemExit('renamed file is still there')
except ftplib.error_perm as e: assert str(e) == '550 no such file or directory', e
for name in ftp.nlst(): ftp.delete(name)
ftp.cwd('..')
ftp.rmd('/dir ü')
assert ftp.nlst() == []
print(ftp.quit())
`

func TestPython(t *testing.T) {
	python := client(t, "python3")
	for _, way := range ways() {
		t.Run(way.name, func(t *testing.T) {
			s := start(t, way.options())
			host, port, _ := net.SplitHostPort(s.addr)
			out := run(t, pythonScript, python, "-", way.name, host, port, s.certs, testUser, testPassword)
			if !strings.HasPrefix(out, "221 ") {
				t.Errorf("python said %q", out)
			}
			s.empty(t)
		})
	}
}

// What a real client did is what the hooks hear of.
func TestLFTPEvents(t *testing.T) {
	lftp := client(t, "lftp")
	s := start(t, options{})
	dir := t.TempDir()
	for _, name := range []string{"one", "two"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run(t, fmt.Sprintf("set cmd:fail-exit yes; set net:max-retries 1; set ssl:verify-certificate no\nopen -u %s,\"%s\" ftp://%s\nmirror -R %s /d\nmirror /d %s\nrm -r /d\n",
		testUser, testPassword, s.addr, dir, t.TempDir()), lftp)
	var got []string
	for _, e := range s.events.take(t, 6) {
		if e.Result.Status != actions.StatusOK || e.Result.Size != 3 {
			t.Errorf("%s %s: status %d, size %d", e.Kind, e.Object.Name, e.Result.Status, e.Result.Size)
		}
		got = append(got, fmt.Sprint(e.Kind, " ", e.Object.Name))
	}
	want := []string{
		"upload.done /d/one", "upload.done /d/two", "download.done /d/one", "download.done /d/two",
		"delete.done /d/one", "delete.done /d/two",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The times that lftp shows, and sets, are those of the files.
func TestLFTPTimes(t *testing.T) {
	lftp := client(t, "lftp")
	s := start(t, options{})
	dir := t.TempDir()
	file := filepath.Join(dir, "a")
	if err := os.WriteFile(file, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	when := time.Date(2019, 5, 6, 7, 8, 9, 0, time.UTC)
	if err := os.Chtimes(file, when, when); err != nil {
		t.Fatal(err)
	}
	run(t, fmt.Sprintf("set cmd:fail-exit yes; set net:max-retries 1; set ssl:verify-certificate no\nopen -u %s,\"%s\" ftp://%s\nmirror -R %s /d\n",
		testUser, testPassword, s.addr, dir), lftp)
	info, err := os.Stat(s.path("d/a"))
	if err != nil {
		t.Fatal(err)
	}
	if !info.ModTime().Equal(when) {
		t.Errorf("time %v, want %v", info.ModTime().UTC(), when)
	}
}
