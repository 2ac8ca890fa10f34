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

// maxAnswer is how much of an answer is read, so that the connection can be used
// again; an endpoint that sends more loses it.
const maxAnswer = 64 << 10

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
}

// Options are what sinks of one client may differ in. The zero value changes
// nothing.
type Options struct {
	Timeout time.Duration // of each attempt; 0: that of the client
	Keys    [][]byte      // each signs every attempt by the Standard Webhooks scheme
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
		return nil
	case rejection(a.code):
		err = fmt.Errorf("%s: %w: %s", s, actions.ErrRejected, statusText(a.code))
	default:
		err = fmt.Errorf("%s: %s", s, statusText(a.code))
	}
	return &actions.OutputError{Err: err, Output: a.text}
}

// Ask posts the event and reports whether the status was exactly 200. A status
// that tells of a broken or busy endpoint (5xx, 429) is no answer but an error.
func (s *Sink) Ask(ctx context.Context, e *actions.Event) (bool, error) {
	a, err := s.post(ctx, e)
	if err == nil && (a.code >= 500 || a.code == http.StatusTooManyRequests) {
		err = &actions.OutputError{Err: fmt.Errorf("%s: %s", s, statusText(a.code)), Output: a.text}
	}
	return err == nil && a.code == http.StatusOK, err
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
	s.signer.sign(h, e.ID, at, call.Body)
	return h
}

// answer is what an endpoint said.
type answer struct {
	code int
	text string // of an answer that is no success, at most textLimit bytes
}

func (s *Sink) post(ctx context.Context, e *actions.Event) (a answer, err error) {
	call, err := s.format.Render(e)
	if err != nil {
		return a, err
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, s.url, call.Body)
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
	// Only the status counts: what is wrong with the body does not matter.
	body := io.LimitReader(resp.Body, maxAnswer)
	text, _ := io.ReadAll(io.LimitReader(body, textLimit))
	_, _ = io.Copy(io.Discard, body)
	return answer{resp.StatusCode, strings.ToValidUTF8(string(text), "\uFFFD")}, nil
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
