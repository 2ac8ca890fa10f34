package webdavd

import "testing"

// FuzzPropertyUpdate: what is kept of a property can stand in a document, and is kept
// unchanged when it is sent again.
func FuzzPropertyUpdate(f *testing.F) {
	for _, prop := range []string{
		`<a/>`, `<n:a xml:lang="de">x<!-- --><![CDATA[<]]>&#x1D11E;</n:a>`, `<a xmlns=""/>`, `<q:a xmlns:q="DAV:" q:b="n:c"/>`,
		`<n:a><n:b xmlns:n="urn:m"/>` + "\r\n</n:a>", `<n:a xmlns:p="urn:n" p:x="1" n:x="2"/>`,
	} {
		f.Add(`<propertyupdate xmlns="DAV:" xmlns:n="urn:n" xml:lang="fr"><set><prop>` + prop + `</prop></set></propertyupdate>`)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if checkXML([]byte(body)) != nil {
			return
		}
		updates, err := parseUpdates([]byte(body))
		if err != nil {
			return
		}
		for _, u := range updates {
			if u.Remove || u.large {
				continue
			}
			again := `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>` + u.XML + `</D:prop></D:set></D:propertyupdate>`
			if err := checkXML([]byte(again)); err != nil {
				t.Fatalf("%v in %s", err, again)
			}
			got, err := parseUpdates([]byte(again))
			if err != nil || len(got) != 1 || got[0].Property != u.Property {
				t.Fatalf("%s\nbecame %+v, %v", u.XML, got, err)
			}
		}
	})
}
