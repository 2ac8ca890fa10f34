package webdavd_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
)

// update is a PROPPATCH body with D as DAV and n as urn:n.
func update(instructions string) string {
	return `<?xml version="1.0"?><D:propertyupdate xmlns:D="DAV:" xmlns:n="urn:n">` + instructions + `</D:propertyupdate>`
}

func setting(props string) string { return "<D:set><D:prop>" + props + "</D:prop></D:set>" }

func removing(props string) string { return "<D:remove><D:prop>" + props + "</D:prop></D:remove>" }

// named asks for properties of any namespace; n is urn:n.
func named(props string) string {
	return `<D:propfind xmlns:D="DAV:" xmlns:n="urn:n" xmlns:Z="urn:schemas-microsoft-com:"><D:prop>` + props + `</D:prop></D:propfind>`
}

// patch compares the outcome per property; "" is success.
func (r *rig) patch(path, body string, want map[string]string, header ...string) {
	r.t.Helper()
	t := r.t.(*testing.T)
	for _, got := range properties(t, r.want(207, "PROPPATCH", path, body, header...).body) {
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("PROPPATCH %s (-want +got)\n%s", path, d)
		}
	}
}

// dead is what PROPFIND tells of n:a, n:b and n:c.
func (r *rig) dead(path string, header ...string) map[string]string {
	r.t.Helper()
	got := properties(r.t.(*testing.T), r.want(207, "PROPFIND", path, named("<n:a/><n:b/><n:c/>"), append(header, "Depth: 0")...).body)
	for _, props := range got {
		for name, value := range props {
			if value == "!404" {
				delete(props, name)
			}
		}
		return props
	}
	return nil
}

func TestProppatch(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("f", "x")
	ab := map[string]string{"{urn:n}a": "", "{urn:n}b": ""}
	r.patch("/f", update(setting("<n:a>1</n:a><n:b><x>2</x></n:b>")), ab)
	want := map[string]string{"{urn:n}a": "1", "{urn:n}b": "<x>2</x>"}
	if d := cmp.Diff(want, r.dead("/f")); d != "" {
		t.Error(d)
	}
	// In their order, and what is not there can be removed.
	r.patch("/f", update(setting("<n:a>3</n:a>")+removing("<n:b/><n:a/>")+setting("<n:a>4</n:a>")+removing("<n:c/>")),
		map[string]string{"{urn:n}a": "", "{urn:n}b": "", "{urn:n}c": ""})
	if d := cmp.Diff(map[string]string{"{urn:n}a": "4"}, r.dead("/f")); d != "" {
		t.Error(d)
	}
	// All or nothing.
	r.patch("/f", update(setting("<n:a>5</n:a><D:getetag>x</D:getetag><n:b/>")+removing("<n:c/>")),
		map[string]string{"{urn:n}a": "!424", "getetag": "!403", "{urn:n}b": "!424", "{urn:n}c": "!424"})
	if d := cmp.Diff(map[string]string{"{urn:n}a": "4"}, r.dead("/f")); d != "" {
		t.Error(d)
	}
	for _, live := range []string{
		"creationdate", "displayname", "getcontentlength", "getcontenttype", "getetag", "getlastmodified",
		"lockdiscovery", "quota-available-bytes", "quota-used-bytes", "resourcetype", "supportedlock",
	} {
		for _, body := range []string{setting("<D:" + live + "/>"), removing("<D:" + live + "/>")} {
			got := r.want(207, "PROPPATCH", "/f", update(body))
			if !strings.Contains(got.body, "403") || !strings.Contains(got.body, "<D:error><D:cannot-modify-protected-property/></D:error>") {
				t.Errorf("%s: %s", live, got.body)
			}
		}
	}
	// Dead ones with names of DAV, of no namespace, and of what nobody has heard of.
	r.patch("/f", update(setting(`<D:getcontentlanguage>de</D:getcontentlanguage><none xmlns="">1</none><c:é xmlns:c="urn:ü"/>`)),
		map[string]string{"getcontentlanguage": "", "{}none": "", "{urn:ü}é": ""})
	all := properties(t, r.want(207, "PROPFIND", "/f", "").body)["/f"]
	for name, value := range map[string]string{"getcontentlanguage": "de", "{}none": "1", "{urn:ü}é": "", "{urn:n}a": "4", "getcontentlength": "1"} {
		if got, ok := all[name]; !ok || got != value {
			t.Errorf("allprop: %s = %q, %v, want %q", name, got, ok, value)
		}
	}
	if strings.Count(r.log.String(), `"sender":"Proppatch"`) != 3 {
		t.Errorf("log: %s", r.log)
	}
	if e := r.events(); len(e) > 0 {
		t.Errorf("events %v", e)
	}
}

// TestXMLEncodings: UTF-16 in both orders, and UTF-8 with a mark.
func TestXMLEncodings(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("f", "x")
	body := strings.Replace(update(setting("<n:a>ä 𝄞</n:a>")), `"1.0"`, `"1.0" encoding="utf-16"`, 1)
	units := utf16.Encode([]rune("\ufeff" + body))
	big, _ := binary.Append(nil, binary.BigEndian, units)
	little, _ := binary.Append(nil, binary.LittleEndian, units)
	for name, sent := range map[string]string{
		"big": string(big), "little": string(little), "mark": "\ufeff" + update(setting("<n:a>ä 𝄞</n:a>")),
	} {
		r.patch("/f", sent, map[string]string{"{urn:n}a": ""})
		if d := cmp.Diff(map[string]string{"{urn:n}a": "ä 𝄞"}, r.dead("/f")); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		r.patch("/f", update(removing("<n:a/>")), map[string]string{"{urn:n}a": ""})
	}
	r.want(400, "PROPPATCH", "/f", string(big[:len(big)-1]))
	r.want(400, "PROPPATCH", "/f", strings.Replace(body, "utf-16", "ebcdic", 1))
}

func TestProppatchMalformed(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("f", "x")
	for name, body := range map[string]string{
		"nothing":             "",
		"no instruction":      update(""),
		"no property":         update(setting("") + "<D:set/>"),
		"another root":        "<D:prop xmlns:D='DAV:'><D:set><D:prop><D:a/></D:prop></D:set></D:prop>",
		"no namespace":        "<propertyupdate><set><prop><a/></prop></set></propertyupdate>",
		"prefix not declared": update(setting("<q:a/>")),
		"prefix inside":       update(setting("<n:a><q:b/></n:a>")),
		"cut":                 update(setting("<n:a>"))[:80],
		"xml namespace":       update(setting("<xml:a/>")),
		"xmlns as prefix":     update(setting("<xmlns:a/>")),
		"xml declared":        update(setting(`<q:a xmlns:q="http://www.w3.org/XML/1998/namespace"/>`)),
		"xmlns declared":      update(setting(`<q:a xmlns:q="http://www.w3.org/2000/xmlns/"/>`)),
		"xml redeclared":      update(setting(`<n:a xmlns:xml="urn:x"/>`)),
		"long name":           update(setting(`<q:a xmlns:q="` + strings.Repeat("x", 2000) + `"/>`)),
		"doubled attribute":   update(setting(`<n:a xmlns:p="urn:n" p:x="1" n:x="2"/>`)),
		"entity":              `<!DOCTYPE a [<!ENTITY e "x">]>` + update(setting("<n:a>&e;</n:a>"))[21:],
	} {
		if got := r.call("PROPPATCH", "/f", body); got.status != 400 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	r.want(413, "PROPPATCH", "/f", update(setting(strings.Repeat("<n:a/>", 1001))))
	if got := r.dead("/f"); len(got) > 0 {
		t.Errorf("left: %v", got)
	}
}

// TestPropertyValues: what comes back says what was sent (RFC 4918 section 4.3).
func TestPropertyValues(t *testing.T) {
	tests := map[string]struct{ sent, told string }{
		"empty":                {`<n:a/>`, `<n:a xmlns:n="urn:n"></n:a>`},
		"text":                 {`<n:a>x &lt; &amp; &#x1D11E; 𝄞 "'</n:a>`, `<n:a xmlns:n="urn:n">x &lt; &amp; 𝄞 𝄞 "'</n:a>`},
		"white space":          {"<n:a>\n  x\t&#xD;\n</n:a>", "<n:a xmlns:n=\"urn:n\">\n  x\t&#xD;\n</n:a>"},
		"cdata":                {`<n:a><![CDATA[<b>&]]></n:a>`, `<n:a xmlns:n="urn:n">&lt;b&gt;&amp;</n:a>`},
		"mixed content":        {`<n:a>1<n:b>2</n:b>3<c/>4</n:a>`, `<n:a xmlns:n="urn:n">1<n:b>2</n:b>3<c></c>4</n:a>`},
		"comment, instruction": {`<n:a>1<!-- c --><?p i?>2</n:a>`, `<n:a xmlns:n="urn:n">12</n:a>`},
		"inner declaration":    {`<n:a><q:b xmlns:q="urn:q" q:c="1" d="2"/></n:a>`, `<n:a xmlns:n="urn:n"><q:b xmlns:q="urn:q" q:c="1" d="2"></q:b></n:a>`},
		"attributes":           {`<n:a b="&quot;&#10;&lt;'" n:c="é"/>`, `<n:a b="&quot;&#xA;&lt;'" n:c="é" xmlns:n="urn:n"></n:a>`},
		"own language":         {`<n:a xml:lang="de">x</n:a>`, `<n:a xml:lang="de" xmlns:n="urn:n">x</n:a>`},
		"default namespace":    {`<a xmlns="urn:n"><b/><c xmlns=""/></a>`, `<a xmlns="urn:n"><b></b><c xmlns=""></c></a>`},
		"D is another":         {`<D:a xmlns:D="urn:n"><D:b/></D:a>`, `<D:a xmlns:D="urn:n"><D:b></D:b></D:a>`},
		"DAV inside":           {`<n:a><D:href>/x</D:href></n:a>`, `<n:a xmlns:D="DAV:" xmlns:n="urn:n"><D:href>/x</D:href></n:a>`},
		"prefix in values":     {`<n:a t="D:x">n:y</n:a>`, `<n:a t="D:x" xmlns:D="DAV:" xmlns:n="urn:n">n:y</n:a>`},
		"redeclared":           {`<n:a><n:b xmlns:n="urn:other"/><n:c/></n:a>`, `<n:a xmlns:n="urn:n"><n:b xmlns:n="urn:other"></n:b><n:c></n:c></n:a>`},
	}
	r := newRig(t, session.Config{})
	r.write("f", "x")
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r.patch("/f", update(setting(tt.sent)), map[string]string{"{urn:n}a": ""})
			for _, body := range []string{named("<n:a/>"), ""} {
				if got := r.want(207, "PROPFIND", "/f", body, "Depth: 0").body; !strings.Contains(got, tt.told) {
					t.Errorf("sent %s, want %s in\n%s", tt.sent, tt.told, got)
				}
			}
		})
	}
	// What is inherited: a language, and a default namespace.
	inherited := `<D:propertyupdate xmlns:D="DAV:" xmlns="urn:n" xml:lang="fr"><D:set><D:prop><a><b/></a></D:prop></D:set></D:propertyupdate>`
	r.patch("/f", inherited, map[string]string{"{urn:n}a": ""})
	if got := r.want(207, "PROPFIND", "/f", "").body; !strings.Contains(got, `<a xmlns="urn:n" xml:lang="fr"><b></b></a>`) {
		t.Error(got)
	}
}

// TestPropertyListing: a listing tells the properties of all entries, of which some
// have none.
func TestPropertyListing(t *testing.T) {
	r := newRig(t, session.Config{})
	want := map[string]string{}
	for i := range 200 {
		name := fmt.Sprintf("%03d ü", i)
		r.write("d/"+name, "")
		if i%3 == 0 {
			want["/d/"+name] = fmt.Sprint(i)
			r.patch("/d/"+fmt.Sprintf("%03d%%20%%C3%%BC", i), update(setting(fmt.Sprintf("<n:a>%d</n:a>", i))), map[string]string{"{urn:n}a": ""})
		}
	}
	r.patch("/d", update(setting("<n:a>dir</n:a>")), map[string]string{"{urn:n}a": ""})
	want["/d/"] = "dir"
	include := `<propfind xmlns="DAV:"><allprop/><include><a xmlns="urn:n"/><quota-used-bytes/></include></propfind>`
	for body, missing := range map[string]string{"": "", named("<n:a/>"): "!404", include: "!404"} {
		got := properties(t, r.want(207, "PROPFIND", "/d", body, "Depth: 1").body)
		if len(got) != 201 {
			t.Errorf("%d entries", len(got))
		}
		for href, props := range got {
			value, ok := want[href]
			if !ok {
				value = missing
			}
			if props["{urn:n}a"] != value {
				t.Errorf("%s: %s: %q, want %q", body, href, props["{urn:n}a"], value)
			}
		}
	}
	if got := r.want(207, "PROPFIND", "/d", include, "Depth: 1").body; strings.Count(got, "<n:a ") != 67+1 {
		t.Errorf("%d times told, want once per entry that has it", strings.Count(got, "<n:a "))
	}
	propname := `<propfind xmlns="DAV:"><propname/></propfind>`
	got := properties(t, r.want(207, "PROPFIND", "/d", propname, "Depth: 1").body)
	if v, ok := got["/d/000 ü"]["{urn:n}a"]; !ok || v != "" {
		t.Errorf("propname: %v", got["/d/000 ü"])
	}
	if _, ok := got["/d/001 ü"]["{urn:n}a"]; ok {
		t.Errorf("propname: %v", got["/d/001 ü"])
	}
}

func TestPropertiesOfMethods(t *testing.T) {
	for _, mode := range []int{0, 1} {
		r := newRig(t, session.Config{UploadMode: mode})
		r.write("f", "x")
		r.write("g", "y")
		r.write("d/in/h", "z")
		a := map[string]string{"{urn:n}a": ""}
		for _, path := range []string{"/f", "/g", "/d", "/d/in", "/d/in/h", "/"} {
			r.patch(path, update(setting("<n:a>"+path+"</n:a>")), a)
		}
		check := func(path, want string) {
			t.Helper()
			if got := r.dead(path)["{urn:n}a"]; got != want {
				t.Errorf("%s has %q, want %q", path, got, want)
			}
		}
		r.want(204, "PUT", "/f", "new")
		check("/f", "/f")
		r.want(204, "COPY", "/f", "", "Destination: @/g")
		check("/g", "/f")
		r.want(201, "COPY", "/d", "", "Destination: @/e")
		check("/e", "/d")
		check("/e/in/h", "/d/in/h")
		r.want(201, "COPY", "/d", "", "Destination: @/shallow", "Depth: 0")
		check("/shallow", "/d")
		r.want(201, "MOVE", "/d", "", "Destination: @/moved")
		check("/moved/in", "/d/in")
		check("/moved/in/h", "/d/in/h")
		r.want(204, "DELETE", "/e", "")
		r.want(201, "MKCOL", "/e", "")
		check("/e", "")
		r.want(204, "MOVE", "/moved", "", "Destination: @/shallow")
		check("/shallow", "/d")
		check("/shallow/in/h", "/d/in/h")
		r.want(201, "MKCOL", "/moved", "")
		check("/moved", "")
		check("/", "/")
	}
}

// TestPropertiesOfExplorer is what Windows Explorer sends after an upload.
func TestPropertiesOfExplorer(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("f", "x")
	const body = `<?xml version="1.0" encoding="utf-8" ?>
<D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop>
<Z:Win32CreationTime>Sat, 21 Nov 2020 10:00:00 GMT</Z:Win32CreationTime>
<Z:Win32LastAccessTime>Sat, 21 Nov 2020 10:00:01 GMT</Z:Win32LastAccessTime>
<Z:Win32LastModifiedTime>Sat, 21 Nov 2020 10:00:02 GMT</Z:Win32LastModifiedTime>
<Z:Win32FileAttributes>00000020</Z:Win32FileAttributes></D:prop></D:set></D:propertyupdate>`
	const space = "{urn:schemas-microsoft-com:}"
	r.patch("/f", body, map[string]string{
		space + "Win32CreationTime": "", space + "Win32LastAccessTime": "", space + "Win32LastModifiedTime": "", space + "Win32FileAttributes": "",
	})
	info, err := os.Stat(filepath.Join(r.home, "f"))
	at := time.Date(2020, 11, 21, 10, 0, 2, 0, time.UTC)
	if err != nil || !info.ModTime().Equal(at) {
		t.Errorf("modified %v, %v, want %v", info.ModTime(), err, at)
	}
	ask := named("<D:getlastmodified/><Z:Win32CreationTime/><Z:Win32LastModifiedTime/><Z:Win32FileAttributes/><n:a/>")
	want := map[string]string{
		"getlastmodified":           "Sat, 21 Nov 2020 10:00:02 GMT",
		space + "Win32CreationTime": "Sat, 21 Nov 2020 10:00:00 GMT", space + "Win32LastModifiedTime": "Sat, 21 Nov 2020 10:00:02 GMT",
		space + "Win32FileAttributes": "00000020", "{urn:n}a": "!404",
	}
	tell := func() map[string]string {
		return properties(t, r.want(207, "PROPFIND", "/f", ask, "Depth: 0").body)["/f"]
	}
	if d := cmp.Diff(want, tell()); d != "" {
		t.Error(d)
	}
	// Somebody else changes the file: the time is never that of another content.
	at = at.Add(time.Hour)
	if err := os.Chtimes(filepath.Join(r.home, "f"), at, at); err != nil {
		t.Fatal(err)
	}
	want["getlastmodified"], want[space+"Win32LastModifiedTime"] = "Sat, 21 Nov 2020 11:00:02 GMT", "Sat, 21 Nov 2020 11:00:02 GMT"
	if d := cmp.Diff(want, tell()); d != "" {
		t.Error(d)
	}
	one := func(value string) string {
		return update(setting(`<Z:Win32LastModifiedTime xmlns:Z="urn:schemas-microsoft-com:">` + value + `</Z:Win32LastModifiedTime><n:a/>`))
	}
	r.patch("/f", one("yesterday"), map[string]string{space + "Win32LastModifiedTime": "!409", "{urn:n}a": "!424"})
	r.changeUser(func(u *dataprovider.User) {
		u.Permissions = map[string][]string{"/": {"list", "download", "upload", "overwrite"}}
	})
	r.patch("/f", one("Sat, 21 Nov 2020 12:00:00 GMT"), map[string]string{space + "Win32LastModifiedTime": "", "{urn:n}a": ""})
	if got := tell()[space+"Win32LastModifiedTime"]; got != "Sat, 21 Nov 2020 11:00:02 GMT" {
		t.Errorf("without the permission chtimes: %s", got)
	}
	r.changeUser(func(u *dataprovider.User) { u.Permissions = map[string][]string{"/": {"list", "download"}} })
	r.want(403, "PROPPATCH", "/f", one("Sat, 21 Nov 2020 12:00:00 GMT"))
}

// TestProppatchHostile: what a body asks for grows no faster than the body.
func TestProppatchHostile(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("f", "x")
	var declared strings.Builder
	for i := range 30_000 {
		fmt.Fprintf(&declared, ` xmlns:p%d="u"`, i)
	}
	open := `<D:propertyupdate xmlns:D="DAV:" xmlns:n="urn:n"` + declared.String() + ">"
	deep, end := strings.Repeat("<a>", 90), strings.Repeat("</a>", 90)
	for name, body := range map[string]string{
		"prefixes and colons":     open + setting(strings.Repeat("<n:a>"+strings.Repeat(`<b c=":"/>`, 40)+"</n:a>", 1000)),
		"prefixes and properties": open + setting(strings.Repeat("<n:a/>", 1000)),
		"colons":                  open + setting("<n:a>"+strings.Repeat(":", 400<<10)+"</n:a>"),
		"long names":              open + setting("<n:a>"+strings.Repeat(strings.Repeat("x", 900)+" ", 400)+":</n:a>"),
		"wide and deep":           strings.TrimSuffix(update(setting("<n:a>"+deep+strings.Repeat("<b/>", 200_000)+end+"</n:a>")), "</D:propertyupdate>"),
	} {
		start := time.Now()
		got := r.call("PROPPATCH", "/f", body+"</D:propertyupdate>")
		if took := time.Since(start); got.status != 207 || took > 10*time.Second {
			t.Errorf("%s: %d in %v", name, got.status, took)
		} else {
			t.Logf("%s: %v", name, took)
		}
	}
}

func TestPropertiesHaveLimits(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("f", "x")
	large := strings.Repeat("x", 40<<10)
	r.patch("/f", update(setting("<n:a>"+large+"</n:a>")), map[string]string{"{urn:n}a": ""})
	r.patch("/f", update(setting("<n:b>"+large+"</n:b>")+removing("<n:c/>")), map[string]string{"{urn:n}b": "!507", "{urn:n}c": "!424"})
	r.patch("/f", update(setting("<n:b>"+large+large+"</n:b><n:c/>")), map[string]string{"{urn:n}b": "!507", "{urn:n}c": "!424"})
	var many strings.Builder
	for i := range 300 {
		fmt.Fprintf(&many, "<n:p%d/>", i)
	}
	if got := r.want(207, "PROPPATCH", "/f", update(setting(many.String()))); strings.Count(got.body, "507 Insufficient Storage") != 1 {
		t.Errorf("%.500s", got.body)
	}
	if got := r.dead("/f"); len(got) != 1 || len(got["{urn:n}a"]) != len(large) {
		t.Errorf("%d properties", len(got))
	}
	// Declarations outside of many properties do not multiply what is kept.
	outside := `<D:propertyupdate xmlns:D="DAV:" xmlns:n="urn:n" xmlns:q="` + strings.Repeat("u", 60<<10) + `">`
	r.call("PROPPATCH", "/f", outside+setting(strings.Repeat(`<n:c q:x=""/>`, 500))+"</D:propertyupdate>")
	total, err := r.store.Properties().Total(t.Context(), "alice")
	if err != nil || total.Bytes > 64<<10 {
		t.Errorf("%+v, %v", total, err)
	}
}
