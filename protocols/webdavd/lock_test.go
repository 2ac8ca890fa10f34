package webdavd_test

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
)

func denyExtension(u *dataprovider.User) {
	u.Filters.FilePatterns = []dataprovider.PatternsFilter{{Path: "/", DeniedPatterns: []string{"*.exe"}}}
}

// lock makes a lock and returns its token.
func (r *rig) lock(path, body string, header ...string) string {
	r.t.Helper()
	got := r.call("LOCK", path, body, header...)
	if got.status != 200 && got.status != 201 {
		r.t.Fatalf("LOCK %s = %d %s", path, got.status, got.body)
	}
	return strings.Trim(got.header.Get("Lock-Token"), "<>")
}

func TestLockProtects(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	r.addUser("bob", r.home)
	r.write("d/f", "1")
	r.write("other", "2")
	token := r.lock("/d/f", exclusive)
	held := "If: (<" + token + ">)"
	tagged := "If: <@/d/f> (<" + token + ">)"

	for _, test := range []struct {
		method, path string
		header       []string
	}{
		{"PUT", "/d/f", nil},
		{"PUT", "/d/f", []string{"Login: bob"}},
		{"PUT", "/d/f", []string{held, "Login: bob"}}, // the token is not theirs
		{"DELETE", "/d/f", nil},
		{"DELETE", "/d", nil},
		{"MOVE", "/d/f", []string{"Destination: @/g"}},
		{"MOVE", "/d", []string{"Destination: @/g"}},
		{"MOVE", "/other", []string{"Destination: @/d/f"}},
		{"COPY", "/other", []string{"Destination: @/d/f"}},
		{"COPY", "/other", []string{"Destination: @/d"}},
		{"PROPPATCH", "/d/f", nil},
	} {
		body := ""
		if test.method == "PROPPATCH" {
			body = setProperty
		}
		got := r.want(423, test.method, test.path, body, test.header...)
		if !strings.Contains(got.body, "<D:lock-token-submitted><D:href>/d/f</D:href>") {
			t.Errorf("%s %s: %s", test.method, test.path, got.body)
		}
	}
	r.want(200, "GET", "/d/f", "")
	r.want(201, "COPY", "/d/f", "", "Destination: @/copy")
	r.want(204, "PUT", "/d/f", "x", held)
	r.want(204, "COPY", "/other", "", "Destination: @/d/f", tagged)
	r.want(403, "UNLOCK", "/d/f", "", "Lock-Token: <"+token+">", "Login: bob")

	// A lock ends with its resource.
	r.want(201, "MOVE", "/d/f", "", "Destination: @/moved", held)
	r.want(204, "PUT", "/moved", "y")
	r.want(201, "PUT", "/d/f", "y")
	token = r.lock("/d/f", exclusive)
	r.want(204, "DELETE", "/d", "", "If: <@/d/f> (<"+token+">)")
	r.want(201, "MKCOL", "/d", "")
	r.want(201, "PUT", "/d/f", "z")
}

func TestLockDepth(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	r.write("flat/f", "1")
	r.write("deep/f", "1")
	r.lock("/flat", exclusive, "Depth: 0")
	deep := r.lock("/deep", exclusive)

	r.want(204, "PUT", "/flat/f", "2")   // the member itself is free
	r.want(423, "PUT", "/flat/new", "2") // the list of members is not
	r.want(423, "DELETE", "/flat/f", "")
	r.want(423, "PUT", "/deep/f", "2")
	r.want(423, "MKCOL", "/deep/sub", "")
	r.want(423, "LOCK", "/deep/f", exclusive)
	r.want(207, "LOCK", "/", exclusive) // RFC 4918 section 9.10.3
	r.want(200, "LOCK", "/", exclusive, "Depth: 0")
	r.want(204, "PUT", "/deep/f", "2", "If: <@/deep> (<"+deep+">)")
	r.want(204, "UNLOCK", "/deep/f", "", "Lock-Token: <"+deep+">") // any member will do
	r.want(204, "PUT", "/deep/f", "3")
}

func TestLockShared(t *testing.T) {
	r := newRig(t, session.Config{})
	r.addUser("bob", r.home)
	r.write("f", "1")
	mine := r.lock("/f", shared)
	theirs := r.lock("/f", shared, "Login: bob")
	r.want(423, "LOCK", "/f", exclusive)
	r.want(423, "PUT", "/f", "2")
	r.want(204, "PUT", "/f", "2", "If: (<"+mine+">)")
	r.want(204, "PUT", "/f", "2", "If: (<"+theirs+">)", "Login: bob")
	found := properties(t, r.want(207, "PROPFIND", "/f", ask("lockdiscovery"), "Depth: 0").body)["/f"]["lockdiscovery"]
	for _, part := range []string{mine, theirs, "<D:shared/>", "<D:lockroot><D:href>/f</D:href>"} {
		if !strings.Contains(found, part) {
			t.Errorf("no %s in %s", part, found)
		}
	}
}

func TestLockAnswer(t *testing.T) {
	r := newRig(t, session.Config{})
	for header, seconds := range map[string]string{
		"Second-60": "60", "Infinite": "3600", "Infinite, Second-4100000000": "3600", "Second-99999": "3600",
		"nonsense": "3600", "Second-0": "3600", "Second-120, Second-60": "120",
	} {
		name := "/" + strings.ReplaceAll(header, " ", "")
		got := r.want(201, "LOCK", name, exclusive, "Timeout: "+header)
		for _, part := range []string{
			"<D:timeout>Second-" + seconds + "<", `<D:owner xmlns:D="DAV:"><D:href>mailto:a@example.com</D:href></D:owner>`,
			"<D:locktoken><D:href>" + strings.Trim(got.header.Get("Lock-Token"), "<>"), "<D:depth>infinity<",
		} {
			if !strings.Contains(got.body, part) {
				t.Errorf("%s: no %s in %s", header, part, got.body)
			}
		}
		again := r.want(200, "LOCK", name, "", "If: ("+got.header.Get("Lock-Token")+")", "Timeout: Second-7")
		if !strings.Contains(again.body, "Second-7<") {
			t.Errorf("refreshed: %s", again.body)
		}
	}
}

// TestLockOwner: what others read is what the client wrote, with what it inherited.
func TestLockOwner(t *testing.T) {
	r := newRig(t, session.Config{})
	for i, test := range []struct{ lockinfo, owner string }{
		{
			`<lockinfo xmlns="DAV:"><lockscope><shared/></lockscope><locktype><write/></locktype><owner>  Jane &amp; John` + "\n" + `</owner></lockinfo>`,
			`<owner xmlns="DAV:">  Jane &amp; John` + "\n" + `</owner>`,
		},
		{
			`<a:lockinfo xmlns:a="DAV:" xmlns:b="urn:b" xml:lang="de"><a:lockscope><a:shared/></a:lockscope><a:locktype><a:write/></a:locktype>` +
				`<a:owner b:x="1"><b:who y="&lt;">J</b:who><none/></a:owner></a:lockinfo>`,
			`<a:owner b:x="1" xmlns:a="DAV:" xmlns:b="urn:b" xml:lang="de"><b:who y="&lt;">J</b:who><none></none></a:owner>`,
		},
		{`<lockinfo xmlns="DAV:"><lockscope><shared/></lockscope><locktype><write/></locktype></lockinfo>`, "<D:depth>infinity</D:depth><D:timeout>"},
	} {
		name := fmt.Sprint("/", i)
		got := r.want(201, "LOCK", name, test.lockinfo)
		found := r.want(207, "PROPFIND", name, ask("lockdiscovery"), "Depth: 0").body
		if !strings.Contains(got.body, test.owner) || !strings.Contains(found, test.owner) {
			t.Errorf("%s not in %s", test.owner, got.body)
		}
		if err := xml.Unmarshal([]byte(got.body), new(struct{})); err != nil {
			t.Errorf("%s: %v", got.body, err)
		}
	}
	r.want(400, "LOCK", "/long", `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner>`+
		strings.Repeat("x", 5000)+`</D:owner></D:lockinfo>`)
}

// TestLockThroughLink: a link in a directory that one may write is no way to lock
// what it leads to, where that may only be read.
func TestLockThroughLink(t *testing.T) {
	r := newRig(t, session.Config{}, func(u *dataprovider.User) {
		u.Permissions["/read"] = []string{dataprovider.PermList, dataprovider.PermDownload}
	})
	r.addUser("bob", r.home)
	r.write("read/f", "1")
	r.write("own/f", "1")
	for link, target := range map[string]string{"toread": "read/f", "toreaddir": "read", "toown": "own/f"} {
		if err := os.Symlink(target, filepath.Join(r.home, link)); err != nil {
			t.Skip(err)
		}
	}
	r.want(403, "LOCK", "/toread", exclusive)
	r.want(403, "LOCK", "/toreaddir", exclusive)
	r.want(403, "LOCK", "/toreaddir/f", exclusive)
	r.want(204, "PUT", "/read/f", "2", "Login: bob")
	r.want(200, "LOCK", "/toown", exclusive)
	r.want(423, "PUT", "/own/f", "2", "Login: bob")
}

// TestLockLimit: one user cannot fill the table, and the others still get locks.
func TestLockLimit(t *testing.T) {
	r := newRig(t, session.Config{})
	r.addUser("bob", r.home)
	for i := range 1000 {
		r.write(fmt.Sprintf("%d", i), "")
		r.lock(fmt.Sprintf("/%d", i), exclusive)
	}
	r.write("more", "")
	r.want(507, "LOCK", "/more", exclusive)
	r.want(200, "LOCK", "/more", exclusive, "Login: bob")
}

// TestIfHeader evaluates conditions against a lock and a validator.
func TestIfHeader(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("f", "1")
	etag := r.want(200, "HEAD", "/f", "").header.Get("ETag")
	token := r.lock("/f", exclusive)
	for _, test := range []struct {
		header string
		status int
	}{
		{"(<" + token + "> [" + etag + "])", 207},
		{"(<" + token + ">) ([\"other\"])", 207},
		{"(<" + token + "> [\"other\"])", 412},
		{"(Not <" + token + ">)", 412},
		{"(Not <DAV:no-lock>)", 423}, // holds, but names no token
		{"(<" + token + "x>) (Not <DAV:no-lock> [" + etag + "])", 423},
		{"(<DAV:no-lock>)", 412},
		{"<@/f> (<" + token + ">)", 207},
		{"</f> (<" + token + ">)", 207},
		{"<@/other> (<" + token + ">)", 412},
		{"<http://elsewhere.example/f> (<" + token + ">)", 207}, // a proxy has another name
		{"<http://[broken/f> (<" + token + ">)", 412},
		{"<http://[broken/f> (Not <" + token + ">)", 207}, // there is no lock on it; the token is named
		{"<@/a%00b> (Not [" + etag + "]) (<" + token + ">)", 207},
		{"(<" + token + "> Not <DAV:no-lock> [" + etag + "])", 207},
		{"(<" + token + "> [W/" + etag + "])", 412}, // a weak validator proves nothing
		{"(<urn:uuid:00000000-0000-0000-0000-000000000000>)", 412},
		{"<@/other> (Not <DAV:no-lock>) <@/f> (<" + token + ">)", 207},
		{"(Not [\"other\"]) (<" + token + ">)", 207},
		{"", 423},
		{"()", 400}, {"(<x>", 400}, {"<@/f>", 400}, {"(Not)", 400}, {"([]) ", 400}, {"(<" + token + ">) x", 400},
	} {
		var header []string
		if test.header != "" {
			header = []string{"If: " + test.header}
		}
		r.want(test.status, "PROPPATCH", "/f", setProperty, header...)
	}
}
