package ftpd_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"sftpgo/actions"
	"sftpgo/protocols/ftpd"
)

// everything turns on what is off by default.
func everything(c *ftpd.Config) {
	c.EnableSite, c.HashSupport, c.CombineSupport = true, 1, 1
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
