package ftpd_test

import (
	"testing"

	"sftpgo/dataprovider"
)

// Parts that must not be deleted are not appended either: the reply is an error, and
// who tries again would have them twice.
func TestCombineWithoutDelete(t *testing.T) {
	s := start(t, options{cfg: everything, user: func(u *dataprovider.User) {
		u.Permissions["/ro"] = []string{dataprovider.PermList, dataprovider.PermDownload}
	}})
	s.write(t, "ro/part", "kept")
	s.write(t, "first", "1")
	s.write(t, "target", "0")
	c := login(t, s)
	c.cmd(550, "COMB target first ro/part")
	if target, first := s.read(t, "target"), s.read(t, "first"); target != "0" || first != "1" {
		t.Errorf("target %q, first part %q", target, first)
	}
}
