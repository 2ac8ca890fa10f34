package main

import (
	"bytes"
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// clientStep is something that users of each client do.
type clientStep struct {
	name  string
	verbs []string // what the client must be able to
	run   func(t *testing.T, c *clientVisit)
}

// clientSteps is the table. A step makes what it needs, under names of its own.
func clientSteps() []clientStep {
	return []clientStep{
		{"upload", []string{"put"}, stepUpload},
		{"download", []string{"get"}, stepDownload},
		{"empty", []string{"put", "get"}, stepEmpty},
		{"overwrite", []string{"put"}, stepOverwrite},
		{"unicode", []string{"put", "get"}, stepUnicode},
		{"missing", []string{"get"}, stepMissing},
		{"outside", []string{"get"}, stepOutside},
		{"resume-upload", []string{"reput"}, stepResumeUpload},
		{"resume-download", []string{"reget"}, stepResumeDownload},
		{"append", []string{"append"}, stepAppend},
		{"far-upload", []string{"reput"}, stepFarUpload},
		{"far-download", []string{"reget"}, stepFarDownload},
		{"random-access", []string{"writeat", "readat"}, stepRandomAccess},
		{"range", []string{"readat"}, stepRange},
		{"rename", []string{"rename"}, stepRename},
		{"rename-over", []string{"rename"}, stepRenameOver},
		{"remove", []string{"mkdir", "rm", "rmdir"}, stepRemove},
		{"list", []string{"list"}, stepList},
		{"stat", []string{"stat"}, stepStat},
		{"chmod", []string{"chmod"}, stepChmod},
		{"touch", []string{"touch"}, stepTouch},
		{"keep-upload", []string{"putp"}, stepKeepUpload},
		{"keep-download", []string{"getp"}, stepKeepDownload},
		{"symlink", []string{"symlink"}, stepSymlink},
		{"hardlink", []string{"hardlink"}, stepHardlink},
		{"tree-upload", []string{"puttree"}, stepTreeUpload},
		{"tree-download", []string{"gettree"}, stepTreeDownload},
		{"copy", []string{"copy"}, stepCopy},
		{"space", []string{"df"}, stepSpace},
		{"hash", []string{"hash"}, stepHash},
	}
}

// clientVisit is one client in its home.
type clientVisit struct {
	driver  *clientDriver
	process *clientProcess
	mode    string
	home    string // on the host
	work    string // the directory of the client
	dav     string // the address of WebDAV
}

func (c *clientVisit) do(t *testing.T, words ...string) []string {
	t.Helper()
	data, err := c.process.do(words...)
	if err != nil {
		t.Fatalf("%s %q: %v", c.driver.name, words, err)
	}
	return data
}

// refused is for what must fail, by an answer of the server.
func (c *clientVisit) refused(t *testing.T, words ...string) {
	t.Helper()
	data, err := c.process.do(words...)
	var why refusal
	switch {
	case err == nil:
		t.Fatalf("%s %q succeeded: %q", c.driver.name, words, data)
	case !errors.As(err, &why):
		t.Fatalf("%s %q: %v", c.driver.name, words, err)
	}
}

func (c *clientVisit) remote(name string) string { return filepath.Join(c.home, name) }
func (c *clientVisit) local(name string) string  { return filepath.Join(c.work, name) }

// wantRemote checks a file of the server. Where a client returns before the server
// has closed the file, it waits a little.
func (c *clientVisit) wantRemote(t *testing.T, name string, want []byte) {
	t.Helper()
	if c.driver.late {
		eventually(5*time.Second, func() bool {
			got, err := os.ReadFile(c.remote(name))
			return err == nil && bytes.Equal(got, want)
		})
	}
	wantFile(t, c.remote(name), want)
}

func stepUpload(t *testing.T, c *clientVisit) {
	want := pattern("upload", 3<<20+17)
	writeFile(t, c.local("up.bin"), want)
	c.do(t, "put", "up.bin", "uploaded.bin")
	c.wantRemote(t, "uploaded.bin", want)
}

func stepDownload(t *testing.T, c *clientVisit) {
	want := pattern("download", 3<<20+17)
	writeFile(t, c.remote("down.bin"), want)
	c.do(t, "get", "down.bin", "downloaded.bin")
	wantFile(t, c.local("downloaded.bin"), want)
}

func stepEmpty(t *testing.T, c *clientVisit) {
	writeFile(t, c.local("empty"), nil)
	c.do(t, "put", "empty", "empty")
	c.wantRemote(t, "empty", nil)
	c.do(t, "get", "empty", "empty.back")
	wantFile(t, c.local("empty.back"), nil)
}

// A shorter file leaves nothing of the longer one.
func stepOverwrite(t *testing.T, c *clientVisit) {
	writeFile(t, c.remote("over.bin"), pattern("old", 400<<10))
	want := pattern("new", 100<<10)
	writeFile(t, c.local("over.bin"), want)
	c.do(t, "put", "over.bin", "over.bin")
	c.wantRemote(t, "over.bin", want)
}

const (
	unicodeDir  = "ünïcödé 文件 🎉"
	unicodeFile = "naïve – Straße 日本.txt"
)

func stepUnicode(t *testing.T, c *clientVisit) {
	makeDir(t, c.remote(unicodeDir))
	name := path.Join(unicodeDir, unicodeFile)
	want := pattern("unicode", 5000)
	writeFile(t, c.local(unicodeFile), want)
	c.do(t, "put", unicodeFile, name)
	c.wantRemote(t, name, want)
	c.do(t, "get", name, "unicode.back")
	wantFile(t, c.local("unicode.back"), want)
	if c.driver.cannot["list"] == "" {
		if diff := cmp.Diff([]string{unicodeFile}, c.do(t, "list", unicodeDir)); diff != "" {
			t.Errorf("list (-want +got):\n%s", diff)
		}
	}
}

func stepMissing(t *testing.T, c *clientVisit) {
	c.refused(t, "get", "nothing-of-that-name", "nothing.back")
	if info, err := os.Stat(c.local("nothing.back")); err == nil && info.Size() > 0 {
		t.Errorf("%d bytes of nothing came", info.Size())
	}
	if c.driver.cannot["rm"] == "" {
		c.refused(t, "rm", "nothing-of-that-name")
	}
	// The session goes on.
	writeFile(t, c.remote("still"), []byte("still"))
	c.do(t, "get", "still", "still.back")
	wantFile(t, c.local("still.back"), []byte("still"))
}

func stepOutside(t *testing.T, c *clientVisit) {
	secret := filepath.Join(filepath.Dir(c.home), "outside-"+c.driver.name)
	writeFile(t, secret, []byte("not for you"))
	c.refused(t, "get", "../outside-"+c.driver.name, "outside.back")
	if err := os.Symlink(secret, c.remote("outside-link")); err != nil {
		t.Fatal(err)
	}
	c.refused(t, "get", "outside-link", "outside.back")
	if text, _ := os.ReadFile(c.local("outside.back")); len(text) > 0 {
		t.Errorf("came from outside: %q", text)
	}
	if err := os.Remove(c.remote("outside-link")); err != nil {
		t.Fatal(err)
	}
}

func stepResumeUpload(t *testing.T, c *clientVisit) {
	want := pattern("reput", 2<<20+5)
	writeFile(t, c.local("reput.bin"), want)
	writeFile(t, c.remote("reput.bin"), want[:700001])
	c.do(t, "reput", "reput.bin", "reput.bin")
	c.wantRemote(t, "reput.bin", want)
}

func stepResumeDownload(t *testing.T, c *clientVisit) {
	want := pattern("reget", 2<<20+5)
	writeFile(t, c.remote("reget.bin"), want)
	writeFile(t, c.local("reget.bin"), want[:700001])
	c.do(t, "reget", "reget.bin", "reget.bin")
	wantFile(t, c.local("reget.bin"), want)
}

// What a client appends goes behind what is there, also when it does not say where
// that ends.
func stepAppend(t *testing.T, c *clientVisit) {
	old, more := pattern("old", 70001), pattern("more", 1<<20+1)
	writeFile(t, c.remote("append.bin"), old)
	writeFile(t, c.local("append.bin"), more)
	c.do(t, "append", "append.bin", "append.bin")
	c.wantRemote(t, "append.bin", slices.Concat(old, more))
}

// far is beyond what 32 bits count.
const far = 9 << 29 // 4.5 GiB

func stepFarUpload(t *testing.T, c *clientVisit) {
	tail := pattern("far up", 1<<20)
	writeFar(t, c.local("far-up.bin"), tail)
	hole(t, c.remote("far-up.bin"))
	c.do(t, "reput", "far-up.bin", "far-up.bin")
	wantFar(t, c.remote("far-up.bin"), tail)
	removeFile(t, c.remote("far-up.bin"), c.local("far-up.bin"))
}

func stepFarDownload(t *testing.T, c *clientVisit) {
	tail := pattern("far down", 1<<20)
	writeFar(t, c.remote("far-down.bin"), tail)
	hole(t, c.local("far-down.bin"))
	c.do(t, "reget", "far-down.bin", "far-down.bin")
	wantFar(t, c.local("far-down.bin"), tail)
	removeFile(t, c.remote("far-down.bin"), c.local("far-down.bin"))
}

// A program writes a megabyte behind the end, then one within, and reads back.
func stepRandomAccess(t *testing.T, c *clientVisit) {
	tail, middle := pattern("tail", 1<<20), pattern("middle", 70001)
	writeFile(t, c.local("tail"), tail)
	writeFile(t, c.local("middle"), middle)
	writeFile(t, c.remote("random.bin"), []byte("begin"))
	c.do(t, "writeat", "tail", "random.bin", strconv.Itoa(far))
	wantFar(t, c.remote("random.bin"), tail)
	c.do(t, "writeat", "middle", "random.bin", "1000001")
	wantAt(t, c.remote("random.bin"), 1000001, middle)
	wantAt(t, c.remote("random.bin"), 0, []byte("begin\x00"))
	wantFar(t, c.remote("random.bin"), tail)
	c.do(t, "readat", "random.bin", strconv.Itoa(far), strconv.Itoa(len(tail)), "tail.back")
	wantFile(t, c.local("tail.back"), tail)
	removeFile(t, c.remote("random.bin"))
}

func stepRange(t *testing.T, c *clientVisit) {
	all := pattern("range", 300000)
	writeFile(t, c.remote("range.bin"), all)
	c.do(t, "readat", "range.bin", "100001", "50000", "range.back")
	wantFile(t, c.local("range.back"), all[100001:150001])
	writeFar(t, c.remote("range.bin"), all)
	c.do(t, "readat", "range.bin", strconv.Itoa(far+7), "50000", "range.back")
	wantFile(t, c.local("range.back"), all[7:50007])
	removeFile(t, c.remote("range.bin"))
}
