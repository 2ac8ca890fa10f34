package auth_test

import (
	"testing"

	"sftpgo/dataprovider"
	"sftpgo/protocols/auth"
)

func TestClientCertificate(t *testing.T) {
	f := newFixture(t)
	f.put(t, "alice", func(u *dataprovider.User) { u.Filters.TLSUsername = "CommonName" })
	f.put(t, "both", func(u *dataprovider.User) {
		u.Filters.TLSUsername = "CommonName"
		u.Filters.DeniedLoginMethods = []string{"TLSCertificate", "password"}
	})
	f.put(t, "single", func(u *dataprovider.User) {
		u.Filters.TLSUsername = "CommonName"
		u.Filters.DeniedLoginMethods = []string{"TLSCertificate+password"}
	})
	f.put(t, "none", func(u *dataprovider.User) { u.Filters.TLSUsername = "None" })
	f.put(t, "disabled", func(u *dataprovider.User) { u.Filters.TLSUsername = "CommonName"; u.Status = 0 })
	for _, c := range []struct {
		user, name, plain string // plain empty: the certificate alone
		method, reason    string
	}{
		{"alice", "alice", "", "TLSCertificate", ""},
		{"alice", "alice", "right", "TLSCertificate+password", ""},
		{"alice", "alice", "wrong", "", "wrong password"},
		{"alice", "mallory", "", "", "of another name"},
		{"alice", "mallory", "right", "", "of another name"},
		{"alice", "Alice", "", "", "of another name"},
		{"alice", "", "", "", "no client certificate"},
		{"alice", "", "right", "password", ""}, // has none
		{"both", "both", "", "", "method TLSCertificate is denied"},
		{"both", "both", "right", "TLSCertificate+password", ""},
		{"both", "", "right", "", "method password is denied"},
		{"single", "single", "", "TLSCertificate", ""},
		{"single", "single", "right", "", "method TLSCertificate+password is denied"},
		{"none", "none", "", "", "takes no client certificates"},
		{"none", "none", "right", "password", ""},
		{"none", "mallory", "right", "password", ""},
		{"disabled", "disabled", "", "", "disabled"},
		{"nobody", "nobody", "", "", "unknown user"},
		{"", "", "", "", "no client certificate"},
	} {
		a := attempt(c.user, auth.Certificate{})
		if c.plain != "" {
			a.Credential = auth.Password(c.plain)
		}
		a.CommonName = c.name
		id, err := f.Authenticate(t.Context(), a)
		if c.reason != "" {
			wantRejected(t, id, err, c.reason)
		} else if err != nil || id.Method != c.method || id.User.Username != c.user {
			t.Errorf("%+v: %+v, %v", c, id, err)
		}
	}
}
