package httpsink_test

import (
	"net/http"
	"testing"

	"sftpgo/actions"
	"sftpgo/actions/httpsink"
	"sftpgo/actions/sinktest"
)

// TestEndlessAnswer: an endpoint that answers without end has answered; more than the
// limit is not read.
func TestEndlessAnswer(t *testing.T) {
	ep := newEndpoint(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.Header().Set("Content-Type", "application/json")
		piece := make([]byte, 64<<10)
		for range 16 << 10 { // a gigabyte
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	})
	s := newSink(t, quick(), ep.URL, sinktest.Format{})
	a, err := s.Ask(t.Context(), sinktest.Event("01A", "/a"))
	if err != nil || !a.Accepted || !a.Cut || len(a.Body) != actions.AnswerLimit || a.ContentType != "application/json" {
		t.Errorf("accepted %v, cut %v, %d bytes, %v", a.Accepted, a.Cut, len(a.Body), err)
	}
}

func TestProxiedHeaders(t *testing.T) {
	c, err := httpsink.NewClient(quick(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, err := httpsink.New(c, "http://127.0.0.1:1/", sinktest.Format{}, httpsink.Options{Proxied: []string{"x-tenant", "X-Missing"}})
	if err != nil {
		t.Fatal(err)
	}
	e := sinktest.Event("01A", "/a")
	e.Request = &actions.Request{Header: map[string][]string{"X-Tenant": {"a", "b"}, "X-Other": {"c"}}}
	h := s.Header(e, actions.Call{}, e.Time)
	if h.Get("X-Tenant") != "a" || len(h.Values("X-Tenant")) != 1 || h.Get("X-Other") != "" || len(h.Values("X-Missing")) != 0 {
		t.Errorf("header %v", h)
	}
}
