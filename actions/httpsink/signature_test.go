package httpsink_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/actions/httpsink"
	"sftpgo/actions/sinktest"
)

func key(t *testing.T, secret string) []byte {
	t.Helper()
	k, err := actions.DecodeSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func signing(t *testing.T, cfg httpsink.Config, url string, keys ...[]byte) *httpsink.Sink {
	t.Helper()
	c, err := httpsink.NewClient(cfg, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	s, err := httpsink.New(c, url, sinktest.Format{}, httpsink.Options{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The example of the specification, which the libraries of the scheme test with.
func TestSignatureOfTheSpecification(t *testing.T) {
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	s := signing(t, quick(), "http://127.0.0.1:1/", key(t, secret))
	call := actions.Call{Body: []byte(`{"test": 2432232314}`)}
	h := s.Header(&actions.Event{ID: "msg_p5jXN8AQM9LWM0D4loKWxJek"}, call, time.Unix(1614265330, 0))
	for name, want := range map[string]string{
		"webhook-id":        "msg_p5jXN8AQM9LWM0D4loKWxJek",
		"webhook-timestamp": "1614265330",
		"webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestSignaturesOfSeveralKeys(t *testing.T) {
	keys := [][]byte{[]byte(strings.Repeat("a", 24)), []byte(strings.Repeat("b", 64))}
	e := sinktest.Event("01A", "/a")
	call := actions.Call{Body: []byte("body")}
	at := time.Unix(1, 0)
	both := signing(t, quick(), "http://127.0.0.1:1/", keys...).Header(e, call, at).Get("webhook-signature")
	var want []string
	for _, k := range keys {
		want = append(want, signing(t, quick(), "http://127.0.0.1:1/", k).Header(e, call, at).Get("webhook-signature"))
	}
	if d := cmp.Diff(strings.Join(want, " "), both); d != "" || want[0] == want[1] {
		t.Error(d)
	}
}

func TestNoSignatureWithoutKey(t *testing.T) {
	ep := newEndpoint(t, always(200))
	if err := newSink(t, quick(), ep.URL, sinktest.Format{}).Deliver(t.Context(), sinktest.Event("01A", "/a")); err != nil {
		t.Fatal(err)
	}
	for name := range ep.got()[0].Header {
		if strings.HasPrefix(strings.ToLower(name), "webhook-") || name == "Hook-Name" {
			t.Errorf("header %s", name)
		}
	}
}

// Every attempt is signed anew, since receivers refuse old timestamps.
func TestRetriesAreSignedAnew(t *testing.T) {
	ep := newEndpoint(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		if n == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	cfg := quick()
	cfg.RetryWaitMin, cfg.RetryWaitMax = 1, 1 // at least the next second
	k := []byte(strings.Repeat("k", 32))
	s := signing(t, cfg, ep.URL, k)
	e := sinktest.Event("01A", "/a")
	if err := s.Deliver(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	got := ep.got()
	if len(got) != 2 {
		t.Fatalf("%d requests", len(got))
	}
	var stamps []string
	for _, r := range got {
		stamp := r.Header.Get("webhook-timestamp")
		seconds, err := strconv.ParseInt(stamp, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		want := s.Header(e, actions.Call{Body: r.body}, time.Unix(seconds, 0)).Get("webhook-signature")
		if r.Header.Get("webhook-signature") != want || r.Header.Get("webhook-id") != "01A" || r.Header.Get("Idempotency-Key") != "01A" {
			t.Errorf("headers %v", r.Header)
		}
		if len(r.Header.Values("webhook-signature")) != 1 {
			t.Error("two headers")
		}
		stamps = append(stamps, stamp)
	}
	if stamps[0] == stamps[1] {
		t.Errorf("both at %s", stamps[0])
	}
}

// A secret is nowhere in what a failure says.
func TestKeysStayOutOfErrors(t *testing.T) {
	ep := newEndpoint(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte("no \xff such bucket"))
	})
	k := []byte(strings.Repeat("seeded!!", 4))
	err := signing(t, quick(), ep.URL, k).Deliver(t.Context(), sinktest.Event("01A", "/a"))
	var out *actions.OutputError
	if !errors.Is(err, actions.ErrRejected) || !errors.As(err, &out) {
		t.Fatalf("err = %v", err)
	}
	if d := cmp.Diff("no \uFFFD such bucket", out.Output); d != "" {
		t.Error(d)
	}
	if strings.Contains(err.Error(), "seeded") || strings.Contains(err.Error(), base64.StdEncoding.EncodeToString(k)) {
		t.Error(err)
	}
}

func TestOutputIsCapped(t *testing.T) {
	ep := newEndpoint(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(strings.Repeat("x", 1<<20))) // the sink hangs up in between
	})
	err := signing(t, quick(), ep.URL).Deliver(t.Context(), sinktest.Event("01A", "/a"))
	var out *actions.OutputError
	if !errors.As(err, &out) || len(out.Output) != 4<<10 {
		t.Errorf("%d bytes kept: %v", len(out.Output), err)
	}
}

func TestTimeoutOfASink(t *testing.T) {
	release := make(chan struct{})
	ep := newEndpoint(t, func(http.ResponseWriter, *http.Request, int) { <-release })
	defer close(release)
	cfg := quick()
	cfg.RetryMax = 0
	c, err := httpsink.NewClient(cfg, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, err := httpsink.New(c, ep.URL, sinktest.Format{}, httpsink.Options{Timeout: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if s.Limit() != 100*time.Millisecond {
		t.Errorf("limit %v", s.Limit())
	}
	start := time.Now()
	if err := s.Deliver(t.Context(), sinktest.Event("01A", "/a")); err == nil {
		t.Error("no error")
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}
