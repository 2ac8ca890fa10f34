package webdavd_test

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/protocols/webdavd"
)

// TestClientAddress: the rules of an account about addresses go by what a trusted
// proxy tells, and by nothing that others tell.
func TestClientAddress(t *testing.T) {
	const allowed, other = "203.0.113.7", "198.51.100.1"
	for _, tt := range []struct {
		name   string
		b      webdavd.Binding
		header []string
		want   int
	}{
		{"no header configured", webdavd.Binding{ProxyAllowed: []string{"127.0.0.1"}}, []string{"X-Forwarded-For: " + allowed}, 401},
		{"no proxy configured", webdavd.Binding{ClientIPProxyHeader: "X-Forwarded-For"}, []string{"X-Forwarded-For: " + allowed}, 401},
		{"another proxy", webdavd.Binding{ProxyAllowed: []string{"192.0.2.1"}, ClientIPProxyHeader: "X-Forwarded-For"}, []string{"X-Forwarded-For: " + allowed}, 401},
		{"the proxy", webdavd.Binding{ProxyAllowed: []string{"127.0.0.0/8"}, ClientIPProxyHeader: "X-Forwarded-For"}, []string{"X-Forwarded-For: " + allowed}, 200},
		{"with a port", webdavd.Binding{ProxyAllowed: []string{"127.0.0.1"}, ClientIPProxyHeader: "x-real-ip"}, []string{"X-Real-IP: " + allowed + ":4711"}, 200},
		{"as IPv6", webdavd.Binding{ProxyAllowed: []string{"127.0.0.1"}, ClientIPProxyHeader: "X-Real-IP"}, []string{"X-Real-IP: [::ffff:" + allowed + "]"}, 200},
		{"the last counts", webdavd.Binding{ProxyAllowed: []string{"127.0.0.1"}, ClientIPProxyHeader: "X-Forwarded-For"}, []string{"X-Forwarded-For: " + other + ", " + allowed}, 200},
		{"the first is the client's word", webdavd.Binding{ProxyAllowed: []string{"127.0.0.1"}, ClientIPProxyHeader: "X-Forwarded-For"}, []string{"X-Forwarded-For: " + allowed + ", " + other}, 401},
		{"depth", webdavd.Binding{ProxyAllowed: []string{"127.0.0.1"}, ClientIPProxyHeader: "X-Forwarded-For", ClientIPHeaderDepth: 1}, []string{"X-Forwarded-For: " + other + ", " + allowed + ", 192.0.2.1"}, 200},
		{"too deep", webdavd.Binding{ProxyAllowed: []string{"127.0.0.1"}, ClientIPProxyHeader: "X-Forwarded-For", ClientIPHeaderDepth: 1}, []string{"X-Forwarded-For: " + allowed}, 401},
		{"nonsense", webdavd.Binding{ProxyAllowed: []string{"127.0.0.1"}, ClientIPProxyHeader: "X-Forwarded-For"}, []string{"X-Forwarded-For: unknown"}, 401},
		{"none", webdavd.Binding{ProxyAllowed: []string{"127.0.0.1"}, ClientIPProxyHeader: "X-Forwarded-For"}, nil, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, session.Config{}, func(u *dataprovider.User) { u.Filters.AllowedIP = []string{allowed + "/32"} })
			r.serve(slog.New(slog.NewJSONHandler(r.log, nil)), webdavd.Config{}, tt.b, "")
			r.want(tt.want, "OPTIONS", "/", "", tt.header...)
			for line := range strings.Lines(r.log.String()) {
				var record struct {
					Method string `json:"method"`
					Remote string `json:"remote_addr"`
				}
				if err := json.Unmarshal([]byte(line), &record); err != nil {
					t.Fatal(err)
				}
				if record.Method == "OPTIONS" && (record.Remote == allowed) != (tt.want == 200) {
					t.Errorf("the log says %q", record.Remote)
				}
			}
		})
	}
}
