package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestForwarding(t *testing.T) {
	header := func(lines ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(lines); i += 2 {
			h.Add(lines[i], lines[i+1])
		}
		return h
	}
	const peer, v6 = "192.0.2.1:4711", "[2001:db8::7]:4711"
	proxies := []string{"192.0.2.0/24", "2001:db8::7"}
	for name, tt := range map[string]struct {
		peer     string
		believed bool
		trusted  []string
		header   http.Header
		want     string
	}{
		"nothing":                 {peer, true, nil, nil, "192.0.2.1"},
		"not behind a proxy":      {peer, false, nil, header("X-Forwarded-For", "203.0.113.5", "Forwarded", "for=203.0.113.6"), "192.0.2.1"},
		"X-Forwarded-For":         {peer, true, nil, header("X-Forwarded-For", " 203.0.113.5 , 198.51.100.1"), "203.0.113.5"},
		"first line":              {peer, true, nil, header("X-Forwarded-For", "203.0.113.5", "X-Forwarded-For", "203.0.113.6"), "203.0.113.5"},
		"Forwarded":               {peer, true, nil, header("Forwarded", "by=203.0.113.1;For=203.0.113.5;proto=https, for=203.0.113.6"), "203.0.113.5"},
		"both":                    {peer, true, nil, header("X-Forwarded-For", "203.0.113.6", "Forwarded", "for=203.0.113.5"), "203.0.113.5"},
		"Forwarded without for":   {peer, true, nil, header("X-Forwarded-For", "203.0.113.6", "Forwarded", "proto=https"), "203.0.113.6"},
		"IPv6 with a port":        {peer, true, nil, header("Forwarded", `for="[2001:db8::5]:1234"`), "2001:db8::5"},
		"IPv6 without one":        {peer, true, nil, header("Forwarded", `for="[2001:db8::5]"`), "2001:db8::5"},
		"bare IPv6":               {peer, true, nil, header("X-Forwarded-For", "2001:db8::5"), "2001:db8::5"},
		"with a port":             {peer, true, nil, header("X-Forwarded-For", "203.0.113.5:99"), "203.0.113.5"},
		"unknown":                 {peer, true, nil, header("Forwarded", "for=unknown, for=203.0.113.5"), "192.0.2.1"},
		"hidden":                  {peer, true, nil, header("Forwarded", "for=_secret"), "192.0.2.1"},
		"text":                    {peer, true, nil, header("X-Forwarded-For", "<script>"), "192.0.2.1"},
		"comma in quotes":         {peer, true, nil, header("Forwarded", `by="a,b";for=203.0.113.5`), "203.0.113.5"},
		"other header":            {peer, true, nil, header("X-Real-Ip", "203.0.113.5"), "192.0.2.1"},
		"trusted peer":            {peer, true, proxies, header("X-Forwarded-For", "203.0.113.66, 203.0.113.5"), "203.0.113.5"},
		"peer that is not":        {"198.51.100.9:1", true, proxies, header("X-Forwarded-For", "203.0.113.5"), "198.51.100.9"},
		"several proxies":         {v6, true, proxies, header("X-Forwarded-For", "203.0.113.5, 192.0.2.9, 192.0.2.8"), "203.0.113.5"},
		"only proxies":            {v6, true, proxies, header("X-Forwarded-For", "192.0.2.9, 192.0.2.8"), "192.0.2.9"},
		"hidden behind a proxy":   {v6, true, proxies, header("X-Forwarded-For", "203.0.113.5, unknown, 192.0.2.8"), "192.0.2.8"},
		"trusted without headers": {v6, true, proxies, nil, "2001:db8::7"},
		"IPv4 in IPv6":            {"[::ffff:192.0.2.1]:5", true, nil, nil, "192.0.2.1"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := newForwarding(tt.believed, tt.trusted)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequestWithContext(t.Context(), "POST", "/files/", nil)
			r.RemoteAddr = tt.peer
			if tt.header != nil {
				r.Header = tt.header
			}
			if got := f.client(r).String(); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
	if _, err := newForwarding(true, []string{"proxy.example"}); err == nil {
		t.Error("a name is taken for an address")
	}
}
