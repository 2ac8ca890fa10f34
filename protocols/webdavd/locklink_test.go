package webdavd_test

import (
	"os"
	"path/filepath"
	"testing"

	"sftpgo/protocols/session"
)

// A link in a collection with a deep lock is one of its members, wherever it leads.
func TestLinkInLockedCollection(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	r.addUser("bob", r.home)
	r.write("d/f", "f")
	r.write("out", "old")
	r.write("new", "new")
	if err := os.Symlink("../out", filepath.Join(r.home, "d", "link")); err != nil {
		t.Skip("no links here:", err)
	}
	token := r.want(200, "LOCK", "/d", exclusive, "Login: bob").header.Get("Lock-Token")
	r.want(423, "PUT", "/d/link", "mine")
	r.want(423, "PROPPATCH", "/d/link", setProperty)
	r.want(423, "LOCK", "/d/link", exclusive)
	r.want(423, "MOVE", "/new", "", "Destination: @/d/link")
	r.want(423, "COPY", "/new", "", "Destination: @/d/link")
	if got := r.content("out"); got != "old" {
		t.Errorf("content %q", got)
	}
	r.want(204, "PUT", "/d/link", "bob's", "Login: bob", "If: ("+token+")")
	r.want(204, "PUT", "/out", "mine") // which is in no locked collection
	r.want(423, "LOCK", "/d/link", exclusive, "Login: bob")
}
