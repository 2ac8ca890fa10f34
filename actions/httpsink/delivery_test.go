package httpsink_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sftpgo/actions"
	"sftpgo/actions/httpsink"
	"sftpgo/actions/sinktest"
)

func TestRequest(t *testing.T) {
	ep := newEndpoint(t, always(200))
	s := newSink(t, quick(), strings.Replace(ep.URL, "://", "://user:p%40ss@", 1)+"/hook?x=1", sinktest.Format{})
	if err := s.Deliver(t.Context(), sinktest.Event("01A", "/a")); err != nil {
		t.Fatal(err)
	}
	r := ep.got()[0]
	if r.Method != http.MethodPost || r.RequestURI != "/hook?x=1" {
		t.Errorf("%s %s", r.Method, r.RequestURI)
	}
	if u, p, ok := r.BasicAuth(); !ok || u != "user" || p != "p@ss" {
		t.Errorf("basic auth = %q, %q, %v", u, p, ok)
	}
	if r.ContentLength != int64(len(r.body)) || r.ContentLength <= 0 {
		t.Errorf("Content-Length = %d, body has %d", r.ContentLength, len(r.body))
	}
	if got := r.Header.Get("User-Agent"); !strings.HasPrefix(got, "Go-http-client/") {
		t.Errorf("User-Agent = %q", got)
	}
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		code     int
		tries    int
		deliver  bool
		rejected bool
		ask      bool
	}{
		{200, 1, true, false, true},
		{201, 1, true, false, false},
		{202, 1, true, false, false},
		{204, 1, true, false, false},
		{302, 1, false, false, false},
		{400, 1, false, true, false},
		{401, 1, false, false, false},
		{404, 1, false, false, false},
		{410, 1, false, true, false},
		{422, 1, false, true, false},
		{429, 4, false, false, false},
		{500, 4, false, false, false},
		{501, 1, false, false, false},
		{503, 4, false, false, false},
	} {
		ep := newEndpoint(t, always(c.code))
		s := newSink(t, quick(), ep.URL, sinktest.Format{})
		err := s.Deliver(t.Context(), sinktest.Event("01A", "/a"))
		if (err == nil) != c.deliver || errors.Is(err, actions.ErrRejected) != c.rejected {
			t.Errorf("%d: Deliver: %v", c.code, err)
		}
		if err != nil && !strings.Contains(err.Error(), "status ") {
			t.Errorf("%d: %q does not name the status", c.code, err)
		}
		if n := len(ep.got()); n != c.tries {
			t.Errorf("%d: %d attempts, want %d", c.code, n, c.tries)
		}
		a, err := s.Ask(t.Context(), sinktest.Event("01A", "/a"))
		if a.Exact != c.ask || a.Accepted != c.deliver || a.Status != c.code || err != nil {
			t.Errorf("%d: Ask = %+v, %v", c.code, a, err)
		}
	}
}

// 500, 500, 200 is one delivery, after the pauses of the configuration.
func TestRetriesWithinADelivery(t *testing.T) {
	ep := newEndpoint(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		if n < 2 {
			w.WriteHeader(500)
		}
	})
	cfg := httpsink.DefaultConfig()
	cfg.RetryWaitMin = 1
	s := newSink(t, cfg, ep.URL, sinktest.Format{})
	if err := s.Deliver(t.Context(), sinktest.Event("01A", "/a")); err != nil {
		t.Fatal(err)
	}
	got := ep.got()
	if len(got) != 3 {
		t.Fatalf("%d attempts, want 3", len(got))
	}
	for i, want := range []time.Duration{time.Second, 2 * time.Second} {
		if pause := got[i+1].at.Sub(got[i].at); pause < want || pause > want+5*time.Second {
			t.Errorf("pause %d = %v, want %v", i, pause, want)
		}
	}
	for _, r := range got {
		if string(r.body) != string(got[0].body) || len(r.body) == 0 {
			t.Errorf("body = %q", r.body)
		}
	}
}

func TestRetryAfterIsHonouredAndBounded(t *testing.T) {
	for after, want := range map[string]time.Duration{"1": time.Second, "86400": 2 * time.Second} {
		ep := newEndpoint(t, func(w http.ResponseWriter, _ *http.Request, n int) {
			if n == 0 {
				w.Header().Set("Retry-After", after)
				w.WriteHeader(429)
			}
		})
		cfg := httpsink.DefaultConfig()
		cfg.RetryWaitMin, cfg.RetryWaitMax = 0, 2
		s := newSink(t, cfg, ep.URL, sinktest.Format{})
		start := time.Now()
		if err := s.Deliver(t.Context(), sinktest.Event("01A", "/a")); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < want || took > want+10*time.Second {
			t.Errorf("Retry-After %s: took %v, want %v", after, took, want)
		}
	}
}

func TestTimeoutIsPerAttempt(t *testing.T) {
	ep := newEndpoint(t, func(_ http.ResponseWriter, r *http.Request, n int) {
		if n == 0 {
			<-r.Context().Done()
		}
	})
	cfg := quick()
	cfg.Timeout = 1
	s := newSink(t, cfg, ep.URL, sinktest.Format{})
	if err := s.Deliver(t.Context(), sinktest.Event("01A", "/a")); err != nil {
		t.Error(err)
	}
	if n := len(ep.got()); n != 2 {
		t.Errorf("%d attempts, want 2", n)
	}
}

func TestNobodyListens(t *testing.T) {
	ep := newEndpoint(t, always(200))
	url := ep.URL
	ep.Close()
	cfg := quick()
	cfg.RetryMax = 1
	s := newSink(t, cfg, strings.Replace(url, "://", "://u:seeded@", 1)+"/x?token=seeded", sinktest.Format{})
	err := s.Deliver(t.Context(), sinktest.Event("01A", "/a"))
	if err == nil || !strings.Contains(err.Error(), "refused") || strings.Contains(err.Error(), "seeded") {
		t.Errorf("err = %v", err)
	}
	if strings.Contains(s.String(), "seeded") || s.String() != "POST "+url+"/x" {
		t.Errorf("String() = %q", s)
	}
}

func TestErrorsHaveNoSecrets(t *testing.T) {
	ep := newEndpoint(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		http.Redirect(w, r, "/elsewhere?token=seeded", http.StatusFound)
	})
	s := newSink(t, quick(), strings.Replace(ep.URL, "://", "://u:seeded@", 1)+"/x?token=seeded", sinktest.Format{})
	err := s.Deliver(t.Context(), sinktest.Event("01A", "/a"))
	if err == nil || strings.Contains(err.Error(), "seeded") {
		t.Errorf("err = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Deliver(ctx, sinktest.Event("01A", "/a")); err == nil || strings.Contains(err.Error(), "seeded") {
		t.Errorf("err = %v", err)
	}
}

func TestRedirects(t *testing.T) {
	other := newEndpoint(t, always(200))
	for _, c := range []struct {
		name    string
		code    int
		to      string // empty: /end on the same host
		follows bool
	}{
		{"same host, same method", http.StatusPermanentRedirect, "", true},
		{"same host, temporary", 307, "", true},
		{"same host, but as GET", 302, "", false},
		{"see other", 303, "", false},
		{"another host", http.StatusPermanentRedirect, other.URL, false},
		{"the same host under another name", 307, strings.Replace(other.URL, "127.0.0.1", "localhost", 1), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			ep := newEndpoint(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				if r.URL.Path == "/end" {
					return
				}
				to := c.to
				if to == "" {
					to = "/end"
				}
				w.Header().Set("Location", to)
				w.WriteHeader(c.code)
			})
			s := newSink(t, quick(), ep.URL+"/begin", sinktest.Format{})
			err := s.Deliver(t.Context(), sinktest.Event("01A", "/a"))
			got := ep.got()
			if !c.follows {
				if err == nil || !strings.Contains(err.Error(), "redirect") || len(got) != 1 {
					t.Errorf("err = %v after %d requests", err, len(got))
				}
				return
			}
			if err != nil || len(got) != 2 {
				t.Fatalf("err = %v after %d requests", err, len(got))
			}
			if string(got[1].body) != string(got[0].body) || got[1].Header.Get("Idempotency-Key") != "01A" {
				t.Errorf("the redirected request has body %q and id %q", got[1].body, got[1].Header.Get("Idempotency-Key"))
			}
		})
	}
	if n := len(other.got()); n != 0 {
		t.Errorf("%d events went to another host", n)
	}
}

// From http to https on the host is where a redirect usually goes; back is not.
func TestRedirectsToAndFromTLS(t *testing.T) {
	var arrived atomic.Int32
	count := func(w http.ResponseWriter, r *http.Request) { arrived.Add(1) }
	plain, secure := httptest.NewServer(http.HandlerFunc(count)), httptest.NewTLSServer(http.HandlerFunc(count))
	defer plain.Close()
	defer secure.Close()
	up := httptest.NewServer(http.RedirectHandler(secure.URL, http.StatusPermanentRedirect))
	down := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusPermanentRedirect))
	defer up.Close()
	defer down.Close()
	cfg := quick()
	cfg.SkipTLSVerify = true
	if err := newSink(t, cfg, up.URL, sinktest.Format{}).Deliver(t.Context(), sinktest.Event("01A", "/a")); err != nil || arrived.Load() != 1 {
		t.Errorf("to https: %v, %d arrived", err, arrived.Load())
	}
	if err := newSink(t, cfg, down.URL, sinktest.Format{}).Deliver(t.Context(), sinktest.Event("01A", "/a")); err == nil || arrived.Load() != 1 {
		t.Errorf("to http: %v, %d arrived", err, arrived.Load())
	}
}

func TestRedirectLoopEnds(t *testing.T) {
	ep := newEndpoint(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		w.Header().Set("Location", "/")
		w.WriteHeader(http.StatusPermanentRedirect)
	})
	if err := newSink(t, quick(), ep.URL, sinktest.Format{}).Deliver(t.Context(), sinktest.Event("01A", "/a")); err == nil {
		t.Error("no error")
	}
	if n := len(ep.got()); n > 12 {
		t.Errorf("%d requests", n)
	}
}

// One connection serves all events, whatever the endpoint answers with.
func TestConnectionsAreReused(t *testing.T) {
	addresses := make(map[string]bool)
	ep := newEndpoint(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		addresses[r.RemoteAddr] = true // one request at a time
		_, _ = w.Write(make([]byte, 10_000))
	})
	s := newSink(t, quick(), ep.URL, sinktest.Format{})
	for range 10 {
		if err := s.Deliver(t.Context(), sinktest.Event("01A", "/a")); err != nil {
			t.Fatal(err)
		}
	}
	if len(addresses) != 1 {
		t.Errorf("%d connections", len(addresses))
	}
}

// An endless answer neither blocks nor fills the memory.
func TestAnswerIsBounded(t *testing.T) {
	written := make(chan int, 1)
	ep := newEndpoint(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		n := 0
		for chunk := make([]byte, 1<<20); n < 1<<30; {
			m, err := w.Write(chunk)
			n += m
			if err != nil {
				break
			}
		}
		written <- n
	})
	if err := newSink(t, quick(), ep.URL, sinktest.Format{}).Deliver(t.Context(), sinktest.Event("01A", "/a")); err != nil {
		t.Error(err)
	}
	if n := <-written; n > 64<<20 {
		t.Errorf("%d bytes of an answer were taken", n)
	}
}

func TestNewRefuses(t *testing.T) {
	c, err := httpsink.NewClient(quick(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"", "/opt/hook", "httpfoo", "ftp://h/x", "http://", "http://u:seeded@h:x/"} {
		if _, err := httpsink.New(c, address, sinktest.Format{}, httpsink.Options{}); err == nil || strings.Contains(err.Error(), "seeded") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestLimit(t *testing.T) {
	s := newSink(t, httpsink.DefaultConfig(), "http://h/", sinktest.Format{})
	if got := s.Limit(); got != 170*time.Second { // 4 attempts of 20 s, 3 pauses of at most 30 s
		t.Errorf("Limit() = %v", got)
	}
}
