package webdavd_test

import (
	"log/slog"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/protocols/webdavd"
)

// TestReverseProxy: behind a proxy, with another scheme, host and port, the methods
// whose headers hold URLs work, and two clients of it are told apart.
func TestReverseProxy(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1}, func(u *dataprovider.User) { u.Filters.AllowedIP = []string{"203.0.113.0/24"} })
	b := webdavd.Binding{
		Prefix: "/files", DirectoryListing: true, ProxyAllowed: []string{"127.0.0.1"}, ClientIPProxyHeader: "X-Forwarded-For",
	}
	r.serve(slog.New(slog.DiscardHandler), webdavd.Config{}, b, "")
	back, err := url.Parse(r.url)
	if err != nil {
		t.Fatal(err)
	}
	client := "203.0.113.7"
	front := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(back)
		p.Out.Header.Set("X-Forwarded-For", p.In.Header.Get("X-Forwarded-For")+", "+client)
		p.Out.Host = "inside.example"
	}})
	defer front.Close()
	call := func(want int, method, path, body string, header ...string) reply {
		t.Helper()
		req := httptest.NewRequest(method, front.URL+path, strings.NewReader(body))
		req.RequestURI = ""
		for _, line := range header {
			name, value, _ := strings.Cut(line, ": ")
			req.Header.Set(name, strings.ReplaceAll(value, "@", front.URL))
		}
		req.SetBasicAuth("alice", password)
		resp, err := front.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		got := reply{status: resp.StatusCode, header: resp.Header}
		if got.status != want {
			t.Errorf("%s %s: %d, want %d", method, path, got.status, want)
		}
		return got
	}
	call(201, "PUT", "/files/a", "1")
	call(201, "COPY", "/files/a", "", "Destination: @/files/b")
	token := call(200, "LOCK", "/files/b", exclusive).header.Get("Lock-Token")
	call(423, "MOVE", "/files/b", "", "Destination: @/files/c")
	call(201, "MOVE", "/files/b", "", "Destination: @/files/c", "If: <@/files/b> ("+token+")")
	call(207, "PROPFIND", "/files/", "", "Depth: 1")
	call(200, "GET", "/files/", "")
	if r.content("c") != "1" || r.content("b") != "-" {
		t.Error("the file is not where it was moved to")
	}
	client = "198.51.100.1"
	call(401, "GET", "/files/a", "")
	call(401, "GET", "/files/a", "", "X-Forwarded-For: 203.0.113.7") // what the client says itself
}
