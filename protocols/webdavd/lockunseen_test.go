package webdavd_test

import (
	"net/http"
	"strings"
	"testing"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
)

// Who may not look at a name may not keep others out of it either, unless they may
// write there.
func TestLockUnseen(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("d/f", "x")
	r.write("in/f", "x")
	r.addUser("blind", r.home, func(u *dataprovider.User) {
		u.Permissions = map[string][]string{"/": {dataprovider.PermDownload}, "/in": {dataprovider.PermUpload}, "/in/ro": {dataprovider.PermDownload}}
	})
	r.write("in/ro/f", "x")
	const body = `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>`
	for _, name := range []string{"/", "/d", "/d/f", "/d/none", "/in", "/in/ro", "/in/ro/none"} {
		r.want(http.StatusForbidden, "LOCK", name, body, "Login: blind")
		r.want(http.StatusCreated, "PUT", "/in/free", "", "Login: alice")
		r.want(http.StatusNoContent, "DELETE", "/in/free", "")
	}
	r.want(http.StatusCreated, "LOCK", "/in/new", body, "Login: blind") // a drop box works
	r.want(http.StatusLocked, "PUT", "/in/new", "")
}

// What is refused because of a lock does not tell names that the user may not list.
func TestLockedUnseen(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("d/secret/plans", "x")
	r.write("d/open/f", "x")
	r.addUser("bob", r.home, func(u *dataprovider.User) {
		u.Permissions["/d/secret"] = []string{dataprovider.PermUpload, dataprovider.PermDelete, dataprovider.PermRename}
	})
	r.lock("/d/secret/plans", exclusive)
	for _, got := range []reply{
		r.want(http.StatusLocked, "DELETE", "/d", "", "Login: bob"),
		r.want(http.StatusLocked, "MOVE", "/d", "", "Login: bob", "Destination: @/e"),
		r.want(http.StatusLocked, "LOCK", "/d", exclusive, "Login: bob"),
	} {
		if strings.Contains(got.body, "plans") || !strings.Contains(got.body, ">/d<") {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
	r.lock("/d/open/f", exclusive)
	if got := r.want(http.StatusLocked, "DELETE", "/d/open", "", "Login: bob"); !strings.Contains(got.body, ">/d/open/f<") {
		t.Error(got.body)
	}
}
