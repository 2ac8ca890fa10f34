package webdavd_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sftpgo/protocols/session"
)

// quietRig is a rig that keeps no log, which would be the memory that grows.
func quietRig(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, session.Config{UploadMode: 1})
	r.again()
	r.write("f", "content")
	return r
}

// watched runs what an attacker does, while somebody else works on over one
// connection and over new ones, and checks that memory stays flat.
func (r *rig) watched(limit int64, attack func()) {
	r.t.Helper()
	var slowest atomic.Int64
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		kept, fresh := &http.Transport{MaxConnsPerHost: 1}, &http.Transport{DisableKeepAlives: true}
		defer kept.CloseIdleConnections()
		for i := 0; ; i++ {
			begin := time.Now()
			for _, via := range []*http.Transport{kept, fresh} {
				if err := r.works(via); err != nil {
					r.t.Errorf("somebody else, request %d: %v", i, err)
					return
				}
			}
			slowest.Store(max(slowest.Load(), int64(time.Since(begin))))
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	before := heap()
	attack()
	close(stop)
	<-done
	grown := heap() - before
	r.t.Logf("memory grew by %d KiB, the slowest answer to somebody else took %v", grown>>10, time.Duration(slowest.Load()))
	if grown > limit {
		r.t.Errorf("memory grew by %d KiB", grown>>10)
	}
	if slowest.Load() > int64(5*time.Second) {
		r.t.Errorf("somebody else waited %v", time.Duration(slowest.Load()))
	}
}

// works is a GET of somebody else.
func (r *rig) works(via http.RoundTripper) error {
	req, err := http.NewRequest(http.MethodGet, r.url+"/f", nil)
	if err != nil {
		return err
	}
	req.SetBasicAuth("alice", password)
	resp, err := via.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "content" {
		return fmt.Errorf("%d %q, %w", resp.StatusCode, b, err)
	}
	return nil
}

func flood(full int) int {
	if *atLength {
		return full
	}
	return full / 10
}

// TestIdleFlood: 10,000 connections of many addresses that do not log in.
func TestIdleFlood(t *testing.T) {
	r := quietRig(t)
	texts := []string{
		"", "GET / HT", "GET / HTTP/1.1\r\nHost: h\r\nX: ", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nx", "PUT /x HTTP/1.1\r\nHost: h\r\nAuthorization: Basic YTpi\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n",
	}
	var all []net.Conn
	defer func() {
		for _, c := range all {
			_ = c.Close()
		}
	}()
	r.watched(64<<20, func() {
		for i := range flood(10_000) {
			d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, byte(1+i%200/100), byte(1+i%100))}}
			c, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(r.url, "http://"))
			if err != nil {
				t.Skip("no 10,000 connections here: ", err)
			}
			all = append(all, c)
			_, _ = io.WriteString(c, texts[i%len(texts)]) // the server may have made room
		}
	})
	open := 0
	for _, c := range all {
		_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := io.Copy(io.Discard, c); err != nil {
			if ne, ok := err.(net.Error); ok && ne.Timeout() {
				open++
			}
		}
	}
	t.Logf("%d of %d connections are open", open, len(all))
	if open > 1024 {
		t.Errorf("%d connections without a login are open", open)
	}
}

// TestRequestFlood: requests without a login, and with names and passwords that
// are new each time, one behind the other.
func TestRequestFlood(t *testing.T) {
	r := quietRig(t)
	total := flood(100_000)
	r.watched(16<<20, func() {
		var all sync.WaitGroup
		for worker := range 4 {
			c := r.dial("")
			_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
			all.Go(func() {
				in := bufio.NewReader(c)
				for i := range total / 4 {
					req, _ := http.NewRequest([]string{"GET", "PROPFIND", "OPTIONS", "NONSENSE"}[i%4], r.url+"/f", nil)
					if i%2 == 0 {
						req.SetBasicAuth(fmt.Sprintf("user%d-%d", worker, i), strings.Repeat("x", i%1000))
					}
					if err := req.Write(c); err != nil {
						t.Errorf("request %d: %v", i, err)
						return
					}
					resp, err := http.ReadResponse(in, req)
					if err != nil || resp.StatusCode != http.StatusUnauthorized {
						t.Errorf("request %d: %v, %v", i, resp, err)
						return
					}
					if _, err := io.Copy(io.Discard, resp.Body); err != nil {
						t.Errorf("request %d: %v", i, err)
						return
					}
				}
			})
		}
		all.Wait()
	})
}

// TestIfFlood: as much of an If header as fits, of lists that each want to look at
// another file.
func TestIfFlood(t *testing.T) {
	r := quietRig(t)
	deep := "/" + strings.Repeat("d/", 100) + "x"
	r.write(deep, "x")
	r.write("g", "g")
	token := r.lock("/g", exclusive)
	fill := func(part string) string { return strings.Repeat(part, min(900, (60<<10)/len(part))) }
	for name, tt := range map[string]struct {
		header string
		want   int
	}{
		"too many":       {strings.Repeat("(<a>)", 12_000), 400},
		"tokens":         {fill("(<a>)"), 412},
		"one list":       {"(" + fill("<a>") + ")", 412},
		"not":            {"(" + fill("Not <a> ") + ")", 423},
		"validators":     {fill(`(["a"])`), 412},
		"files":          {fill(`</f> (["a"])`), 412},
		"depth":          {fill("<" + deep + `> (["a"])`), 412},
		"other servers":  {fill("<http://a/f> (<a>)"), 412},
		"brackets":       {strings.Repeat("(", 60_000), 400},
		"no end":         {fill("(<a> "), 400},
		"no names":       {fill("<a> "), 400},
		"the right one":  {fill("(<a>)") + "(<" + token + ">)", 204},
		"spaces":         {"(<" + token + ">)" + fill(" "), 204},
		"quotes in tags": {fill(`(["]"])`), 412},
	} {
		r.watched(8<<20, func() {
			begin := time.Now()
			r.want(tt.want, "PUT", "/g", "g", "If: "+tt.header)
			took := time.Since(begin)
			t.Logf("%s: %v", name, took)
			if took > 3*time.Second {
				t.Errorf("%s: %v", name, took)
			}
		})
	}
}

// TestRangeFlood: thousands of ranges are one answer with the whole file, and
// positions that do not fit into a number are none.
func TestRangeFlood(t *testing.T) {
	r := quietRig(t)
	for name, tt := range map[string]struct {
		header string
		want   int
	}{
		"bytes":     {"bytes=" + strings.Repeat("0-0,", 15_000) + "1-1", 200},
		"whole":     {"bytes=" + strings.Repeat("0-,", 15_000) + "-1", 200},
		"suffixes":  {"bytes=" + strings.Repeat("-5,", 15_000) + "-5", 200},
		"commas":    {"bytes=" + strings.Repeat(",", 60_000), 200},
		"digits":    {"bytes=" + strings.Repeat("9", 60_000) + "-", 200},
		"2^63":      {"bytes=9223372036854775808-", 200},
		"2^63-1":    {"bytes=9223372036854775807-", 416},
		"-2^63":     {"bytes=--9223372036854775808", 200},
		"last 2^64": {"bytes=0-18446744073709551616", 200},
		"suffix":    {"bytes=-9223372036854775807", 200},
		"hex":       {"bytes=0x1-0x2", 200},
		"unit":      {"lines=0-1", 200},
	} {
		r.watched(4<<20, func() {
			if got := r.want(tt.want, "GET", "/f", "", "Range: "+tt.header); tt.want == 200 && got.body != "content" {
				t.Errorf("%s: %q", name, got.body)
			}
		})
	}
}

// TestXMLFlood: bodies that are small and want to become large.
func TestXMLFlood(t *testing.T) {
	r := quietRig(t)
	var laughs, attributes strings.Builder
	laughs.WriteString(`<!DOCTYPE x [<!ENTITY a0 "ha">`)
	for i := range 30 {
		fmt.Fprintf(&laughs, `<!ENTITY a%d "&a%d;&a%d;">`, i+1, i, i)
	}
	laughs.WriteString("]>")
	for i := range 60_000 {
		fmt.Fprintf(&attributes, ` a%d="%d"`, i, i)
	}
	r.write("locked", "content")
	file := filepath.Join(filepath.Dir(r.home), "secret")
	if err := os.WriteFile(file, []byte("s3cret"), 0o600); err != nil {
		t.Fatal(err)
	}
	external := `<!DOCTYPE x [<!ENTITY e SYSTEM "file://` + file + `">]>`

	into := map[string]func(method, text string) string{
		"PROPFIND": func(_, text string) string {
			return `<propfind xmlns="DAV:"><prop><x>` + text + `</x></prop></propfind>`
		},
		"PROPPATCH": func(_, text string) string {
			return `<propertyupdate xmlns="DAV:"><set><prop><x xmlns="urn:x">` + text + `</x></prop></set></propertyupdate>`
		},
		"LOCK": func(_, text string) string {
			return `<lockinfo xmlns="DAV:"><lockscope><shared/></lockscope><locktype><write/></locktype><owner>` + text + `</owner></lockinfo>`
		},
	}
	for method, make := range into {

		for name, body := range map[string]string{
			"a billion laughs":   laughs.String() + make(method, "&a30;"),
			"external entity":    external + make(method, "&e;"),
			"external document":  `<!DOCTYPE x SYSTEM "` + r.url + `/f">` + make(method, "y"),
			"deep":               make(method, strings.Repeat("<a>", 150_000)+strings.Repeat("</a>", 70_000)),
			"attributes":         make(method, "<a"+attributes.String()+"/>"),
			"one attribute":      make(method, `<a b="`+strings.Repeat("x", 900_000)+`"/>`),
			"one name":           make(method, "<"+strings.Repeat("x", 900_000)+"/>"),
			"a prefix each":      make(method, strings.Repeat(`<p:a xmlns:p="urn:p"/>`, 40_000)),
			"comments":           make(method, strings.Repeat("<!---->", 140_000)),
			"instructions":       make(method, strings.Repeat("<?a?>", 190_000)),
			"CDATA":              make(method, strings.Repeat("<![CDATA[]]>", 80_000)),
			"references":         make(method, strings.Repeat("&#65;", 190_000)),
			"UTF-7":              `<?xml version="1.0" encoding="utf-7"?>` + make(method, "+ADw-"),
			"not UTF-8":          make(method, "\xff\xfe\xc0\xaf"),
			"control characters": make(method, "\x00\x01"),
			"only white space":   strings.Repeat(" ", 1_000_000),
			"too large":          make(method, strings.Repeat("x", 1<<20)),
		} {
			r.watched(16<<20, func() {
				begin := time.Now()
				got := r.call(method, "/locked", body, "Depth: 0", "Timeout: Second-1")
				if got.status >= 500 && got.status != http.StatusInsufficientStorage || strings.Contains(got.body, "s3cret") {
					t.Errorf("%s %s: %d %.200s", method, name, got.status, got.body)
				}
				took := time.Since(begin)
				t.Logf("%s %s: %d in %v", method, name, got.status, took)
				if took > time.Minute { // what is not linear takes far longer
					t.Errorf("%s %s: %v", method, name, took)
				}
			})
		}
	}
}

// TestListingFlood: many properties of many files are sent while they are made.
func TestListingFlood(t *testing.T) {
	r := quietRig(t)
	for i := range flood(10_000) {
		r.write(fmt.Sprintf("d/file %d", i), "")
	}
	var names strings.Builder
	for i := range 250 {
		fmt.Fprintf(&names, `<property-of-a-rather-long-name-%d xmlns="urn:x"/>`, i)
	}
	body := `<propfind xmlns="DAV:"><prop>` + names.String() + `</prop></propfind>`
	r.watched(16<<20, func() {
		req, err := http.NewRequest("PROPFIND", r.url+"/d/", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("alice", password)
		req.Header.Set("Depth", "1")
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		n, err := io.Copy(io.Discard, resp.Body)
		if err != nil || resp.StatusCode != http.StatusMultiStatus {
			t.Fatalf("%d, %d bytes: %v", resp.StatusCode, n, err)
		}
		t.Logf("%d MiB", n>>20)
	})
}

// TestHostileSlowHeader: a header that takes its time ends the connection, however
// many bytes come.
func TestHostileSlowHeader(t *testing.T) {
	if !*atLength {
		t.Skip("takes half a minute: -hostile")
	}
	t.Parallel()
	r := quietRig(t)
	c := r.dial("GET /f HTTP/1.1\r\nHost: h\r\nAuthorization: " + basic + "\r\n")
	begin := time.Now()
	for range 60 {
		if _, err := io.WriteString(c, "X: y\r\n"); err != nil {
			break
		}
		time.Sleep(time.Second)
	}
	if took := time.Since(begin); took < 20*time.Second || took > 45*time.Second {
		t.Errorf("the connection ended after %v", took)
	}
}

// TestNeverReads: clients that have logged in, ask for large listings and files,
// and never read an answer. What is kept for each is a part of the listing.
func TestNeverReads(t *testing.T) {
	const clients = 40
	r := quietRig(t)
	for i := range flood(20_000) {
		r.write(fmt.Sprintf("d/a file with a name of some length %d", i), "")
	}
	r.write("large", strings.Repeat("x", 8<<20))
	var all []net.Conn
	defer func() {
		for _, c := range all {
			_ = c.Close()
		}
	}()
	r.watched(clients<<20, func() {
		for i := range clients {
			request := []string{"PROPFIND /d/", "GET /d/", "GET /large", "PROPFIND /d/"}[i%4]
			all = append(all, r.dial(request+" HTTP/1.1\r\nHost: h\r\nDepth: 1\r\nAuthorization: "+basic+"\r\n\r\n"))
		}
		for _, c := range all {
			_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
			if _, err := c.Read(make([]byte, 1)); err != nil {
				t.Error(err)
			}
		}
	})
}
