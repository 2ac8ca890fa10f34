package httpsink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"sftpgo/actions"
)

// textLimit is how much of an answer is kept for the log.
const textLimit = 4 << 10

// Sink posts events to one URL. It is safe for concurrent use.
//
// The URL may be anywhere, loopback included: it comes from the configuration of
// the server. User info in it becomes basic authentication. Redirects are
// followed only on the same host and with the same method (307, 308). Each
// request has the id of the event as Idempotency-Key, the same on every try.
type Sink struct {
	http   *retryablehttp.Client
	limit  time.Duration
	url    string
	format actions.Format
	signer signer

	proxied []string
}

// Options are what sinks of one client may differ in. The zero value changes
// nothing.
type Options struct {
	Timeout time.Duration // of each attempt; 0: that of the client
	Keys    [][]byte      // each signs every attempt by the Standard Webhooks scheme
	// Proxied are headers of the request of the client that requests to the hook have,
	// too, with the first value.
	Proxied []string
}

var (
	_ actions.Sink  = (*Sink)(nil)
	_ actions.Asker = (*Sink)(nil)
)

// New returns a sink for an absolute http or https URL.
func New(c *Client, address string, f actions.Format, o Options) (*Sink, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("hook %q is not an http or https URL", actions.RedactURL(address))
	}
	if o.Timeout == 0 {
		o.Timeout = c.cfg.timeout()
	}
	s := &Sink{
		http:   newRetrying(c.cfg, c.http.HTTPClient.Transport, o.Timeout),
		limit:  c.limit(o.Timeout),
		url:    address,
		format: f,
		signer: signer{o.Keys},

		proxied: o.Proxied,
	}
	s.http.PrepareRetry = s.prepareRetry
	return s, nil
}

// String describes the sink in one line, without the secrets of its URL.
func (s *Sink) String() string { return "POST " + actions.RedactURL(s.url) }

// Limit is the longest that Deliver and Ask take.
func (s *Sink) Limit() time.Duration { return s.limit }

// Deliver posts the event; any status of the 2xx range is success. Statuses that
// speak of this very request are actions.ErrRejected. The beginning of another
// answer comes in an actions.OutputError.
func (s *Sink) Deliver(ctx context.Context, e *actions.Event) error {
	a, err := s.post(ctx, e)
	switch {
	case err != nil:
		return err
	case a.code >= 200 && a.code < 300:
		actions.Received(ctx, actions.Receipt{Status: statusText(a.code), Output: a.text()})
		return nil
	case rejection(a.code):
		err = fmt.Errorf("%s: %w: %s", s, actions.ErrRejected, statusText(a.code))
	default:
		err = fmt.Errorf("%s: %s", s, statusText(a.code))
	}
	return &actions.OutputError{Err: err, Output: a.text()}
}

// Ask posts the event. Any status of the 2xx range agrees.
func (s *Sink) Ask(ctx context.Context, e *actions.Event) (actions.Answer, error) {
	a, err := s.post(ctx, e)
	if err != nil {
		return actions.Answer{}, err
	}
	return actions.Answer{
		Accepted:    a.code >= 200 && a.code < 300,
		Exact:       a.code == http.StatusOK,
		Status:      a.code,
		ContentType: a.kind,
		Body:        a.body,
		Cut:         a.cut,
		Output:      a.text(),
	}, nil
}

// Header returns what a request for the event carries beside the body, with a
// signature of the time at.
func (s *Sink) Header(e *actions.Event, call actions.Call, at time.Time) http.Header {
	h := http.Header{}
	h.Set("Content-Type", call.ContentType)
	h.Set("Idempotency-Key", e.ID)
	if call.Name != "" {
		h.Set("Hook-Name", call.Name)
	}
	if e.Request != nil {
		for _, name := range s.proxied {
			if values := e.Request.Header[http.CanonicalHeaderKey(name)]; len(values) > 0 {
				h.Set(name, values[0])
			}
		}
	}
	s.signer.sign(h, e.ID, at, call.Body)
	return h
}

// answer is what an endpoint said.
type answer struct {
	code int
	kind string // the media type
	body []byte // at most actions.AnswerLimit
	cut  bool   // there was more, or it broke off
}

// text is the beginning of the body, for the log.
func (a answer) text() string {
	return strings.ToValidUTF8(string(a.body[:min(len(a.body), textLimit)]), "\uFFFD")
}

func (s *Sink) post(ctx context.Context, e *actions.Event) (a answer, err error) {
	call, err := s.format.Render(e)
	if err != nil {
		return a, err
	}
	address, err := withQuery(s.url, call.Query)
	if err != nil {
		return a, fmt.Errorf("%s: %w", s, withoutURL(err))
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, address, call.Body)
	if err != nil {
		return a, fmt.Errorf("%s: %w", s, withoutURL(err))
	}
	req.Header = s.Header(e, call, time.Now())
	resp, err := s.http.Do(req)
	if resp != nil {
		defer resp.Body.Close()
	}
	if err != nil {
		return a, fmt.Errorf("%s: %w", s, withoutURL(err))
	}
	// Reading to the end lets the connection be used again; an endpoint that sends
	// more loses it. What is wrong with the body matters only to who needs it.
	body, rerr := io.ReadAll(io.LimitReader(resp.Body, actions.AnswerLimit+1))
	a = answer{code: resp.StatusCode, kind: resp.Header.Get("Content-Type"), body: body, cut: rerr != nil}
	if len(body) > actions.AnswerLimit {
		a.body, a.cut = body[:actions.AnswerLimit], true
	}
	return a, nil
}

// withQuery adds to the query of an address, which is sorted then, as receivers of
// the contract see it.
func withQuery(address string, more map[string]string) (string, error) {
	if len(more) == 0 {
		return address, nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	q := u.Query()
	for name, value := range more {
		q.Add(name, value)
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// prepareRetry signs a further attempt with its own time: receivers refuse a
// timestamp that is minutes old.
func (s *Sink) prepareRetry(req *http.Request) error {
	if len(s.signer.keys) == 0 {
		return nil
	}
	body, err := req.GetBody()
	if err != nil {
		return err
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	req.Header = req.Header.Clone()
	s.signer.sign(req.Header, req.Header.Get("Idempotency-Key"), time.Now(), text)
	return nil
}

// withoutURL unwraps the error of net/http that repeats the URL, secrets of the
// query included.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// rejection tells the statuses that say "this event, never" from those of an
// endpoint that is misconfigured or away, where waiting helps.
func rejection(code int) bool {
	switch code {
	case http.StatusBadRequest, http.StatusGone, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

func statusText(code int) string {
	text := fmt.Sprintf("status %d %s", code, http.StatusText(code))
	if code >= 300 && code < 400 {
		text += " (redirects are followed only on the same host, with 307 or 308); configure the final URL"
	}
	return text
}
