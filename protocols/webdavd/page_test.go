package webdavd_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/protocols/webdavd"
)

// browse is a rig with the page for browsers, and b as the rest of its binding.
func browse(t *testing.T, b webdavd.Binding, change ...func(*dataprovider.User)) *rig {
	t.Helper()
	r := newRig(t, session.Config{}, change...)
	b.DirectoryListing = true
	r.serve(slog.New(slog.NewJSONHandler(r.log, nil)), webdavd.Config{}, b, "")
	return r
}

// links are the texts and targets of the links of a page.
func links(t *testing.T, page string) (texts, targets []string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var text func(n *html.Node) string
	text = func(n *html.Node) string {
		s := ""
		if n.Type == html.TextNode {
			s = n.Data
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			s += text(c)
		}
		return s
	}
	for n := range doc.Descendants() {
		switch n.Data {
		case "script", "iframe", "img", "svg", "object", "base", "form":
			if n.Type == html.ElementNode {
				t.Errorf("element <%s>", n.Data)
			}
		case "a":
			texts = append(texts, text(n))
			for _, a := range n.Attr {
				if a.Key == "href" {
					targets = append(targets, a.Val)
				}
			}
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") {
				t.Errorf("attribute %s", a.Key)
			}
		}
	}
	return texts, targets
}

func TestPage(t *testing.T) {
	r := browse(t, webdavd.Binding{})
	r.write("d/b.txt", strings.Repeat("x", 1536))
	r.write("d/A.txt", "a")
	r.write("d/z/in", "")
	r.write("d/ü #1?.pdf", "")
	when := time.Date(2024, 2, 3, 4, 5, 0, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(r.home, "d/b.txt"), when, when); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/d", "/d/"} {
		got := r.want(200, "GET", path, "")
		texts, targets := links(t, got.body)
		if want := []string{"Files", "Parent folder", "z", "A.txt", "b.txt", "ü #1?.pdf"}; !slices.Equal(texts, want) {
			t.Errorf("%s: %q", path, texts)
		}
		want := []string{"/", "/", "/d/z/", "/d/A.txt", "/d/b.txt", "/d/%C3%BC%20%231%3F.pdf"}
		if !slices.Equal(targets, want) {
			t.Errorf("%s: %q", path, targets)
		}
		for _, target := range targets {
			r.want(200, "GET", target, "")
		}
		for _, part := range []string{"1.5 KiB", "1 B", "2024-02-03 04:05", `datetime="2024-02-03T04:05:00Z"`} {
			if !strings.Contains(got.body, part) {
				t.Errorf("no %q", part)
			}
		}
	}
	root := r.want(200, "GET", "/", "")
	if strings.Contains(root.body, "Parent folder") {
		t.Error("the root has a parent")
	}
	head := r.want(200, "HEAD", "/d", "")
	if head.body != "" || head.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("HEAD: %v", head)
	}
	r.write("empty/f", "")
	r.want(204, "DELETE", "/empty/f", "")
	if got := r.want(200, "GET", "/empty/", ""); !strings.Contains(got.body, "This folder is empty") {
		t.Error(got.body)
	}
	r.want(404, "GET", "/nothing/", "")
	r.want(405, "POST", "/d", "")
	r.want(401, "GET", "/", "", "Login: -")
}

// TestPageNeedsList: the page shows no more than a client may list.
func TestPageNeedsList(t *testing.T) {
	r := browse(t, webdavd.Binding{}, func(u *dataprovider.User) {
		u.Permissions = map[string][]string{"/": {"list"}, "/closed": {"upload"}}
	})
	r.write("closed/secret", "1")
	for _, method := range []string{"GET", "HEAD"} {
		if got := r.want(403, method, "/closed/", ""); strings.Contains(got.body, "secret") {
			t.Error(got.body)
		}
	}
}

// TestPageRunsNothing: no name becomes markup, and the policy allows the style of
// the page alone.
func TestPageRunsNothing(t *testing.T) {
	r := browse(t, webdavd.Binding{})
	names := []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `javascript:alert(1)`,
		`{{.Style}}`, `&lt;b&gt;`, `<!--`, `]]>`, `<svg onload=alert(1)>`, `</title><script>x</script>`, `--><script>`,
	}
	var want []string
	for _, name := range names {
		name = strings.ReplaceAll(name, "/", "∕")
		want = append(want, name)
		r.write("d/"+name+"/inner/f", "")
	}
	slices.Sort(want)
	got := r.want(200, "GET", "/d/", "")
	texts, targets := links(t, got.body)
	texts = texts[2:]
	slices.Sort(texts)
	if !slices.Equal(texts, want) {
		t.Errorf("%q", texts)
	}
	for _, target := range targets[2:] {
		if !strings.HasPrefix(target, "/d/") {
			t.Errorf("link to %q", target)
		}
		inner := r.want(200, "GET", target+"inner/", "")
		if _, to := links(t, inner.body); !slices.Contains(to, target) {
			t.Errorf("%q does not lead back to %q", to, target)
		}
	}
	policy := got.header.Get("Content-Security-Policy")
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(got.body)
	if style == nil {
		t.Fatal("no style")
	}
	sum := sha256.Sum256([]byte(style[1]))
	if want := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, want) {
		t.Errorf("policy %q, want %q", policy, want)
	}
	for _, part := range []string{"default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("policy %q without %q", policy, part)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "script-src") {
		t.Errorf("policy %q", policy)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"} {
		if got := got.header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestPageIsBounded(t *testing.T) {
	r := browse(t, webdavd.Binding{})
	dir := filepath.Join(r.home, "many")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 5001 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got := r.want(200, "GET", "/many/", "")
	if n := strings.Count(got.body, "<tr>"); n != 5002 || !strings.Contains(got.body, "5000 of its entries are shown") {
		t.Errorf("%d rows", n)
	}
}

// TestPageOff: without the page a directory answers as to a PROPFIND.
func TestPageOff(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("d/f", "")
	if got := r.want(207, "GET", "/d", ""); !strings.Contains(got.body, "<D:href>/d/f</D:href>") {
		t.Error(got.body)
	}
}

// TestUploadsRunNothing: what browsers might run is saved, and nothing is opened
// in the origin of the server.
func TestUploadsRunNothing(t *testing.T) {
	r := newRig(t, session.Config{})
	for name, inline := range map[string]bool{
		"a.html": false, "a.htm": false, "a.xhtml": false, "a.svg": false, "a.xml": false, "a.mht": false, "a.js": false, "a.swf": false,
		"a": false, "a.bin": false, "A.HTML": false, "a.xsl": false, "a.rss": false,
		"a.txt": true, "a.png": true, "a.jpg": true, "a.pdf": true, "a.mp4": true, "a.mp3": true, "a.json": true,
	} {
		r.write(name, "<script>alert(1)</script>")
		for _, method := range []string{"GET", "HEAD"} {
			h := r.want(200, method, "/"+name, "").header
			if got := h.Get("Content-Disposition") == ""; got != inline {
				t.Errorf("%s %s (%s) inline: %v", method, name, h.Get("Content-Type"), got)
			}
			if h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
				t.Errorf("%s: %v", name, h)
			}
			if sandbox := strings.HasPrefix(h.Get("Content-Security-Policy"), "sandbox;"); sandbox == strings.HasSuffix(name, ".pdf") {
				t.Errorf("%s in a sandbox: %v", name, sandbox)
			}
		}
	}
	h := r.want(416, "GET", "/a.html", "", "Range: bytes=999-").header
	if h.Get("Content-Type") != "text/plain; charset=utf-8" || h.Get("Content-Disposition") != "" {
		t.Errorf("416: %v", h)
	}
	r.want(404, "GET", "/"+url.PathEscape("<script>alert(1)"), "")
}
