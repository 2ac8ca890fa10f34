package webdavd_test

import (
	"slices"
	"strings"
	"testing"

	"sftpgo/protocols/webdavd"
)

// TestPrefix: names in requests begin with the prefix, and so do those in answers.
func TestPrefix(t *testing.T) {
	for _, prefix := range []string{"/dav", "/a b/c"} {
		t.Run(prefix, func(t *testing.T) {
			r := browse(t, webdavd.Binding{Prefix: prefix})
			at := strings.ReplaceAll(prefix, " ", "%20")
			r.want(201, "MKCOL", at+"/d", "")
			r.want(201, "PUT", at+"/d/f", "1")
			if r.content("d/f") != "1" {
				t.Error("the prefix became part of the name")
			}
			got := r.want(207, "PROPFIND", at+"/d/", "", "Depth: 1")
			for _, href := range []string{at + "/d/", at + "/d/f"} {
				if !strings.Contains(got.body, "<D:href>"+href+"</D:href>") {
					t.Errorf("no %s in %s", href, got.body)
				}
			}
			for _, root := range []string{at, at + "/"} {
				if got := r.want(207, "PROPFIND", root, "", "Depth: 0"); !strings.Contains(got.body, "<D:href>"+at+"/</D:href>") {
					t.Errorf("%s: %s", root, got.body)
				}
			}
			r.want(201, "COPY", at+"/d/f", "", "Destination: @"+at+"/d/g")
			r.want(201, "MOVE", at+"/d/g", "", "Destination: "+at+"/h")
			if r.content("h") != "1" {
				t.Error("the destination is elsewhere")
			}
			r.want(502, "MOVE", at+"/h", "", "Destination: @/elsewhere")

			lock := r.want(200, "LOCK", at+"/h", exclusive)
			if !strings.Contains(lock.body, "<D:lockroot><D:href>"+at+"/h</D:href>") {
				t.Error(lock.body)
			}
			token := lock.header.Get("Lock-Token")
			if got := r.want(423, "PUT", at+"/h", "2"); !strings.Contains(got.body, "<D:href>"+at+"/h</D:href>") {
				t.Error(got.body)
			}
			r.want(204, "PUT", at+"/h", "2", "If: <@"+at+"/h> ("+token+")")
			r.want(204, "UNLOCK", at+"/h", "", "Lock-Token: "+token)

			page := r.want(200, "GET", at+"/d/", "")
			if _, targets := links(t, page.body); !slices.Equal(targets, []string{at + "/", at + "/", at + "/d/f"}) {
				t.Errorf("%q", targets)
			}
			for _, path := range []string{"/", "/h", at + "x/h", "/da"} {
				r.want(404, "GET", path, "")
				r.want(404, "PUT", path, "3")
			}
			// Windows asks here first whether this is WebDAV at all.
			if got := r.want(200, "OPTIONS", "/", ""); !strings.HasPrefix(got.header.Get("DAV"), "1") {
				t.Errorf("%v", got.header)
			}
			r.want(401, "OPTIONS", "/", "", "Login: -")
			r.want(404, "OPTIONS", "/elsewhere", "")
		})
	}
}

func TestConfig(t *testing.T) {
	c := webdavd.DefaultConfig()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	c.Bindings = []webdavd.Binding{
		{Port: 1, EnableHTTPS: true},
		{Prefix: "dav"}, {Prefix: "/dav/"}, {Prefix: "/a/../b"},
		{CertificateFile: "a"}, {MinTLSVersion: 11}, {TLSCipherSuites: []string{"x"}}, {ClientAuthType: 3}, {ClientAuthType: 1},
		{ProxyAllowed: []string{"x"}}, {ClientIPProxyHeader: "a b"}, {ClientIPProxyHeader: "forwarded"}, {ClientIPHeaderDepth: -1},
	}
	c.CORS.AllowedOrigins, c.CORS.MaxAge = []string{"https://*.*"}, -1
	want := `bindings.0.enable_https: needs certificate_file and certificate_key_file
bindings.1.prefix: "dav" is not a path like /dav
bindings.2.prefix: "/dav/" is not a path like /dav
bindings.3.prefix: "/a/../b" is not a path like /dav
bindings.4.certificate_file: set it together with certificate_key_file
bindings.5.min_tls_version: 11 is not 12 or 13
bindings.6.tls_cipher_suites: none of them is a safe suite of TLS 1.2, like TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
bindings.7.client_auth_type: 3 is not 0 (none), 1 (required) or 2 (verified if given)
bindings.8.client_auth_type: 1 needs ca_certificates
bindings.9.proxy_allowed.0: "x" is not an address or a network like 10.0.0.0/8
bindings.10.client_ip_proxy_header: "a b" is not the name of a header
bindings.11.client_ip_proxy_header: Forwarded is no list of addresses; have the proxy send X-Forwarded-For
bindings.12.client_ip_header_depth: -1 is negative
cors.allowed_origins.0: "https://*.*" has more than one *
cors.max_age: -1 is negative`
	if err := c.Validate(); err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}
