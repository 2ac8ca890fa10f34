package webdavd_test

import (
	"io"
	"log/slog"
	"net/http"
	"testing"

	"sftpgo/protocols/session"
	"sftpgo/protocols/webdavd"
)

// A pattern that anybody can own a host of does not open the logins of browsers.
func TestCORSCredentialsOfPatterns(t *testing.T) {
	for allowed, origins := range map[string]map[string]string{
		"https://*":             {"https://evil.test": ""},
		"http*":                 {"http://evil.test": ""},
		"https://*:8443":        {"https://evil.test:8443": ""},
		"https://example.com*":  {"https://example.com.evil.test": "", "https://example.com": ""},
		"https://*.example.com": {"https://a.example.com": "true"},
		"http://localhost:*":    {"http://localhost:3000": "true"},
		"https://app.test":      {"https://app.test": "true"},
	} {
		r := newRig(t, session.Config{})
		r.serve(slog.New(slog.NewJSONHandler(io.Discard, nil)), webdavd.Config{
			CORS: webdavd.CORS{Enabled: true, AllowedOrigins: []string{allowed}, AllowCredentials: true},
		}, webdavd.Binding{}, "")
		for origin, want := range origins {
			h := r.want(http.StatusOK, "OPTIONS", "/", "", "Origin: "+origin).header
			if got := h.Get("Access-Control-Allow-Origin"); got != origin {
				t.Errorf("%s: %s is answered %q", allowed, origin, got)
			}
			if got := h.Get("Access-Control-Allow-Credentials"); got != want {
				t.Errorf("%s: credentials of %s: %q", allowed, origin, got)
			}
		}
	}
}
