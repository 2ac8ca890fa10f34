package scp

import (
	"io/fs"
	"strings"
	"testing"
	"time"
)

func TestParseControl(t *testing.T) {
	for line, want := range map[string]control{
		"C0644 3 a b":                    {kind: 'C', mode: 0o644, size: 3, name: "a b"},
		"C4755 0 x":                      {kind: 'C', mode: 0o755, name: "x"},
		"D0755 0 größe":                  {kind: 'D', mode: 0o755, name: "größe"},
		"C0644 9223372036854775807 huge": {kind: 'C', mode: 0o644, size: 1<<63 - 1, name: "huge"},
		"C0644 1  leading":               {kind: 'C', mode: 0o644, size: 1, name: " leading"},
		"E":                              {kind: 'E'},
		"T1600000000 5 1600000001 0":     {kind: 'T', mtime: time.Unix(1600000000, 5000), atime: time.Unix(1600000001, 0)},
	} {
		got, err := parseControl(line)
		if err != nil || got != want {
			t.Errorf("parseControl(%q) = %+v, %v", line, got, err)
		}
	}
}

func TestParseControlRefuses(t *testing.T) {
	for _, line := range []string{
		"", "X", "E ", "C", "C0644", "C0644 1", "C0644 1 ", "C0644  x", "C 1 x", "C0844 1 x", "C-644 1 x", "C00000644 1 x",
		"C0644 -1 x", "C0644 +1 x", "C0644 0x1 x", "C0644 9223372036854775808 x", "C0644 99999999999999999999 x", "C0644 1_0 x",
		"C0644 1 .", "C0644 1 ..", "C0644 1 a/b", "C0644 1 /", "C0644 1 a\x00b", "D0755 0 ../up",
		"T", "T1 0 1", "T1 0 1 0 0", "T-1 0 1 0", "T1 1000000 1 0", "T99999999999999999999 0 1 0", "T1  1 0",
	} {
		if got, err := parseControl(line); err == nil {
			t.Errorf("parseControl(%q) = %+v", line, got)
		}
	}
}

func TestEntryLine(t *testing.T) {
	for _, tt := range []struct {
		kind byte
		mode fs.FileMode
		want string
	}{
		{'C', 0o640, "C0640 7 x\n"},
		{'C', 0, "C0644 7 x\n"},
		{'D', fs.ModeDir, "D0755 7 x\n"},
		{'C', fs.ModeSetuid | 0o755, "C4755 7 x\n"},
		{'C', fs.ModeSetgid | 0o755, "C2755 7 x\n"},
		{'D', fs.ModeDir | fs.ModeSticky | 0o777, "D1777 7 x\n"},
	} {
		if got := entryLine(tt.kind, tt.mode, 7, "x"); got != tt.want {
			t.Errorf("entryLine(%v) = %q, want %q", tt.mode, got, tt.want)
		}
	}
}

// FuzzParseControl holds that whatever is accepted is safe, and survives being
// written and read again.
func FuzzParseControl(f *testing.F) {
	for _, line := range []string{"C0644 3 a", "D0755 0 d", "E", "T1 2 3 4", "C0644 99999999999999999999 x", "C0644 1 ../x"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		c, err := parseControl(line)
		if err != nil {
			return
		}
		switch c.kind {
		case 'C', 'D':
			if c.size < 0 || c.mode&^0o777 != 0 || c.name == "" || c.name == "." || c.name == ".." || strings.ContainsAny(c.name, "/\x00\n") {
				t.Fatalf("parseControl(%q) = %+v", line, c)
			}
			if c.mode == 0 {
				return // written with a usual mode
			}
			again, err := parseControl(strings.TrimSuffix(entryLine(c.kind, c.mode, c.size, c.name), "\n"))
			if err != nil || again != c {
				t.Fatalf("%+v became %+v, %v", c, again, err)
			}
		case 'T':
			if c.mtime.Unix() < 0 || c.atime.Unix() < 0 {
				t.Fatalf("parseControl(%q) = %+v", line, c)
			}
		case 'E':
		default:
			t.Fatalf("kind %q", c.kind)
		}
	})
}
