package webdavd_test

import (
	"strings"
	"testing"

	"sftpgo/protocols/session"
)

// TestLockOfDestination: what is copied or moved to a locked name comes under its
// lock and brings none along (RFC 4918 section 7.6), file or collection; locks of
// what was replaced below it end.
func TestLockOfDestination(t *testing.T) {
	for _, method := range []string{"COPY", "MOVE"} {
		for _, kind := range []string{"file", "collection"} {
			t.Run(method+" "+kind, func(t *testing.T) {
				r := newRig(t, session.Config{UploadMode: 1})
				src, dst, member := "/src", "/dst", ""
				if kind == "collection" {
					member = "/f"
					r.write("dst/old", "1")
				}
				r.write("src"+member, "1")
				r.write("dst"+member, "1")
				var old string
				if kind == "collection" {
					old = r.lock("/dst/old", shared)
				}
				token := r.lock(dst, shared)
				mine := r.lock(src+member, shared)
				names := "If: <@/dst> (<" + token + ">) <@/src" + member + "> (<" + mine + ">)"
				if old != "" {
					names += " <@/dst/old> (<" + old + ">)"
				}
				r.want(423, method, src, "", "Destination: @"+dst)
				r.want(204, method, src, "", "Destination: @"+dst, names)
				r.want(423, "PUT", dst+member, "2")
				found := properties(t, r.want(207, "PROPFIND", dst+member, ask("lockdiscovery"), "Depth: 0").body)[dst+member]["lockdiscovery"]
				if !strings.Contains(found, token) || strings.Contains(found, mine) {
					t.Error(found)
				}
				r.want(204, "PUT", dst+member, "2", "If: (<"+token+">)")
				if old != "" {
					r.want(409, "UNLOCK", "/dst/old", "", "Lock-Token: <"+old+">")
				}
				switch status := r.call("PUT", src+member, "3").status; {
				case method == "COPY" && status != 423, method == "MOVE" && status == 423:
					t.Errorf("the source: %d", status)
				}
			})
		}
	}
}

// TestLockOfNothingStays: the empty file that a LOCK made is one for everybody, and
// stays when the lock goes (RFC 4918 section 7.3).
func TestLockOfNothingStays(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	token := r.lock("/f", exclusive)
	if got := r.want(200, "GET", "/f", ""); got.body != "" {
		t.Errorf("%q", got.body)
	}
	r.want(405, "MKCOL", "/f", "", "If: (<"+token+">)")
	r.want(204, "UNLOCK", "/f", "", "Lock-Token: <"+token+">")
	r.want(200, "GET", "/f", "")
}
