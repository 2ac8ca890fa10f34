package webdavd_test

import (
	"log/slog"
	"testing"

	"sftpgo/protocols/session"
	"sftpgo/protocols/webdavd"
)

func corsRig(t *testing.T, c webdavd.CORS) *rig {
	t.Helper()
	r := newRig(t, session.Config{})
	c.Enabled = true
	r.serve(slog.New(slog.DiscardHandler), webdavd.Config{CORS: c}, webdavd.Binding{}, "")
	return r
}

func preflight(r *rig, origin, method, headers string) reply {
	lines := []string{"Login: -", "Origin: " + origin, "Access-Control-Request-Method: " + method}
	if headers != "" {
		lines = append(lines, "Access-Control-Request-Headers: "+headers)
	}
	return r.want(204, "OPTIONS", "/f", "", lines...)
}

// TestPreflight: browsers ask without a login.
func TestPreflight(t *testing.T) {
	site := webdavd.CORS{
		AllowedOrigins: []string{"https://app.example.com", "https://*.example.org"}, AllowedMethods: []string{"PROPFIND", "put"},
		AllowedHeaders: []string{"authorization", "Depth"}, ExposedHeaders: []string{"ETag", "DAV"}, AllowCredentials: true, MaxAge: 600,
	}
	r := corsRig(t, site)
	for _, tt := range []struct{ origin, method, headers, want string }{
		{"https://app.example.com", "PROPFIND", "depth,authorization", "https://app.example.com"},
		{"https://APP.example.com", "PUT", "", "https://APP.example.com"},
		{"https://a.example.org", "PUT", "", "https://a.example.org"},
		{"https://example.org", "PUT", "", ""},
		{"https://a.example.org.evil", "PUT", "", ""},
		{"http://app.example.com", "PUT", "", ""},
		{"null", "PUT", "", ""},
		{"https://app.example.com", "DELETE", "", ""},
		{"https://app.example.com", "PUT", "x-other", ""},
	} {
		h := preflight(r, tt.origin, tt.method, tt.headers).header
		if got := h.Get("Access-Control-Allow-Origin"); got != tt.want {
			t.Errorf("%v: %q", tt, got)
		}
		if tt.want == "" {
			continue
		}
		for name, want := range map[string]string{
			"Access-Control-Allow-Methods": tt.method, "Access-Control-Allow-Headers": tt.headers,
			"Access-Control-Allow-Credentials": "true", "Access-Control-Max-Age": "600",
			"Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%v: %s: %q, want %q", tt, name, got, want)
			}
		}
	}

	h := r.want(201, "PUT", "/f", "1", "Origin: https://app.example.com").header
	if h.Get("Access-Control-Allow-Origin") != "https://app.example.com" || h.Get("Access-Control-Expose-Headers") != "ETag, DAV" ||
		h.Get("Access-Control-Allow-Credentials") != "true" || h.Get("Vary") != "Origin" {
		t.Errorf("%v", h)
	}
	if h := r.want(204, "PUT", "/f", "2", "Origin: https://evil.example").header; h.Get("Access-Control-Allow-Origin") != "" || h.Get("Vary") != "Origin" {
		t.Errorf("%v", h)
	}
	// A page may see why it was turned away.
	if h := r.want(401, "PUT", "/f", "1", "Login: -", "Origin: https://app.example.com").header; h.Get("Access-Control-Allow-Origin") == "" {
		t.Errorf("%v", h)
	}
	// This is a question of WebDAV, for which one needs a login.
	r.want(401, "OPTIONS", "/f", "", "Login: -", "Origin: https://app.example.com")
}

// TestCORSDefaults: with no lists any site may read, and none with the logins of
// the browser, whatever allow_credentials says.
func TestCORSDefaults(t *testing.T) {
	r := corsRig(t, webdavd.CORS{AllowCredentials: true})
	h := preflight(r, "https://any.example", "GET", "content-type").header
	if h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("%v", h)
	}
	if h := preflight(r, "https://any.example", "PUT", "").header; h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("PUT: %v", h)
	}
	if h := preflight(r, "https://any.example", "GET", "authorization").header; h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("authorization: %v", h)
	}
}

func TestCORSOff(t *testing.T) {
	r := newRig(t, session.Config{})
	got := r.want(401, "OPTIONS", "/f", "", "Login: -", "Origin: https://a", "Access-Control-Request-Method: GET")
	if got.header.Get("Vary") != "" || got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%v", got.header)
	}
}
