package ftpd_test

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"sftpgo/dataprovider"
)

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

// A digest that would take hours ends with its client, and with the server.
func TestEndlessDigest(t *testing.T) {
	s := start(t, options{cfg: everything, user: func(u *dataprovider.User) { u.MaxSessions = 1 }})
	s.write(t, "huge", "")
	if err := os.Truncate(s.path("huge"), 1<<42); err != nil {
		t.Skipf("no sparse files: %v", err)
	}
	c := login(t, s)
	c.send("XSHA512 huge")
	c.tcp.Close()
	deadline := time.Now().Add(20 * time.Second)
	for {
		if c = dial(t, s); time.Now().After(deadline) {
			t.Fatal("the session of the client that has left is still there")
		}
		c.cmd(331, "USER %s", testUser)
		if code, _ := c.reply("PASS %s", testPassword); code == 230 {
			break
		}
		c.tcp.Close()
	}
	c.send("XSHA512 huge")
	begun := time.Now()
	s.shutdown(t)
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("the server took %v to stop", took)
	}
}

// ABOR ends a digest, whatever was sent between.
func TestAbortedDigest(t *testing.T) {
	for _, secure := range []bool{false, true} {
		s := start(t, options{cfg: everything, tls: true})
		s.write(t, "huge", "")
		s.write(t, "small", "x")
		if err := os.Truncate(s.path("huge"), 1<<42); err != nil {
			t.Skipf("no sparse files: %v", err)
		}
		c := dial(t, s)
		if secure {
			c.authTLS(s.trust(t))
		}
		c.login()
		for _, abort := range []string{"ABOR", "abor", "\xff\xf4\xff\xf2ABOR", "NOOP\r\nABOR"} {
			c.send("XSHA512 huge")
			c.send("%s", abort)
			c.expect(426)
			if strings.HasPrefix(abort, "NOOP") {
				c.expect(200)
			}
			c.expect(226)
			c.cmd(250, "XSHA512 small")
		}
		c.send("XSHA512 huge")
		c.send("NOOP")
		c.send("ABOR")
		c.expect(426)
		c.expect(200)
		c.expect(226)
		s.shutdown(t)
	}
}
