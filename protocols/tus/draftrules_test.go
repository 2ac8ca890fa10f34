package tus_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/protocols/tus"
)

// TestDraftRefusals is a table of requests for an upload of 10 bytes of which 4 are there.
func TestDraftRefusals(t *testing.T) {
	each(t, func(t *testing.T, r *rig, version int) {
		begin := func(name string) string {
			got, _ := r.ietf(version, "POST", "/files", "0123", uploadGoesOn, "Upload-Length: 10", "Content-Disposition: inline; filename="+name)
			r.says("creation", got, 201)
			return got.header.Get("Location")
		}
		url := begin("f")
		got, _ := r.ietf(version, "PATCH", url, "89", uploadGoesOn, "Upload-Offset: 8")
		members := r.problemOf(got, 409, "mismatching-upload-offset")
		if members["expected-offset"] != 4.0 || members["provided-offset"] != 8.0 {
			t.Errorf("%v", members)
		}
		r.says("mismatch", got, 409, "Upload-Offset: 4", uploadGoesOn)
		for _, c := range []struct {
			name, body string
			header     []string
			status     int
			kind       string
		}{
			{"another length", "4", []string{uploadGoesOn, "Upload-Length: 11"}, 400, "inconsistent-upload-length"},
			{"less than the length", "4", []string{uploadComplete}, 400, "inconsistent-upload-length"},
			{"more than the length", "4567890", []string{uploadGoesOn}, 400, "inconsistent-upload-length"},
			{"more and the end", "4567890", []string{uploadComplete}, 400, "inconsistent-upload-length"},
			{"no offset", "4", []string{uploadGoesOn, "Upload-Offset: -"}, 400, ""},
			{"offset that is none", "4", []string{uploadGoesOn, "Upload-Offset: +4"}, 400, ""},
			{"offset below zero", "4", []string{uploadGoesOn, "Upload-Offset: -4"}, 400, ""},
			{"offset without end", "4", []string{uploadGoesOn, "Upload-Offset: 99999999999999999999"}, 400, ""},
			{"the type of tus", "4", []string{uploadGoesOn, "Content-Type: application/offset+octet-stream"}, 415, ""},
			{"no type", "4", []string{uploadGoesOn, "Content-Type: -"}, 415, ""},
			{"wrong digest", "4", []string{uploadGoesOn, "Content-Digest: sha-256=:" + strings.Repeat("A", 43) + "=:"}, 400, ""},
			{"malformed digest", "4", []string{uploadGoesOn, "Content-Digest: sha-256=:AAAA:"}, 400, ""},
		} {
			got, _ := r.ietf(version, "PATCH", url, c.body, append([]string{"Upload-Offset: 4"}, c.header...)...)
			if c.kind != "" {
				r.problemOf(got, c.status, c.kind)
			}
			r.says(c.name, got, c.status)
		}
		got, _ = r.ietf(version, "HEAD", url, "-")
		r.says("HEAD", got, 204, "Upload-Offset: 4", "Upload-Length: 10", uploadGoesOn)

		// Parameters of fields mean nothing; what is no Boolean is as if it were not there.
		got, _ = r.ietf(version, "PATCH", url, "456789", "Upload-Complete: ?1;x=1", "Upload-Offset: 4; y")
		r.says("PATCH", got, 201, uploadComplete)
		got, _ = r.ietf(version, "PATCH", url, "", uploadComplete, "Upload-Offset: 10")
		r.problemOf(got, 400, "completed-upload")
		got, _ = r.ietf(version, "PATCH", url, "x", uploadComplete, "Upload-Offset: 10")
		r.problemOf(got, 400, map[int]string{6: "completed-upload", 8: "inconsistent-upload-length"}[version])
		got, _ = r.ietf(version, "PATCH", url, "x", uploadComplete, "Upload-Offset: 4")
		r.problemOf(got, 409, "mismatching-upload-offset")
		if got := r.content("f"); got != "0123456789" {
			t.Errorf("%q", got)
		}

		for name, header := range map[string][]string{
			"no end":              {"Upload-Complete: -"},
			"an end of words":     {"Upload-Complete: true"},
			"too long":            {uploadComplete, "Upload-Length: 3"},
			"length and content":  {uploadComplete, "Upload-Length: 5"},
			"a path":              {uploadComplete, `Content-Disposition: inline; filename="../x"`},
			"a malformed name":    {uploadComplete, `Content-Disposition: inline; filename="x`},
			"malformed metadata":  {uploadComplete, "Upload-Metadata: filename ä"},
			"a wrong digest":      {uploadComplete, "Repr-Digest: sha-256=:" + strings.Repeat("A", 43) + "=:"},
			"a wrong digest of 5": {uploadComplete, "Content-Digest: sha-512=:" + strings.Repeat("A", 86) + "==:"},
		} {
			got, _ := r.ietf(version, "POST", "/files", "0123", header...)
			r.says(name, got, 400)
		}
		for _, c := range []struct {
			method, path, allow string
		}{{"GET", "/files", "OPTIONS, POST, PUT"}, {"POST", "$", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"}} {
			got, _ := r.ietf(version, c.method, strings.ReplaceAll(c.path, "$", strings.TrimPrefix(url, r.url)), "-")
			r.says(c.method, got, 405, "Allow: "+c.allow)
		}
		url = begin("g")
		got, _ = r.ietf(version, "DELETE", url, "-")
		r.says("DELETE", got, 204)
		got, _ = r.ietf(version, "PATCH", url, "456789", uploadComplete, "Upload-Offset: 4")
		r.says("after DELETE", got, 404)
		if r.content("g") != "-" {
			t.Error("published")
		}
	})
}

// TestDraftPut: the path below the collection is that of the file; without a version
// there is no interim response, and what breaks off leaves nothing.
func TestDraftPut(t *testing.T) {
	r := newRig(t, drafts)
	if err := os.Mkdir(filepath.Join(r.home, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, version := range []int{0, 6, 8} {
		got, seen := r.ietf(version, "PUT", "/files/in/gr%C3%BC%C3%9Fe", "0123", uploadComplete)
		r.says("PUT", got, 201, uploadComplete, "Upload-Offset: 4")
		if (version > 0) != (len(seen) == 1) {
			t.Errorf("version %d: interim %v", version, seen)
		}
		if got := r.content("in/grüße"); got != "0123" {
			t.Errorf("%q", got)
		}
		got, _ = r.ietf(version, "HEAD", got.header.Get("Location"), "-")
		r.says("HEAD", got, 204, uploadComplete)
	}
	got, _ := r.ietf(8, "PUT", "/files/there/x", "0123", uploadComplete)
	r.says("no directory", got, 409)
	got, _ = r.ietf(8, "PUT", "/files/in/%2e%2e/%2e%2e/x", "0123", uploadComplete)
	if got.status < 300 {
		t.Errorf("%d", got.status)
	}
	got, _ = r.ietf(8, "PUT", "/files", "", uploadComplete, "Content-Disposition: inline; filename=empty")
	r.says("empty", got, 201, uploadComplete, "Upload-Offset: 0")
	if got := r.content("empty"); got != "" {
		t.Errorf("%q", got)
	}
	got, _ = r.ietf(0, "PATCH", got.header.Get("Location"), "x", uploadComplete, "Upload-Offset: 0")
	r.says("complete", got, 400)
}

// TestDraftOff: without the setting there are only requests of tus.
func TestDraftOff(t *testing.T) {
	off := newRig(t)
	one := newRig(t, func(c *tus.Config, _ *dataprovider.User) { c.IETFDrafts = []string{"6"} })
	for _, c := range []struct {
		r       *rig
		version int
	}{{off, 6}, {off, 8}, {off, 0}, {one, 8}, {one, 7}} {
		url := c.r.begin(10, "f")
		for _, q := range []struct{ method, path string }{{"POST", "/files"}, {"PATCH", url}, {"DELETE", url}} {
			got, seen := c.r.ietf(c.version, q.method, q.path, "x", uploadComplete, "Upload-Offset: 0")
			c.r.says(q.method, got, 412, "Tus-Version: 1.0.0")
			if len(seen) > 0 {
				t.Errorf("interim %+v", seen)
			}
		}
	}
	h := off.want(204, "OPTIONS", "/files", "-").header
	if h.Get("Upload-Limit") != "" || h.Get("Accept-Patch") != "" {
		t.Errorf("%v", h)
	}
}

// TestDraftLimits: what a server takes, and what it says of more.
func TestDraftLimits(t *testing.T) {
	limits := func(c *tus.Config, u *dataprovider.User) { c.MaxSize, c.MaxBodySize = 20, 15 }
	r := newRig(t, drafts, limits)
	h := r.want(204, "OPTIONS", "/files", "-", "Login: -").header
	if h.Get("Upload-Limit") != "max-size=20, max-append-size=15" || h.Get("Accept-Patch") != "application/partial-upload" {
		t.Errorf("%v", h)
	}
	for name, header := range map[string][]string{
		"length":  {uploadGoesOn, "Upload-Length: 21"},
		"request": {uploadGoesOn, "X: 16"},
	} {
		body := "0123"
		if name == "request" {
			body = "0123456789abcdef"
		}
		got, _ := r.ietf(8, "POST", "/files", body, header...)
		r.says(name, got, 413, "Upload-Limit: max-size=20, max-append-size=15")
	}
	got, _ := r.ietf(8, "POST", "/files", "0123456789", uploadGoesOn, "Content-Disposition: inline; filename=f")
	r.says("creation", got, 201)
	if limit := got.header.Get("Upload-Limit"); !strings.HasPrefix(limit, "max-size=20, max-append-size=15, max-age=") {
		t.Errorf("%q", limit)
	}
	got, _ = r.ietf(8, "PATCH", got.header.Get("Location"), "0123456789a", uploadComplete, "Upload-Offset: 10")
	r.says("PATCH", got, 413)

	// Quota, permissions and hooks are those of all uploads.
	r = newRig(t, drafts, limited(10, 0))
	got, _ = r.ietf(8, "POST", "/files", "-", uploadGoesOn, "Upload-Length: 11", "Content-Disposition: inline; filename=f")
	r.says("quota", got, 507)
	r.addUser("bob", filepath.Join(t.TempDir()), func(u *dataprovider.User) {
		u.Permissions = map[string][]string{"/": {dataprovider.PermList}}
	})
	got, _ = r.ietf(8, "POST", "/files", "x", uploadComplete, "Login: bob", "Content-Disposition: inline; filename=f")
	r.says("permission", got, 403)
	got, _ = r.ietf(8, "POST", "/files", "x", uploadComplete, "Login: -")
	r.says("login", got, 401)
	got, _ = r.ietf(8, "POST", "/files", "x", uploadGoesOn, "Content-Disposition: inline; filename=f")
	url := got.header.Get("Location")
	got, _ = r.ietf(8, "HEAD", url, "-", "Login: bob")
	r.says("somebody else", got, 404)
	r.hooks.answers(func(*actions.Event) (actions.Verdict, error) {
		return actions.Verdict{}, &actions.Denial{Status: 418, Body: "no tea"}
	})
	got, _ = r.ietf(8, "POST", "/files", "x", uploadComplete, "Content-Disposition: inline; filename=g")
	r.says("hook", got, 418, "Upload-Complete: -")
}

// TestDraftSilent: a request that says nothing of the end, as the last one of
// tus-js-client when it has no data for it, ends the upload at its length.
func TestDraftSilent(t *testing.T) {
	r := newRig(t, drafts)
	got, _ := r.ietf(6, "POST", "/files", "0123", uploadGoesOn, metadata("filename", "f"))
	url := got.header.Get("Location")
	got, _ = r.ietf(6, "PATCH", url, "", "Upload-Offset: 4", "Upload-Length: 4")
	r.says("PATCH", got, 201, uploadComplete)
	if got := r.content("f"); got != "0123" {
		t.Errorf("%q", got)
	}
}

// TestDraftUnwanted: content that a hook refuses is not there for anybody to resume.
func TestDraftUnwanted(t *testing.T) {
	each(t, func(t *testing.T, r *rig, version int) {
		r.hooks.verifies = true
		r.hooks.answers(func(e *actions.Event) (actions.Verdict, error) {
			if e.Kind == actions.UploadVerify {
				return actions.Verdict{}, &actions.Denial{Status: 422, Body: "a virus"}
			}
			return actions.Verdict{}, nil
		})
		got, seen := r.ietf(version, "POST", "/files", "0123", uploadComplete, "Content-Disposition: inline; filename=f")
		r.says("creation", got, 422, uploadComplete)
		if len(seen) != 1 {
			t.Fatal(seen)
		}
		got, _ = r.ietf(version, "HEAD", seen[0].location, "-")
		r.says("HEAD", got, 410)
	})
}

// TestDraftSetting: only versions that there are may be asked for.
func TestDraftSetting(t *testing.T) {
	c := tus.DefaultConfig()
	c.IETFDrafts = []string{"6", "8"}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	c.IETFDrafts = []string{"6", "7"}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), `ietf_drafts: "7" is not 6 or 8`) {
		t.Errorf("%v", err)
	}
}

// TestDraftInPlace: where data stay where they are the same holds, also across a restart.
func TestDraftInPlace(t *testing.T) {
	r := newRig(t, drafts)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	r.inPlace = true
	r.start()
	got, _ := r.ietf(8, "POST", "/files", "0123456789", uploadGoesOn, "Upload-Length: 10")
	r.says("creation", got, 201, uploadGoesOn, "Upload-Offset: 10")
	url := got.header.Get("Location")
	r.restartServer()
	url = r.at(url)
	got, _ = r.ietf(8, "HEAD", url, "-")
	r.says("HEAD", got, 204, uploadGoesOn, "Upload-Offset: 10", "Upload-Length: 10")
	r.take()
	got, _ = r.ietf(8, "PATCH", url, "", uploadComplete, "Upload-Offset: 10")
	r.says("PATCH", got, 201, uploadComplete)
	if lines := r.events(); len(lines) != 1 || !strings.HasPrefix(lines[0], "upload.done ") {
		t.Errorf("%q", lines)
	}
	if got := r.content("data-" + filepath.Base(url)); got != "0123456789" {
		t.Errorf("%q", got)
	}
}
