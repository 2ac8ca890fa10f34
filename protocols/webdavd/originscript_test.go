package webdavd_test

import (
	"net/http"
	"strings"
	"testing"

	"sftpgo/protocols/session"
)

// A browser runs the script elements of XHTML in any XML document. What a GET of a
// collection tells without the page has elements that users wrote: properties and
// the owners of locks.
func TestNoScriptInXML(t *testing.T) {
	r := newRig(t, session.Config{})
	const script = `<h:script xmlns:h="http://www.w3.org/1999/xhtml">alert(document.domain)</h:script>`
	r.want(http.StatusMultiStatus, "PROPPATCH", "/",
		`<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><p xmlns="urn:x">`+script+`</p></D:prop></D:set></D:propertyupdate>`)
	got := r.want(http.StatusMultiStatus, "GET", "/", "")
	if !strings.Contains(got.body, script) {
		t.Fatalf("the property is not there: %s", got.body)
	}
	if policy := got.header.Get("Content-Security-Policy"); policy != "sandbox; default-src 'none'" {
		t.Errorf("Content-Security-Policy %q lets the script run", policy)
	}
	if sniff := got.header.Get("X-Content-Type-Options"); sniff != "nosniff" {
		t.Errorf("X-Content-Type-Options %q", sniff)
	}
}
