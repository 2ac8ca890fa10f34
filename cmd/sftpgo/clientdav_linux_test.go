package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDAVClients is TestClients for those of WebDAV: testdata/clients/webdav.
func TestDAVClients(t *testing.T) {
	t.Parallel()
	drivers, err := clientDrivers("testdata/clients/webdav")
	if err != nil {
		t.Fatal(err)
	}
	server := newRealServer(t, "SFTPGO_COMMON__UPLOAD_MODE=1", "SFTPGO_DATA_PROVIDER__TRACK_QUOTA=0")
	for _, d := range drivers {
		server.addUser(t, d.name)
	}
	if err := server.start(); err != nil {
		t.Fatal(err)
	}
	site, err := newDAVSite(server)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range drivers {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			d.require(t)
			site.visit(t, d)
		})
	}
}

func newDAVSite(server *realServer) (*clientSite, error) {
	lib, err := filepath.Abs("testdata/clients/lib")
	if err != nil {
		return nil, err
	}
	modules, err := nodeModules()
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(server.dav)
	if err != nil {
		return nil, err
	}
	return &clientSite{server: server, mode: "1", steps: davSteps(), env: append(os.Environ(),
		"LC_ALL=C.UTF-8", "TZ=UTC", "NODE_PATH="+modules+":"+lib,
		"LIB="+lib, "HOST="+host, "PORT="+port, "PASSWORD="+secretOfAll,
	)}, nil
}

// davSteps are the steps of all clients that WebDAV has something for, and its own.
func davSteps() []clientStep {
	// WebDAV sets no modes and knows no links, and who gets a file is not told its
	// owner.
	without := []string{"chmod", "symlink", "hardlink", "hash", "random-access", "resume-upload", "append", "far-upload", "keep-upload"}
	steps := slices.DeleteFunc(clientSteps(), func(s clientStep) bool { return slices.Contains(without, s.name) })
	return append(steps,
		clientStep{"stream", []string{"putstream"}, stepStream},
		clientStep{"odd-names", []string{"put", "get", "list", "rename", "rm"}, stepOddNames},
		clientStep{"remove-tree", []string{"mkdir", "rmtree"}, stepRemoveTree},
		clientStep{"copy-tree", []string{"copytree"}, stepCopyTree},
		clientStep{"conditional", []string{"etag", "putif", "putnew"}, stepConditional},
		clientStep{"lock", []string{"lock", "unlock"}, stepLock},
		clientStep{"properties", []string{"propset", "propget"}, stepProperties},
	)
}

// What a client sends without telling how much it will be.
func stepStream(t *testing.T, c *clientVisit) {
	want := pattern("stream", 3<<20+17)
	writeFile(t, c.local("stream.bin"), want)
	c.do(t, "putstream", "stream.bin", "streamed.bin")
	c.wantRemote(t, "streamed.bin", want)
}

// oddNames mean something in URLs, XML, shells or headers.
var oddNames = []string{
	"100% %41%2f", "a#b?c=d+e", `it's  "q"`, "a&b<c>&amp;", "a;b=c,d:e@f", "[x]{y}*$HOME`", `^|!()\~`,
	" lead", "trail ", "-rf", "...", "é e\u0301", strings.Repeat("ä", 120),
}

// A client that moves trees starts anew for each file, which takes time: one tree
// is enough for most of the names.
func stepOddNames(t *testing.T, c *clientVisit) {
	names := oddNames
	if c.driver.cannot["puttree"] == "" {
		names = oddNames[:2]
		makeDir(t, c.local("odd tree"))
		for i, name := range oddNames {
			writeFile(t, filepath.Join(c.local("odd tree"), name), pattern(name, i))
		}
		c.do(t, "puttree", "odd tree", "odd tree")
		wantTree(t, c.remote("odd tree"), c.local("odd tree"))
		c.do(t, "gettree", "odd tree", "odd tree.back")
		wantTree(t, c.local("odd tree.back"), c.remote("odd tree"))
	}
	makeDir(t, c.remote("odd"))
	for i, name := range names {
		want := pattern(name, 100+i)
		writeFile(t, c.local("odd.bin"), want)
		c.do(t, "put", "odd.bin", "odd/"+name)
		c.wantRemote(t, "odd/"+name, want)
		c.do(t, "get", "odd/"+name, "odd.back")
		wantFile(t, c.local("odd.back"), want)
		listed := []string{name}
		if c.driver.cannot["outer-spaces"] != "" {
			listed[0] = strings.TrimSpace(name)
		}
		if diff := cmp.Diff(listed, c.do(t, "list", "odd")); diff != "" {
			t.Errorf("list (-want +got):\n%s", diff)
		}
		c.do(t, "rename", "odd/"+name, "odd/2"+name)
		c.wantRemote(t, "odd/2"+name, want)
		wantGone(t, c.remote("odd/"+name))
		c.do(t, "rm", "odd/2"+name)
		wantGone(t, c.remote("odd/2"+name))
	}
}

func stepRemoveTree(t *testing.T, c *clientVisit) {
	c.do(t, "mkdir", "tree-rm")
	if info, err := os.Stat(c.remote("tree-rm")); err != nil || !info.IsDir() {
		t.Fatalf("mkdir: %v, %v", info, err)
	}
	writeTree(t, c.remote("tree-rm/in"))
	c.do(t, "rmtree", "tree-rm")
	wantGone(t, c.remote("tree-rm"))
	c.refused(t, "rmtree", "tree-rm")
}

func stepCopyTree(t *testing.T, c *clientVisit) {
	writeTree(t, c.remote("tree-src"))
	c.do(t, "copytree", "tree-src", "tree-dst")
	wantTree(t, c.remote("tree-dst"), c.remote("tree-src"))
}

// A client replaces what it has seen, and nothing else.
func stepConditional(t *testing.T, c *clientVisit) {
	writeFile(t, c.local("first"), []byte("first"))
	writeFile(t, c.local("second"), []byte("second"))
	c.do(t, "putnew", "first", "condition")
	c.refused(t, "putnew", "second", "condition")
	c.wantRemote(t, "condition", []byte("first"))
	seen := strings.Join(c.do(t, "etag", "condition"), "")
	if !strings.HasPrefix(seen, `"`) {
		t.Fatalf("etag %q is not strong", seen)
	}
	c.do(t, "putif", "second", "condition", seen)
	c.wantRemote(t, "condition", []byte("second"))
	c.refused(t, "putif", "first", "condition", seen)
	c.wantRemote(t, "condition", []byte("second"))
}

// While a client holds a lock, others do not write.
func stepLock(t *testing.T, c *clientVisit) {
	writeFile(t, c.remote("locked"), []byte("locked"))
	token := strings.Join(c.do(t, "lock", "locked"), "")
	if !strings.Contains(token, ":") {
		t.Fatalf("token %q", token)
	}
	if status := c.davPut(t, "locked", "other"); status != http.StatusLocked {
		t.Errorf("PUT to a locked file: %d", status)
	}
	c.wantRemote(t, "locked", []byte("locked"))
	c.do(t, "unlock", "locked", token)
	if status := c.davPut(t, "locked", "other"); status != http.StatusNoContent {
		t.Errorf("PUT to a file that was locked: %d", status)
	}
	c.wantRemote(t, "locked", []byte("other"))
}

// Properties of a client stay with the file, wherever it goes.
func stepProperties(t *testing.T, c *clientVisit) {
	writeFile(t, c.remote("painted"), []byte("x"))
	c.do(t, "propset", "painted", "color", "dark red")
	if got := strings.Join(c.do(t, "propget", "painted", "color"), ""); got != "dark red" {
		t.Errorf("property: %q", got)
	}
	c.do(t, "rename", "painted", "repainted")
	c.do(t, "propset", "repainted", "size", "blå 文")
	for key, want := range map[string]string{"color": "dark red", "size": "blå 文"} {
		if got := strings.Join(c.do(t, "propget", "repainted", key), ""); got != want {
			t.Errorf("%s after the move: %q, want %q", key, got, want)
		}
	}
}

// davPut is a PUT of somebody else with the same account.
func (c *clientVisit) davPut(t *testing.T, name, content string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+c.dav+"/"+name, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(c.driver.name, secretOfAll)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}
