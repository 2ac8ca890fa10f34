package main

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The second half of the table: names, attributes, links, trees.

func stepRename(t *testing.T, c *clientVisit) {
	makeDir(t, c.remote("from"))
	makeDir(t, c.remote("to"))
	writeFile(t, c.remote("from/a"), []byte("a"))
	c.do(t, "rename", "from/a", "to/b ä")
	c.wantRemote(t, "to/b ä", []byte("a"))
	wantGone(t, c.remote("from/a"))
	c.do(t, "rename", "to", "moved")
	c.wantRemote(t, "moved/b ä", []byte("a"))
}

// Clients with posix-rename, and those that remove first, replace; the plain
// rename of the draft must not.
func stepRenameOver(t *testing.T, c *clientVisit) {
	writeFile(t, c.remote("newer"), []byte("newer"))
	writeFile(t, c.remote("older"), []byte("older and longer"))
	if c.driver.refuses {
		c.refused(t, "rename", "newer", "older")
		c.wantRemote(t, "newer", []byte("newer"))
		c.wantRemote(t, "older", []byte("older and longer"))
		return
	}
	c.do(t, "rename", "newer", "older")
	wantGone(t, c.remote("newer"))
	c.wantRemote(t, "older", []byte("newer"))
}

func stepRemove(t *testing.T, c *clientVisit) {
	c.do(t, "mkdir", "removed")
	if info, err := os.Stat(c.remote("removed")); err != nil || !info.IsDir() {
		t.Fatalf("mkdir: %v, %v", info, err)
	}
	writeFile(t, c.remote("removed/file"), []byte("x"))
	c.refused(t, "rmdir", "removed")
	c.do(t, "rm", "removed/file")
	wantGone(t, c.remote("removed/file"))
	c.do(t, "rmdir", "removed")
	wantGone(t, c.remote("removed"))
}

func stepList(t *testing.T, c *clientVisit) {
	makeDir(t, c.remote("many"))
	var want []string
	for i := range 1500 {
		name := "entry " + strconv.Itoa(100000+i)
		want = append(want, name)
		writeFile(t, c.remote("many/"+name), nil)
	}
	makeDir(t, c.remote("many/zub dir"))
	want = append(want, "zub dir")
	got := c.do(t, "list", "many")
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
}

// stat answers size, mode and seconds; "-" is what the client does not show.
func stepStat(t *testing.T, c *clientVisit) {
	name := c.remote("stat.bin")
	writeFile(t, name, pattern("stat", 12345))
	setTime(t, name, shown)
	chmodFile(t, name, 0o640)
	c.wantStat(t, "stat.bin", "12345", "640", strconv.Itoa(shown))
	if err := os.Truncate(name, far); err != nil {
		t.Fatal(err)
	}
	setTime(t, name, shown)
	c.wantStat(t, "stat.bin", strconv.Itoa(far), "640", strconv.Itoa(shown))
	removeFile(t, name)
}

func (c *clientVisit) wantStat(t *testing.T, name string, want ...string) {
	t.Helper()
	got := strings.Fields(strings.Join(c.do(t, "stat", name), " "))
	if len(got) != len(want) || got[0] == "-" {
		t.Fatalf("stat: %q", got)
	}
	for i := range want {
		if got[i] != want[i] && got[i] != "-" {
			t.Errorf("stat: %q, want %q", got, want)
		}
	}
}

func stepChmod(t *testing.T, c *clientVisit) {
	writeFile(t, c.remote("mode"), []byte("x"))
	for _, mode := range []os.FileMode{0o600, 0o755} {
		c.do(t, "chmod", strconv.FormatInt(int64(mode), 8), "mode")
		wantMode(t, c.remote("mode"), mode)
	}
}

// shown is a time that lies whole seconds, and years, ago.
const shown = 1580608922

func stepTouch(t *testing.T, c *clientVisit) {
	writeFile(t, c.remote("touched"), []byte("x"))
	c.do(t, "touch", strconv.Itoa(shown), "touched")
	wantTime(t, c.remote("touched"), shown)
	c.wantRemote(t, "touched", []byte("x"))
}

// putp and getp keep the time, and the mode unless the driver cannot "mode".
func stepKeepUpload(t *testing.T, c *clientVisit) {
	want := pattern("keep up", 100001)
	writeFile(t, c.local("keep-up"), want)
	chmodFile(t, c.local("keep-up"), 0o640)
	setTime(t, c.local("keep-up"), shown)
	c.do(t, "putp", "keep-up", "keep-up")
	c.wantRemote(t, "keep-up", want)
	wantTime(t, c.remote("keep-up"), shown)
	if c.driver.cannot["mode"] == "" {
		wantMode(t, c.remote("keep-up"), 0o640)
	}
}

func stepKeepDownload(t *testing.T, c *clientVisit) {
	want := pattern("keep down", 100001)
	writeFile(t, c.remote("keep-down"), want)
	chmodFile(t, c.remote("keep-down"), 0o640)
	setTime(t, c.remote("keep-down"), shown)
	c.do(t, "getp", "keep-down", "keep-down")
	wantFile(t, c.local("keep-down"), want)
	wantTime(t, c.local("keep-down"), shown)
	if c.driver.cannot["mode"] == "" {
		wantMode(t, c.local("keep-down"), 0o640)
	}
}

func stepSymlink(t *testing.T, c *clientVisit) {
	makeDir(t, c.remote("links"))
	writeFile(t, c.remote("links/target"), []byte("through the link"))
	c.do(t, "symlink", "target", "links/link")
	if target, err := os.Readlink(c.remote("links/link")); err != nil || target != "target" {
		t.Fatalf("readlink on the host: %q, %v", target, err)
	}
	if c.driver.cannot["readlink"] == "" {
		if got := strings.Join(c.do(t, "readlink", "links/link"), ""); got != "target" {
			t.Errorf("readlink: %q", got)
		}
	}
	c.do(t, "get", "links/link", "link.back")
	wantFile(t, c.local("link.back"), []byte("through the link"))
}

func stepHardlink(t *testing.T, c *clientVisit) {
	writeFile(t, c.remote("first"), []byte("twice"))
	c.do(t, "hardlink", "first", "second")
	first, err := os.Stat(c.remote("first"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.Lstat(c.remote("second"))
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(first, second) {
		t.Error("not the same file")
	}
	writeFile(t, c.remote("third"), []byte("in the way"))
	c.refused(t, "hardlink", "first", "third")
	c.wantRemote(t, "third", []byte("in the way"))
}

func stepTreeUpload(t *testing.T, c *clientVisit) {
	writeTree(t, c.local("tree"))
	c.do(t, "puttree", "tree", "tree-up")
	if c.driver.late {
		eventually(5*time.Second, func() bool { return sameTree(t, c.remote("tree-up"), c.local("tree")) == nil })
	}
	wantTree(t, c.remote("tree-up"), c.local("tree"))
}

func stepTreeDownload(t *testing.T, c *clientVisit) {
	writeTree(t, c.remote("tree-down"))
	c.do(t, "gettree", "tree-down", "tree-back")
	wantTree(t, c.local("tree-back"), c.remote("tree-down"))
}

// The server copies, the bytes do not travel.
func stepCopy(t *testing.T, c *clientVisit) {
	want := pattern("copy", 1<<20+9)
	writeFile(t, c.remote("original"), want)
	c.do(t, "copy", "original", "copied")
	c.wantRemote(t, "copied", want)
	c.wantRemote(t, "original", want)
}

func stepSpace(t *testing.T, c *clientVisit) {
	got := strings.Join(c.do(t, "df"), "")
	if n, err := strconv.ParseInt(got, 10, 64); err != nil || n <= 0 {
		t.Errorf("free space: %q", got)
	}
}

func stepHash(t *testing.T, c *clientVisit) {
	name := "hash ä [1].txt"
	writeFile(t, c.remote(name), []byte("hello\n"))
	want := map[string]string{
		"md5":  "b1946ac92492d2347c6235b4d2611184",
		"sha1": "f572d396fae9206628714fb2ce00f72e94f2258f",
	}
	for kind, sum := range want {
		if got := strings.Join(c.do(t, "hash", kind, name), ""); got != sum {
			t.Errorf("%s: %q, want %q", kind, got, sum)
		}
	}
}

func setTime(t *testing.T, name string, seconds int64) {
	t.Helper()
	if err := os.Chtimes(name, time.Unix(seconds, 0), time.Unix(seconds, 0)); err != nil {
		t.Fatal(err)
	}
}
