package ftpd_test

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"net"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/protocols/ftpd"
)

// everything turns on what is off by default.
func everything(c *ftpd.Config) {
	c.EnableSite, c.HashSupport, c.CombineSupport = true, 1, 1
}

func hexSum(h hash.Hash, content string) string {
	_, _ = io.WriteString(h, content)
	return hex.EncodeToString(h.Sum(nil))
}

func TestDigests(t *testing.T) {
	s := start(t, options{cfg: everything})
	const content = "the quick brown fox"
	s.write(t, "dir/a file", content)
	s.write(t, "dir/b 3", content)
	s.write(t, "empty", "")
	c := login(t, s)
	c.cmd(250, "CWD dir")
	for verb, h := range map[string]func() hash.Hash{
		"XCRC": func() hash.Hash { return crc32.NewIEEE() }, "MD5": md5.New, "XMD5": md5.New, "XSHA": sha1.New, "XSHA1": sha1.New,
		"XSHA256": sha256.New, "XSHA512": sha512.New,
	} {
		for arg, want := range map[string]string{
			"a file": content, `"a file"`: content, "/dir/a file": content, "b 3": content,
			"a file 4": content[4:], `"a file" 4 9`: content[4:9], "a file 4 9": content[4:9], "b 3 4 9": content[4:9],
			"a file 4 4": "", "/empty": "",
		} {
			if got := c.cmd(250, "%s %s", verb, arg); got != hexSum(h(), want) {
				t.Errorf("%s %s = %s, want that of %q", verb, arg, got, want)
			}
		}
		for arg, code := range map[string]int{
			`"a file" 9 4`: 501, `"a file" x`: 501, `"a file" -1`: 501, `"a file" 1 2 3`: 501, "a file 4 999": 501, "a file 999": 501,
			"nowhere": 550, "": 550, "/dir": 550, "../../a": 553, "a\x00file": 553,
		} {
			c.cmd(code, "%s %s", verb, arg)
		}
	}
}

func TestHash(t *testing.T) {
	s := start(t, options{cfg: everything})
	s.write(t, "d/a b", "content")
	c := login(t, s)
	c.cmd(250, "CWD d")
	if got, want := c.cmd(213, "HASH a b"), "SHA-256 0-7 "+hexSum(sha256.New(), "content")+" a b"; got != want {
		t.Errorf("HASH: %q, want %q", got, want)
	}
	if got := c.cmd(200, "OPTS HASH"); got != "SHA-256" {
		t.Errorf("OPTS HASH: %q", got)
	}
	if text := c.cmd(211, "FEAT"); !strings.Contains(text, "\n HASH SHA-256*;SHA-512;SHA-1;MD5;CRC32;\n") {
		t.Errorf("FEAT: %s", text)
	}
	c.cmd(501, "OPTS HASH ROT13")
	c.cmd(200, "OPTS hash md5")
	if text := c.cmd(211, "FEAT"); !strings.Contains(text, "\n HASH SHA-256;SHA-512;SHA-1;MD5*;CRC32;\n") {
		t.Errorf("FEAT: %s", text)
	}
	if got, want := c.cmd(213, "HASH /d/a b"), "MD5 0-7 "+hexSum(md5.New(), "content")+" /d/a b"; got != want {
		t.Errorf("HASH: %q, want %q", got, want)
	}
	s.events.take(t, 0) // a digest is no download
}

func TestDigestsNeedThePermission(t *testing.T) {
	s := start(t, options{cfg: everything, user: func(u *dataprovider.User) {
		u.Permissions = map[string][]string{"/": {dataprovider.PermList}}
	}})
	s.write(t, "a", "content")
	c := login(t, s)
	c.cmd(550, "HASH a")
	c.cmd(550, "XCRC a")
}

func TestCombine(t *testing.T) {
	s := start(t, options{cfg: everything})
	for name, content := range map[string]string{"d/1": "one", "d/2 2": "two", "d/3": "", "d/there": "0"} {
		s.write(t, name, content)
	}
	c := login(t, s)
	c.cmd(250, "CWD d")
	c.cmd(250, `COMB new 1 "2 2" 3`)
	if got := s.read(t, "d/new"); got != "onetwo" {
		t.Errorf("combined: %q", got)
	}
	var kinds []string
	for _, e := range s.events.take(t, 7) {
		kinds = append(kinds, string(e.Kind)+" "+path.Base(e.Object.Name))
	}
	want := []string{"download.done 1", "download.done 2 2", "download.done 3", "upload.done new", "delete.done 1", "delete.done 2 2", "delete.done 3"}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("events: %s", diff)
	}
	c.cmd(250, "COMB there /d/new")
	if got := s.read(t, "d/there"); got != "0onetwo" {
		t.Errorf("appended: %q", got)
	}
	if _, err := os.Stat(s.path("d/new")); err == nil {
		t.Error("a part is still there")
	}
}

// A combination that fails loses nothing.
func TestCombineRefused(t *testing.T) {
	s := start(t, options{cfg: everything})
	s.write(t, "target", "0")
	s.write(t, "part", "1")
	if err := os.Symlink("target", s.path("link")); err != nil {
		t.Fatal(err)
	}
	c := login(t, s)
	for arg, code := range map[string]int{
		"": 501, "target": 501, `target "part`: 501, "target nowhere": 550, "target part nowhere": 550, "new nowhere": 550,
		"target target": 553, "target part ./part": 553, "target link": 553, "target ../../x": 553,
	} {
		c.cmd(code, "COMB %s", arg)
		if s.read(t, "target") != "0" || s.read(t, "part") != "1" {
			t.Fatalf("COMB %s: %q, %q", arg, s.read(t, "target"), s.read(t, "part"))
		}
	}
	if _, err := os.Stat(s.path("new")); err == nil {
		t.Error("a target was left that is not complete")
	}
}

func TestSite(t *testing.T) {
	s := start(t, options{cfg: everything})
	s.write(t, "d/a b", "x")
	c := login(t, s)
	c.cmd(250, "CWD d")
	c.cmd(200, "SITE CHMOD 4640 a b")
	if info, _ := os.Stat(s.path("d/a b")); info.Mode() != 0o640 {
		t.Errorf("mode %v", info.Mode())
	}
	c.cmd(200, `site symlink "a b" "c d"`)
	if to, _ := os.Readlink(s.path("d/c d")); to != "a b" {
		t.Errorf("link to %q", to)
	}
	want := time.Date(2021, 3, 4, 5, 6, 7, 0, time.UTC)
	for _, cmd := range []string{"SITE UTIME 20210304050607 a b", "SITE UTIME a b 20210304050607 20210304050607 20210304050607 UTC"} {
		c.cmd(200, "%s", cmd)
		if info, _ := os.Stat(s.path("d/a b")); !info.ModTime().Equal(want) {
			t.Errorf("%s: %v", cmd, info.ModTime())
		}
		if err := os.Chtimes(s.path("d/a b"), time.Now(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	for cmd, code := range map[string]int{
		"SITE": 500, "SITE EXEC ls": 500, "SITE CHOWN 0 a": 500, "SITE HASH a b": 500, "SITE CHMOD": 501, "SITE CHMOD 999 a b": 501,
		"SITE CHMOD 644": 501, "SITE CHMOD 644 nowhere": 550, "SITE CHMOD 644 ../../x": 553, "SITE SYMLINK a": 501,
		"SITE SYMLINK a ../../x": 553, "SITE UTIME yesterday a b": 501, "SITE UTIME 20210304050607 nowhere": 550, "SITE HELP": 214,
	} {
		c.cmd(code, "%s", cmd)
	}
}

// Every command of RFC 959 has an answer that says what is what, and none of those
// before the login tells more than it has to.
func TestAnswers(t *testing.T) {
	s := start(t, options{})
	c := dial(t, s)
	for cmd, code := range map[string]int{
		"FEAT": 211, "OPTS UTF8 ON": 200, "HELP": 214, "STRU F": 200, "MODE S": 200, "HOST other.example": 504, "SYST": 215, "NOOP": 200,
		"LIST": 530, "MLST": 530, "STAT": 530, "STAT a": 530, "SITE HELP": 530, "HASH a": 530, "XCRC a": 530, "COMB a b": 530, "STOU": 530,
		"ALLO 1": 530, "MFMT 20210304050607 a": 530, "REIN": 530, "SMNT": 530, "RETR a": 530,
	} {
		c.cmd(code, "%s", cmd)
	}
	c.login()
	for cmd, code := range map[string]int{
		"MODE s": 200, "MODE B": 504, "MODE C": 504, "STRU R": 504, "STRU P": 504, "STRU": 504, "TYPE E": 504, "TYPE L 8": 200, "TYPE A N": 200,
		"TYPE I": 200, "ACCT me": 202, "SMNT /": 502, "REIN": 502, "ALLO 1": 200, "ALLO 1 R 1": 200, "ALLO x": 501, "ALLO -1": 501,
		"ALLO 9000000000000000000": 552, "OPTS UTF8 OFF": 504, "OPTS UTF8": 200, "OPTS": 501, "OPTS LANG en": 501, "ABOR": 226,
		"MFMT": 501, "MFMT 20210304050607": 501, "MFMT x a": 501, "MFMT 20210304050607 ../../a": 553,
	} {
		c.cmd(code, "%s", cmd)
	}
	if text := c.cmd(211, "STAT"); !strings.Contains(text, "Logged in as "+testUser) || !strings.Contains(text, "clear text") {
		t.Errorf("STAT: %s", text)
	}
}

// STAT is answered while a transfer runs, and what comes after it waits.
func TestStatDuringTransfer(t *testing.T) {
	s := start(t, options{cfg: everything})
	c := login(t, s)
	d := c.data("STOR a")
	c.expect(150)
	if text := c.cmd(211, "STAT"); !strings.Contains(text, "Transfer of /a") {
		t.Errorf("STAT: %s", text)
	}
	c.send("HASH a")
	c.send("MODE X")
	if _, err := io.WriteString(d, "content"); err != nil {
		t.Fatal(err)
	}
	d.Close()
	c.expect(226)
	c.expect(213)
	c.expect(504)
	if text := c.cmd(211, "STAT"); !strings.Contains(text, "No transfer") {
		t.Errorf("STAT: %s", text)
	}
}

func TestStoreUnique(t *testing.T) {
	s := start(t, options{})
	c := login(t, s)
	names := map[string]bool{}
	for _, cmd := range []string{"STOU", "STOU", "STOU report"} {
		d := c.data("%s", cmd)
		name, ok := strings.CutPrefix(c.expect(150), "FILE: ")
		if !ok || names[name] {
			t.Errorf("%s: %q", cmd, name)
		}
		names[name] = true
		if _, err := io.WriteString(d, cmd); err != nil {
			t.Fatal(err)
		}
		d.Close()
		c.expect(226)
		if got := s.read(t, name); got != cmd {
			t.Errorf("%s holds %q", name, got)
		}
	}
	for _, e := range s.events.take(t, 3) {
		if e.Kind != actions.UploadDone {
			t.Errorf("event %s", e.Kind)
		}
	}
	c.stor("x", "STOR after")
	d := c.data("STOU ../../x")
	c.expect(553)
	d.Close()
}

// Telnet sequences before ABOR, with and without the byte that TCP's urgent data
// takes out of the stream (RFC 959, 4.1.3).
func TestAbort(t *testing.T) {
	s := start(t, options{})
	s.write(t, "big", strings.Repeat("x", 32<<20))
	c := login(t, s)
	for _, abort := range []string{"ABOR", "\xff\xf4\xff\xf2ABOR", "\xff\xf4\xffABOR", "\xf2ABOR"} {
		d := c.data("RETR big")
		c.expect(150)
		c.send("%s", abort)
		c.expect(426)
		c.expect(226)
		d.Close()
	}
	// Nobody connects: ABOR does not wait for the data connection either.
	begun := time.Now()
	c.epsv()
	c.send("RETR big")
	time.Sleep(20 * time.Millisecond) // for the library to wait; without it the answer is the same
	c.send("ABOR")
	if code, _, _ := c.text.ReadResponse(0); code != 425 && code != 426 && code != 226 {
		t.Errorf("reply %d", code)
	} else if code != 226 {
		c.expect(226)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("ABOR took %v", took)
	}
	c.cmd(200, "NOOP")
}

func TestFacts(t *testing.T) {
	s := start(t, options{user: func(u *dataprovider.User) {
		u.Permissions = map[string][]string{
			"/":       {dataprovider.PermAny},
			"/ro":     {dataprovider.PermList, dataprovider.PermDownload},
			"/ro/box": {dataprovider.PermUpload},
		}
	}})
	s.write(t, "a", "12345")
	s.write(t, "ro/b", "")
	for _, dir := range []string{"ro/box", "sub"} {
		if err := os.MkdirAll(s.path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(s.path("a"), s.path("same")); err != nil {
		t.Fatal(err)
	}
	c := login(t, s)
	facts := func(cmd string) map[string]map[string]string {
		all := map[string]map[string]string{}
		for _, line := range lines(c.get("%s", cmd)) {
			list, name, _ := strings.Cut(line, "; ")
			all[name] = map[string]string{}
			for fact := range strings.SplitSeq(list, ";") {
				k, v, _ := strings.Cut(fact, "=")
				all[name][k] = v
			}
		}
		return all
	}
	root, ro := facts("MLSD"), facts("MLSD ro")
	for _, tt := range []struct{ got, want string }{
		{root["a"]["Perm"], "adfrw"}, {root["sub"]["Perm"], "cdeflmp"}, {root["ro"]["Perm"], "defl"},
		{ro["b"]["Perm"], "r"}, {ro["box"]["Perm"], "ce"}, {root["a"]["UNIX.mode"], "0644"}, {root["a"]["Size"], "5"},
	} {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
	if a := root["a"]["Unique"]; a == "" || a != root["same"]["Unique"] || a == root["sub"]["Unique"] {
		t.Errorf("Unique: %v", root)
	}

	if got := c.cmd(200, "OPTS MLST size;TYPE;nonsense;"); got != "MLST OPTS Type;Size;" {
		t.Errorf("OPTS MLST: %q", got)
	}
	if text := c.cmd(211, "FEAT"); !strings.Contains(text, "\n MLST Type*;Size*;Modify;Perm;Unique;UNIX.mode;\n") {
		t.Errorf("FEAT: %s", text)
	}
	if got := c.cmd(250, "MLST a"); got != "Facts:\n Type=file;Size=5; /a\nEnd" {
		t.Errorf("MLST: %q", got)
	}
	if got := c.cmd(250, "MLST"); !strings.HasPrefix(got, "Facts:\n Type=dir;") || !strings.HasSuffix(got, "; /\nEnd") {
		t.Errorf("MLST: %q", got)
	}
	c.cmd(200, "OPTS MLST")
	if got := c.get("MLSD sub"); got != "" {
		t.Errorf("MLSD: %q", got)
	}
	if got := c.cmd(250, "MLST a"); got != "Facts:\n  /a\nEnd" {
		t.Errorf("MLST: %q", got)
	}
}

// The time zone of the host is nobody's business: facts, MDTM and LIST are UTC.
func TestTimesAreUTC(t *testing.T) {
	s := start(t, options{})
	s.write(t, "a", "")
	at := time.Date(2020, 7, 1, 12, 0, 0, 0, time.FixedZone("east", 9*3600))
	if err := os.Chtimes(s.path("a"), at, at); err != nil {
		t.Fatal(err)
	}
	c := login(t, s)
	if got := c.cmd(213, "MDTM a"); got != "20200701030000" {
		t.Errorf("MDTM: %s", got)
	}
	if got := c.get("MLSD"); !strings.Contains(got, "Modify=20200701030000;") {
		t.Errorf("MLSD: %s", got)
	}
}

func TestListPatternsAndOptions(t *testing.T) {
	s := start(t, options{})
	for _, name := range []string{"a.txt", "b.txt", "c.dat", ".hidden.txt", "sub/d.txt", "-l", "x[1]"} {
		s.write(t, name, "")
	}
	c := login(t, s)
	for _, tt := range []struct{ cmd, want string }{
		{"NLST *.txt", "a.txt b.txt"},
		{"NLST -l *.txt", "a.txt b.txt"},
		{"NLST sub/*.txt", "sub/d.txt"},
		{"NLST /sub/?.txt", "/sub/d.txt"},
		{"NLST .", "-l .hidden.txt a.txt b.txt c.dat sub x[1]"},
		{"NLST .*", ".hidden.txt"},
		{"NLST *.none", ""},
		{"NLST x[1]", "x[1]"},
		{"NLST [", "!"},
		{"NLST -l", "-l"},
		{"NLST -- -l", "-l"},
		{"NLST -alFt sub", "sub/d.txt"},
		{"NLST -a -l sub", "sub/d.txt"},
		{"NLST none/*.txt", "!"},
	} {
		d := c.data("%s", tt.cmd)
		code, _, _ := c.text.ReadResponse(0)
		if tt.want == "!" {
			if tt.cmd == "NLST [" && code == 150 { // a malformed pattern finds nothing
				_, _ = io.ReadAll(d)
				c.expect(226)
			} else if code != 550 {
				t.Errorf("%s: %d", tt.cmd, code)
			}
			d.Close()
			continue
		}
		b, _ := io.ReadAll(d)
		d.Close()
		c.expect(226)
		if got := strings.Join(strings.Fields(string(b)), " "); code != 150 || got != tt.want {
			t.Errorf("%s: %d %q, want %q", tt.cmd, code, got, tt.want)
		}
	}
	for _, cmd := range []string{"LIST -R", "NLST -lR sub", "LIST -aR"} {
		d := c.data("%s", cmd)
		c.expect(504)
		d.Close()
	}
	c.cmd(504, "STAT -R")
	if text := c.cmd(212, "STAT -l *.dat"); !regexp.MustCompile(`^Status of /\n -rw-r--r-- .* c.dat\nEnd$`).MatchString(text) {
		t.Errorf("STAT: %q", text)
	}
	c.cmd(250, "CWD sub")
	if got := c.get("NLST /"); !strings.Contains(got, "/a.txt\r\n") {
		t.Errorf("NLST /: %q", got)
	}
	c.cmd(550, "CWD d.txt")
}

// Whole listings go out in few pieces, under TLS too.
func TestListingOverTLS(t *testing.T) {
	s := start(t, options{tls: true})
	for i := range 2000 {
		s.write(t, fmt.Sprintf("file%04d", i), "")
	}
	c := dial(t, s)
	c.authTLS(s.trust(t))
	c.login()
	if got := lines(c.get("MLSD")); len(got) != 2000 {
		t.Errorf("%d lines", len(got))
	}
}

// The lines of commands that clients send ahead are answered in their order.
func TestPipelining(t *testing.T) {
	s := start(t, options{cfg: everything})
	s.write(t, "a", "content")
	c := login(t, s)
	d, err := net.Dial("tcp", c.epsv())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	c.send("RETR a\r\nDELE ../../x\r\nHASH a\r\nSTRU R\r\nMLST a\r\nNOOP")
	c.expect(150)
	if b, _ := io.ReadAll(d); string(b) != "content" {
		t.Errorf("fetched %q", b)
	}
	for _, code := range []int{226, 553, 213, 504, 250, 200} {
		c.expect(code)
	}
}
