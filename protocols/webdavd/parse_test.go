package webdavd

import (
	"encoding/xml"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/webdav"
)

func TestParseIf(t *testing.T) {
	got, err := parseIf(` <http://h/a> (<urn:x> [W/"e"]) (Not ["f"])  <b> (Not<urn:y>)(not [ "a]b" ])`)
	want := []ifList{
		{"http://h/a", []webdav.Condition{{Token: "urn:x"}, {ETag: `W/"e"`}}},
		{"http://h/a", []webdav.Condition{{Not: true, ETag: `"f"`}}},
		{"b", []webdav.Condition{{Not: true, Token: "urn:y"}}},
		{"b", []webdav.Condition{{Not: true, ETag: `"a]b"`}}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(ifList{})); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

// FuzzParseIf: no header breaks the parser, and what it accepts has conditions.
func FuzzParseIf(f *testing.F) {
	for _, s := range []string{`(<a>)`, `<u> (Not ["e"] <t>) (<x>)`, `(`, `<>()`, `(Not)`, `(N`, "(<a>)\t"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		lists, err := parseIf(s)
		if err == nil && len(lists) == 0 {
			t.Error("accepted without a list")
		}
		for _, l := range lists {
			if len(l.conditions) == 0 {
				t.Errorf("list without conditions in %q", s)
			}
		}
	})
}

// FuzzXML: what the checker lets through does not break the readers behind it,
// and an owner comes out as XML that can stand anywhere.
func FuzzXML(f *testing.F) {
	for _, s := range []string{
		`<propfind xmlns="DAV:"><prop><a/></prop></propfind>`, `<a:b xmlns:a="x"/>`, `<a><![CDATA[x]]></a>`,
		`<D:lockinfo xmlns:D="DAV:" xmlns:o="urn:o" xml:lang="de"><D:owner o:a="1"> x <o:b>o:c</o:b></D:owner></D:lockinfo>`,
		`<lockinfo xmlns="DAV:"><owner>x <b c="&lt;" xml:lang="de"/></owner></lockinfo>`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if checkXML([]byte(s)) != nil {
			return
		}
		_, _ = parsePropfind([]byte(s))
		var info lockInfo
		if xml.Unmarshal([]byte(s), &info) != nil {
			return
		}
		owner, err := ownerOf([]byte(s))
		if err != nil || owner == "" {
			return
		}
		answer := `<D:activelock xmlns:D="DAV:">` + owner + `</D:activelock>`
		var again struct {
			Owner *struct{} `xml:"DAV: owner"`
		}
		if err := checkXML([]byte(answer)); err != nil || xml.Unmarshal([]byte(answer), &again) != nil || again.Owner == nil {
			t.Errorf("owner %q from %q: %v", owner, s, err)
		}
	})
}

// FuzzHref: a name comes back from its URL.
func FuzzHref(f *testing.F) {
	f.Add("/a b/ü%<>&\"'?#[]")
	f.Fuzz(func(t *testing.T, name string) {
		h := string(appendHref(nil, name))
		if strings.ContainsAny(h, "<>&\"' ?#") {
			t.Errorf("%q", h)
		}
		if back, err := url.PathUnescape(h); err != nil || back != name {
			t.Errorf("%q became %q, %v", name, back, err)
		}
	})
}
