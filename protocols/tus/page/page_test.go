package page_test

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"sftpgo/protocols/tus/page"
)

func get(t *testing.T, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	h, err := page.New("/files/")
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
	return w
}

// TestDocument: what it asks for is there, and the policy of the page allows it.
func TestDocument(t *testing.T) {
	w := get(t, "GET", "/")
	text := w.Body.String()
	if w.Code != http.StatusOK || !strings.Contains(text, `data-endpoint="/files/"`) {
		t.Errorf("%d\n%s", w.Code, text)
	}
	if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	if regexp.MustCompile(`(?i)<script>|<style|\son\w+=|\sstyle=|https?://`).MatchString(text) {
		t.Errorf("something is inline, or of another host:\n%s", text)
	}
	parts := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(text, -1)
	if len(parts) != 4 {
		t.Errorf("parts: %v", parts)
	}
	kinds := map[string]string{".css": "text/css", ".js": "javascript", ".svg": "image/svg+xml"}
	for _, p := range parts {
		w := get(t, "GET", p[1])
		kind := kinds[p[1][strings.LastIndex(p[1], "."):]]
		if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Content-Type"), kind) || w.Body.Len() == 0 {
			t.Errorf("%s: %d, %v", p[1], w.Code, w.Header())
		}
	}
}

func TestOtherRequests(t *testing.T) {
	for _, tt := range []struct {
		method, path string
		want         int
	}{
		{"HEAD", "/", 200}, {"POST", "/", 405}, {"GET", "/x", 404}, {"GET", "/page/", 404},
		{"GET", "/page/index.html", 404}, {"GET", "/page/../page.go", 404}, {"DELETE", "/page/page.js", 405},
	} {
		if w := get(t, tt.method, tt.path); w.Code != tt.want {
			t.Errorf("%s %s: %d, want %d", tt.method, tt.path, w.Code, tt.want)
		}
	}
}

// TestVendored: the script is the one that the lock file stands for, as it came.
func TestVendored(t *testing.T) {
	text, err := os.ReadFile("vendored/tus.min.js")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha512.Sum384(text)
	const want = "UlHjK3F7TCQCEUpnoa1ohMbP2oaWB3Aypv4gMo511vaZ86uUZ0Zv7UzZ0J1zRUT1" // of dist/tus.min.js of tus-js-client 4.3.1
	if got := base64.StdEncoding.EncodeToString(sum[:]); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
	lock, err := os.ReadFile("vendored/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	var locked struct {
		Packages map[string]struct{ Version, Integrity string }
	}
	if err := json.Unmarshal(lock, &locked); err != nil {
		t.Fatal(err)
	}
	if p := locked.Packages["node_modules/tus-js-client"]; p.Version != "4.3.1" || p.Integrity == "" {
		t.Errorf("locked: %+v", p)
	}
}
