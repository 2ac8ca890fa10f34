package scp

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sftpgo/protocols/sshd/shellword"
)

// FuzzConversation holds that whatever command a client gives and whatever it
// sends, the run comes to its end, its answers are of the protocol, and nothing
// outside the home is read or changed.
func FuzzConversation(f *testing.F) {
	for _, seed := range [][2]string{
		{"-t /f", "C0644 3 x\nabc\x00"},
		{"-r -p -d -t -- /dir", "T1 0 2 0\nD0755 0 d\nC0644 1 x\na\x00E\n"},
		{"-rt /new", "D0755 0 d\nD0700 0 e\nE\nE\n\x01warning\n\x02over\n"},
		{"-r -t /", "D0755 0 ..\n"},
		{"-r -t /link", "D0755 0 canary\nC0644 1 ../../canary\n"},
		{"-t /link/canary", "C0644 1 x\na\x00"},
		{"-t dir", "C0644 9223372036854775807 x\n" + strings.Repeat("a", 100)},
		{"-r -p -f /*", strings.Repeat("\x00", 40)},
		{"-f /link/canary ../canary [!x]", "\x00\x01no\n\x00\x00"},
		{"-rf .", "\x00\x02"},
	} {
		f.Add(seed[0], []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, command string, in []byte) {
		words, err := shellword.Split(command)
		if err != nil {
			return
		}
		top := t.TempDir()
		home := filepath.Join(top, "home")
		for _, err := range []error{
			os.MkdirAll(filepath.Join(home, "dir"), 0o755),
			os.WriteFile(filepath.Join(home, "dir", "old"), []byte("old"), 0o600),
			os.WriteFile(filepath.Join(top, "canary"), []byte("canary of the host"), 0o600),
			os.Symlink(top, filepath.Join(home, "link")),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		var out, stderr bytes.Buffer
		_ = Run(words, Stream{In: bytes.NewReader(in), Out: &out, Err: &stderr}, open(t, home)) // it may fail
		if strings.Contains(out.String(), "of the host") {
			t.Errorf("sent what is outside: %q", &out)
		}
		if text, err := os.ReadFile(filepath.Join(top, "canary")); err != nil || string(text) != "canary of the host" {
			t.Errorf("changed what is outside: %q, %v", text, err)
		}
		entries, err := os.ReadDir(top)
		if err != nil || len(entries) != 2 {
			t.Errorf("made something outside: %v, %v", entries, err)
		}
		if out.Len() > 0 && !strings.ContainsRune("\x00\x01\x02CDTE", rune(out.Bytes()[0])) {
			t.Errorf("began with %q", &out)
		}
		checkMessages(t, home, out.Bytes(), stderr.Bytes())
	})
}

// checkMessages holds that no text for the client has a name of the host or steers
// a terminal.
func checkMessages(t *testing.T, home string, texts ...[]byte) {
	t.Helper()
	for _, text := range texts {
		if bytes.Contains(text, []byte(home)) {
			t.Errorf("names a directory of the host: %q", text)
		}
		for line := range bytes.Lines(text) {
			i := bytes.IndexAny(line, "\x01\x02")
			if i >= 0 && bytes.HasPrefix(line[i+1:], []byte("scp: ")) && bytes.ContainsRune(line, 0x1b) {
				t.Errorf("steers a terminal: %q", line)
			}
		}
	}
}

// An access time of its own comes from the file system, or is that of the last
// change.
func TestAccessTime(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if got := accessTime(bare{info}); !got.Equal(info.ModTime()) {
		t.Errorf("storage without access times: %v", got)
	}
}

// bare is a FileInfo of storage that is no file system.
type bare struct{ fs.FileInfo }

func (bare) Sys() any { return nil }
