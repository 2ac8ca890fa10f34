package httpsink_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"sftpgo/actions"
	"sftpgo/actions/httpsink"
	"sftpgo/actions/sinktest"
)

// endpoint records what it gets and answers as told.
type endpoint struct {
	*httptest.Server

	mu       sync.Mutex
	requests []request
	answer   func(w http.ResponseWriter, r *http.Request, n int) // n counts from 0
}

type request struct {
	*http.Request
	body []byte
	at   time.Time
}

func newEndpoint(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, n int)) *endpoint {
	t.Helper()
	ep := &endpoint{answer: answer}
	ep.Server = httptest.NewServer(ep)
	t.Cleanup(ep.Close)
	return ep
}

func (ep *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	ep.mu.Lock()
	n := len(ep.requests)
	ep.requests = append(ep.requests, request{r, body, time.Now()})
	answer := ep.answer
	ep.mu.Unlock()
	answer(w, r, n)
}

func (ep *endpoint) got() []request {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	return append([]request(nil), ep.requests...)
}

func always(code int) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(code) }
}

// quick retries without a pause.
func quick() httpsink.Config {
	cfg := httpsink.DefaultConfig()
	cfg.RetryWaitMin, cfg.RetryWaitMax = 0, 0
	return cfg
}

func newSink(t *testing.T, cfg httpsink.Config, url string, f actions.Format) *httpsink.Sink {
	t.Helper()
	c, err := httpsink.NewClient(cfg, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	s, err := httpsink.New(c, url, f, httpsink.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	sinktest.Run(t, func(t *testing.T, f actions.Format) sinktest.Receiver {
		ep := newEndpoint(t, always(200))
		s := newSink(t, quick(), ep.URL, f)
		return sinktest.Receiver{
			Sink:    s,
			Answer:  func(a sinktest.Answer) { ep.set(answers[a]) },
			Arrived: ep.arrivals,
		}
	})
}

var answers = map[sinktest.Answer]func(http.ResponseWriter, *http.Request, int){
	sinktest.Accept: always(200),
	sinktest.Refuse: always(500),
	sinktest.Hang: func(_ http.ResponseWriter, r *http.Request, _ int) {
		select {
		case <-r.Context().Done():
		case <-time.After(time.Minute):
		}
	},
}

func (ep *endpoint) set(answer func(http.ResponseWriter, *http.Request, int)) {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	ep.answer = answer
}

func (ep *endpoint) arrivals() []sinktest.Arrival {
	var all []sinktest.Arrival
	for _, r := range ep.got() {
		all = append(all, sinktest.Arrival{
			ID:   r.Header.Get("Idempotency-Key"),
			Call: actions.Call{Body: r.body, ContentType: r.Header.Get("Content-Type")},
		})
	}
	return all
}
