package vfs_test

import (
	"errors"
	"path"
	"strings"
	"testing"
	"unicode/utf8"

	"sftpgo/vfs"
)

func TestParseName(t *testing.T) {
	long := strings.Repeat("n", vfs.MaxComponent)
	deep := strings.Repeat("/"+strings.Repeat("d", 127), 32)
	for _, c := range []struct{ dir, raw, want string }{
		{"/", "", "/"},
		{"/", ".", "/"},
		{"/", "/", "/"},
		{"/", "//", "/"},
		{"/", "/.", "/"},
		{"/", "a", "/a"},
		{"/d", "", "/d"},
		{"/d", "a", "/d/a"},
		{"/d", "a/", "/d/a"},
		{"/d", "/a", "/a"},
		{"/d", "..", "/"},
		{"/d/e", "../a", "/d/a"},
		{"/", "a//b///c", "/a/b/c"},
		{"/", "./a/./b/.", "/a/b"},
		{"/", "a/../b", "/b"},
		{"/", "/a/b/../../c", "/c"},
		{"/", "a/b/..", "/a"},
		// Legal on the storage, whatever they mean elsewhere.
		{"/", "...", "/..."},
		{"/", "..a", "/..a"},
		{"/", "a..", "/a.."},
		{"/", "%2e%2e/a", "/%2e%2e/a"},
		{"/", "..%2fa", "/..%2fa"},
		{"/", "%5c", "/%5c"},
		{"/", `a\..\b`, `/a\..\b`},
		{"/", `..\..\a`, `/..\..\a`},
		{"/", "..;/a", "/..;/a"},
		{"/", "a.", "/a."},
		{"/", "a ", "/a "},
		{"/", " ", "/ "},
		{"/", "~", "/~"},
		{"/", "~root/a", "/~root/a"},
		{"/", "C:/a", "/C:/a"},
		{"/", "Icon\r", "/Icon\r"},
		{"/", "a\nb", "/a\nb"},
		{"/", "\u202ea", "/\u202ea"},
		{"/", "a\u2028b", "/a\u2028b"},
		{"/", "\uff0e\uff0e/a", "/\uff0e\uff0e/a"}, // full-width dots are no dots
		{"/", "e\u0301", "/e\u0301"},               // not normalised: the storage tells é from é
		{"/", "/" + long, "/" + long},
		{"/", deep, deep},
		{"/", strings.Repeat("/", 2*vfs.MaxName), "/"},
		{"/", ".sftpgo-upload", "/.sftpgo-upload"},
		{"/", "a.sftpgo-upload.b", "/a.sftpgo-upload.b"},
		{"/", ".SFTPGO-UPLOAD.b", "/.SFTPGO-UPLOAD.b"},
	} {
		got, err := vfs.ParseName(c.dir, c.raw)
		if got != c.want || err != nil {
			t.Errorf("%q in %q: %q %v, want %q", clip(c.raw), c.dir, clip(got), err, clip(c.want))
		}
	}
}

func TestParseNameRefuses(t *testing.T) {
	for _, c := range []struct{ dir, raw, why string }{
		{"/", "..", "leaves the root"},
		{"/", "/..", "leaves the root"},
		{"/", "/../", "leaves the root"},
		{"/", "../etc/passwd", "leaves the root"},
		{"/", "/../../../etc/passwd", "leaves the root"},
		{"/", "a/../../b", "leaves the root"},
		{"/", "a/../../a/b", "leaves the root"},
		{"/", "/a/b/../../../a", "leaves the root"},
		{"/", "./..", "leaves the root"},
		{"/", "//..", "leaves the root"},
		{"/d", "../..", "leaves the root"},
		{"/d/e", "../../../d/e", "leaves the root"},
		{"/", "\x00", "NUL"},
		{"/", "a\x00", "NUL"},
		{"/", "a/b\x00.jpg", "NUL"},
		{"/", "a\xff", "UTF-8"},
		{"/", "\xc0\xae\xc0\xae/a", "UTF-8"}, // overlong dots
		{"/", "\xed\xa0\x80", "UTF-8"},       // half of a surrogate pair
		{"/", "\xe9", "UTF-8"},               // Latin-1
		{"/", strings.Repeat("n", vfs.MaxComponent+1), "component"},
		{"/", "a/" + strings.Repeat("n", vfs.MaxComponent+1) + "/../b", "component"},
		{"/", strings.Repeat("é", 128), "component"},
		{"/", strings.Repeat("/"+strings.Repeat("d", 127), 33), "longer than 4096"},
		{strings.Repeat("/"+strings.Repeat("d", 127), 32), "a", "longer than 4096"},
		{"/", ".sftpgo-upload.", "reserved"},
		{"/", ".sftpgo-upload.0123.f", "reserved"},
		{"/", "a/.sftpgo-upload.0123.f/b", "reserved"},
		{"/", ".sftpgo-upload.x/../a", "reserved"},
	} {
		got, err := vfs.ParseName(c.dir, c.raw)
		if !errors.Is(err, vfs.ErrName) || !strings.Contains(err.Error(), c.why) || got != "" {
			t.Errorf("%q in %q: %q %v, want %q", clip(c.raw), c.dir, clip(got), err, c.why)
		}
	}
}

func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "..."
	}
	return s
}

// FuzzParseName: what comes out is one clean name below the root that parses to
// itself, or nothing.
func FuzzParseName(f *testing.F) {
	for _, raw := range []string{
		"", "/", "a/b", "../a", "a/../..", "..%2f", `a\..\b`, "..;/", "a\x00", "a\xff", "a. ", "//a//", "\u202e", "./.", ".sftpgo-upload.x",
		strings.Repeat("n", 256), strings.Repeat("a/", 2100), "/a/./b/../c/",
	} {
		f.Add("/", raw)
		f.Add("/d/e", raw)
	}
	f.Fuzz(func(t *testing.T, dir, raw string) {
		dir, err := vfs.ParseName("/", dir)
		if err != nil {
			t.Skip("not a directory that was parsed before")
		}
		name, err := vfs.ParseName(dir, raw)
		if err != nil {
			if name != "" || !errors.Is(err, vfs.ErrName) {
				t.Fatalf("%q with %v", name, err)
			}
			return
		}
		checkClean(t, name)
		if again, err := vfs.ParseName("/", name); again != name || err != nil {
			t.Fatalf("%q parses to %q, %v", name, again, err)
		}
		if again, err := vfs.ParseName(dir, name); again != name || err != nil {
			t.Fatalf("%q parses to %q in %q, %v", name, again, dir, err)
		}
		if !vfs.Within("/", name) || !vfs.Within(name, name) || !vfs.Within(path.Dir(name), name) {
			t.Fatalf("%q does not lie within itself and its parents", name)
		}
		if name != "/" && (vfs.Within(name, path.Dir(name)) || vfs.Within(name, name+"x")) {
			t.Fatalf("%q holds what lies beside it", name)
		}
	})
}

func checkClean(t *testing.T, name string) {
	t.Helper()
	switch {
	case name != path.Clean(name) || !path.IsAbs(name):
		t.Fatalf("%q is not absolute and clean", name)
	case !utf8.ValidString(name) || strings.Contains(name, "\x00"):
		t.Fatalf("%q is not text", name)
	case len(name) > vfs.MaxName:
		t.Fatalf("%d bytes", len(name))
	case name == "/":
		return
	}
	for part := range strings.SplitSeq(name[1:], "/") {
		if part == "" || part == "." || part == ".." || len(part) > vfs.MaxComponent || strings.HasPrefix(part, vfs.StagingPrefix) {
			t.Fatalf("%q has the component %q", name, part)
		}
	}
}

func TestWithin(t *testing.T) {
	for _, c := range []struct {
		dir, name string
		want      bool
	}{
		{"/", "/", true},
		{"/", "/a", true},
		{"/a", "/a", true},
		{"/a", "/a/b", true},
		{"/a", "/a/b/c", true},
		{"/a/b", "/a/b/c", true},
		{"/a", "/", false},
		{"/a", "/ab", false},
		{"/share", "/share2", false},
		{"/share", "/share2/f", false},
		{"/share2", "/share", false},
		{"/a/b", "/a", false},
		{"/a/b", "/a/bc", false},
		{"/a", "/b/a", false},
		{"/A", "/a/b", false},
	} {
		if got := vfs.Within(c.dir, c.name); got != c.want {
			t.Errorf("%s within %s: %v", c.name, c.dir, got)
		}
	}
}
