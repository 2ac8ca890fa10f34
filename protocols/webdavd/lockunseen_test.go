package webdavd_test

import (
	"net/http"
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
