package ftpd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"syscall"
	"testing"

	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

func TestRewrite(t *testing.T) {
	quota := refuse(fmt.Errorf("write %q: %w", "/a", session.ErrQuota)).Error()
	tests := []struct{ name, line, want string }{
		{"plain", "250 Done\r\n", "250 Done\r\n"},
		{"own code", "550 Could not access file: driver error: calling GetHandle: " + quota + "\r\n", "552 quota exceeded\r\n"},
		{"own code, more lines follow", "550-x " + quota + "\r\n", "552-quota exceeded\r\n"},
		{"the last mark counts", "550 Couldn't delete /\x00226 ok: " + quota + "\r\n", "552 quota exceeded\r\n"},
		{"no code after the mark", "550 \x00abc def\r\n", "550 \x00abc def\r\n"},
		{"mark at the end", "550 \x00\r\n", "550 \x00\r\n"},
		{"no reply line", " \x00552 x\r\n", " \x00552 x\r\n"},
		{"addresses", "425 dial tcp 10.0.0.1:20->10.0.0.2:1: refused\r\n", "425 Cannot open the data connection\r\n"},
		{"REST", "550 Couldn't parse size: strconv.ParseInt: parsing \"x\": invalid syntax\r\n", "501 Malformed argument\r\n"},
		{"MFMT", "501 Couldn't parse mtime, given: 2020, err: parsing time \"2020\"\r\n", "501 Malformed argument\r\n"},
		{"a name", "257 Created dir \"/Couldn't parse \"\r\n", "257 Created dir \"/Couldn't parse \"\r\n"},
		{"empty", "\r\n", "\r\n"},
	}
	for _, tt := range tests {
		if got := string(rewrite([]byte(tt.line))); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestRefuse(t *testing.T) {
	secret := "/srv/secret/host/path"
	tests := []struct {
		err  error
		want string
	}{
		{fmt.Errorf("open %s: %w", secret, vfs.ErrNotExist), "550 no such file or directory"},
		{fmt.Errorf("%s: %w", secret, session.ErrQuota), "552 quota exceeded"},
		{fmt.Errorf("%s: %w", secret, vfs.ErrName), "553 name not allowed"},
		{fmt.Errorf("%s: %w", secret, vfs.ErrBusy), "450 in use"},
		{fmt.Errorf("disk on fire at %s", secret), "451 internal error"},
		{&fs.PathError{Op: "splice", Path: secret, Err: syscall.ECONNRESET}, "426 aborted"},
		{&net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE}, "426 aborted"},
		{fmt.Errorf("x: %w", net.ErrClosed), "426 aborted"},
		{io.ErrUnexpectedEOF, "426 aborted"},
		{&fs.PathError{Op: "write", Path: secret, Err: syscall.EIO}, "451 internal error"},
	}
	for _, tt := range tests {
		err := refuse(tt.err)
		if got := err.Error()[1:]; got != tt.want {
			t.Errorf("%v: %q, want %q", tt.err, got, tt.want)
		}
		if again := refuse(fmt.Errorf("around: %w", err)); again.Error() != err.Error() {
			t.Errorf("%v: refused twice is %q", tt.err, again)
		}
	}
	if err := refuse(nil); err != nil {
		t.Errorf("refuse(nil) = %v", err)
	}
	if errors.Is(refuse(vfs.ErrNotExist), io.EOF) {
		t.Error("a refusal looks like the end of a file")
	}
}

// FuzzRewrite holds that every line stays one line, and that a reply stays a
// reply.
func FuzzRewrite(f *testing.F) {
	f.Add("550 x \x00552 quota exceeded")
	f.Add("150 a")
	f.Add("425 ")
	f.Add("550-\x00")
	f.Fuzz(func(t *testing.T, line string) {
		line = strings.Map(func(r rune) rune {
			if r == '\n' {
				return -1
			}
			return r
		}, line) + "\r\n"
		got := rewrite([]byte(line))
		if bytes.Count(got, []byte("\n")) != 1 || !bytes.HasSuffix(got, []byte("\r\n")) {
			t.Fatalf("%q became %q", line, got)
		}
		if (codeOf([]byte(line)) == 0) != (codeOf(got) == 0) {
			t.Fatalf("%q became %q", line, got)
		}
	})
}
