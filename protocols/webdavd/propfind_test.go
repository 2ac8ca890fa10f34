package webdavd_test

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/protocols/session"
)

const (
	setProperty = `<D:propertyupdate xmlns:D="DAV:" xmlns:n="urn:n"><D:set><D:prop><n:a>1</n:a></D:prop></D:set></D:propertyupdate>`
	exclusive   = `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype>` +
		`<D:owner><D:href>mailto:a@example.com</D:href></D:owner></D:lockinfo>`
	shared = `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>`
)

// ask is the body of a PROPFIND for DAV properties by name.
func ask(names ...string) string {
	body := `<propfind xmlns="DAV:"><prop>`
	for _, n := range names {
		body += "<" + n + "/>"
	}
	return body + "</prop></propfind>"
}

// multistatus is an answer, as a client reads it.
type multistatus struct {
	XMLName   xml.Name `xml:"DAV: multistatus"`
	Responses []struct {
		Href     string `xml:"DAV: href"`
		Status   string `xml:"DAV: status"`
		Propstat []struct {
			Status string `xml:"DAV: status"`
			Prop   struct {
				Any []struct {
					XMLName xml.Name
					Value   string `xml:",innerxml"`
				} `xml:",any"`
			} `xml:"DAV: prop"`
		} `xml:"DAV: propstat"`
	} `xml:"DAV: response"`
}

// properties reads an answer as href → "name" → value; a property that is not
// found is "!404".
func properties(t *testing.T, body string) map[string]map[string]string {
	t.Helper()
	var ms multistatus
	if err := xml.Unmarshal([]byte(body), &ms); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	all := map[string]map[string]string{}
	for _, r := range ms.Responses {
		href, err := url.PathUnescape(r.Href)
		if err != nil {
			t.Fatal(err)
		}
		props := map[string]string{}
		for _, ps := range r.Propstat {
			for _, p := range ps.Prop.Any {
				name := p.XMLName.Local
				if p.XMLName.Space != "DAV:" {
					name = "{" + p.XMLName.Space + "}" + name
				}
				props[name] = p.Value
				if !strings.Contains(ps.Status, " 200 ") {
					props[name] = "!" + strings.Fields(ps.Status)[1]
				}
			}
		}
		if _, twice := all[href]; twice {
			t.Errorf("%s is there twice", href)
		}
		all[href] = props
	}
	return all
}

func TestPropfindNamed(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("d/ü &<.txt", "hello")
	r.write("d/sub/x", "")
	if err := os.Symlink("sub/x", filepath.Join(r.home, "d/link")); err != nil {
		t.Fatal(err)
	}
	body := `<D:propfind xmlns:D="DAV:" xmlns:n="urn:x&amp;y"><D:prop>` +
		`<D:resourcetype/><D:displayname/><D:getcontentlength/><D:getcontenttype/><n:dead/><e xmlns=""/></D:prop></D:propfind>`
	got := properties(t, r.want(207, "PROPFIND", "/d", body, "Depth: 1").body)
	unknown := map[string]string{"{urn:x&y}dead": "!404", "e": "!404"}
	dir := func(name string) map[string]string {
		return map[string]string{
			"resourcetype": "<D:collection/>", "displayname": name, "getcontentlength": "!404", "getcontenttype": "!404",
		}
	}
	file := func(name, size, kind string) map[string]string {
		return map[string]string{"resourcetype": "", "displayname": name, "getcontentlength": size, "getcontenttype": kind}
	}
	want := map[string]map[string]string{
		"/d/": dir("d"), "/d/sub/": dir("sub"),
		"/d/ü &<.txt": file("ü &amp;&lt;.txt", "5", "text/plain; charset=utf-8"),
		"/d/link":     file("link", "0", "application/octet-stream"),
	}
	for _, props := range want {
		for k, v := range unknown {
			props[k] = v
		}
	}
	// A name without a namespace is told apart by the key.
	for _, props := range got {
		if v, ok := props["{}e"]; ok {
			delete(props, "{}e")
			props["e"] = v
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestPropfindAll(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("f", "x")
	names := func(header reply) []string {
		var n []string
		for name := range properties(t, header.body)["/f"] {
			n = append(n, name)
		}
		slices.Sort(n)
		return n
	}
	all := []string{
		"displayname", "getcontentlength", "getcontenttype", "getetag", "getlastmodified",
		"lockdiscovery", "resourcetype", "supportedlock",
	}
	if diff := cmp.Diff(all, names(r.want(207, "PROPFIND", "/f", "", "Depth: 0"))); diff != "" {
		t.Errorf("allprop: (-want +got)\n%s", diff)
	}
	propname := r.want(207, "PROPFIND", "/f", `<propfind xmlns="DAV:"><propname/></propfind>`, "Depth: 0")
	if diff := cmp.Diff(all, names(propname)); diff != "" {
		t.Errorf("propname: (-want +got)\n%s", diff)
	}
	include := `<propfind xmlns="DAV:"><allprop/><include><quota-used-bytes/></include></propfind>`
	got := properties(t, r.want(207, "PROPFIND", "/", include, "Depth: 0").body)["/"]
	if got["quota-used-bytes"] == "" || got["quota-used-bytes"] == "!404" {
		t.Errorf("included property: %v", got)
	}
}

// TestPropfindETag: the validator of a listing is that of PUT and GET.
func TestPropfindETag(t *testing.T) {
	for mode := range 3 {
		r := newRig(t, session.Config{UploadMode: mode})
		for range 2 { // new, replaced
			put := r.call("PUT", "/f", "content").header.Get("ETag")
			get := r.want(200, "GET", "/f", "").header.Get("ETag")
			head := r.want(200, "HEAD", "/f", "").header.Get("ETag")
			list := properties(t, r.want(207, "PROPFIND", "/", ask("getetag"), "Depth: 1").body)["/f"]["getetag"]
			list = strings.ReplaceAll(list, "&#34;", `"`)
			if put == "" || put != get || put != head || put != list {
				t.Errorf("upload mode %d: PUT %s, GET %s, HEAD %s, PROPFIND %s", mode, put, get, head, list)
			}
		}
		before := r.want(200, "HEAD", "/f", "").header.Get("ETag")
		r.want(201, "MOVE", "/f", "", "Destination: @/g")
		if after := r.want(200, "HEAD", "/g", "").header.Get("ETag"); after != before {
			t.Errorf("MOVE changed the validator from %s to %s", before, after)
		}
	}
}

func TestPropfindBodies(t *testing.T) {
	r := newRig(t, session.Config{})
	bomb := `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><propfind xmlns="DAV:"><prop><x>&b;</x></prop></propfind>`
	many := &strings.Builder{}
	for i := range 1000 {
		fmt.Fprintf(many, "<p%d/>", i)
	}
	for name, body := range map[string]string{
		"undeclared prefix":        `<D:propfind xmlns:D="DAV:"><D:prop><x:y/></D:prop></D:propfind>`,
		"empty prefix declaration": `<D:propfind xmlns:D="DAV:"><D:prop><bar:foo xmlns:bar=""/></D:prop></D:propfind>`,
		"prefix out of scope":      `<propfind xmlns="DAV:"><prop><a:b xmlns:a="x"/><a:c/></prop></propfind>`,
		"undeclared on attribute":  `<propfind xmlns="DAV:"><prop><a b:c="d"/></prop></propfind>`,
		"not closed":               `<propfind xmlns="DAV:"><allprop/>`,
		"two documents":            `<propfind xmlns="DAV:"><allprop/></propfind><a/>`,
		"wrong nesting":            `<propfind xmlns="DAV:"><prop><a></b></prop></propfind>`,
		"wrong element":            `<other xmlns="DAV:"/>`,
		"wrong namespace":          `<propfind><allprop/></propfind>`,
		"nothing asked":            `<propfind xmlns="DAV:"/>`,
		"two questions":            `<propfind xmlns="DAV:"><allprop/><propname/></propfind>`,
		"include alone":            `<propfind xmlns="DAV:"><prop><a/></prop><include><b/></include></propfind>`,
		"entities":                 bomb,
		"deep":                     `<propfind xmlns="DAV:"><prop>` + strings.Repeat("<a>", 5000) + strings.Repeat("</a>", 5000) + `</prop></propfind>`,
		"many properties":          `<propfind xmlns="DAV:"><prop>` + many.String() + `</prop></propfind>`,
		"text":                     "hello",
	} {
		if got := r.call("PROPFIND", "/", body, "Depth: 0"); got.status != 400 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	infinite := r.want(403, "PROPFIND", "/", "", "Depth: infinity")
	if !strings.Contains(infinite.body, "<D:propfind-finite-depth/>") {
		t.Errorf("depth infinity: %s", infinite.body)
	}
}

// TestPropfindLarge: a listing larger than any buffer arrives whole.
func TestPropfindLarge(t *testing.T) {
	r := newRig(t, session.Config{})
	for i := range 500 {
		r.write(fmt.Sprintf("d/%03d.bin", i), "")
	}
	got := properties(t, r.want(207, "PROPFIND", "/d/", "", "Depth: 1").body)
	if len(got) != 501 {
		t.Errorf("%d entries", len(got))
	}
}
