package httpsink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"sftpgo/actions"
)

// maxAnswer is how much of an answer is read, so that the connection can be used
// again; an endpoint that sends more loses it.
const maxAnswer = 64 << 10

// Sink posts events to one URL. It is safe for concurrent use.
//
// The URL may be anywhere, loopback included: it comes from the configuration of
// the server. User info in it becomes basic authentication. Redirects are
// followed only on the same host and with the same method (307, 308). Each
// request has the id of the event as Idempotency-Key, the same on every try.
type Sink struct {
	client *Client
	url    string
	format actions.Format
}

var (
	_ actions.Sink  = (*Sink)(nil)
	_ actions.Asker = (*Sink)(nil)
)

// New returns a sink for an absolute http or https URL.
func New(c *Client, address string, f actions.Format) (*Sink, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("hook %q is not an http or https URL", actions.RedactURL(address))
	}
	return &Sink{client: c, url: address, format: f}, nil
}

// String describes the sink in one line, without the secrets of its URL.
func (s *Sink) String() string { return "POST " + actions.RedactURL(s.url) }

// Limit is the longest that Deliver and Ask take.
func (s *Sink) Limit() time.Duration { return s.client.limit() }

// Deliver posts the event; any status of the 2xx range is success. Statuses that
// speak of this very request are actions.ErrRejected.
func (s *Sink) Deliver(ctx context.Context, e *actions.Event) error {
	code, err := s.post(ctx, e)
	switch {
	case err != nil:
		return err
	case code >= 200 && code < 300:
		return nil
	case rejection(code):
		return fmt.Errorf("%s: %w: %s", s, actions.ErrRejected, statusText(code))
	}
	return fmt.Errorf("%s: %s", s, statusText(code))
}

// Ask posts the event and reports whether the status was exactly 200. A status
// that tells of a broken or busy endpoint (5xx, 429) is no answer but an error.
func (s *Sink) Ask(ctx context.Context, e *actions.Event) (bool, error) {
	code, err := s.post(ctx, e)
	if err == nil && (code >= 500 || code == http.StatusTooManyRequests) {
		err = fmt.Errorf("%s: %s", s, statusText(code))
	}
	return err == nil && code == http.StatusOK, err
}

func (s *Sink) post(ctx context.Context, e *actions.Event) (code int, err error) {
	call, err := s.format.Render(e)
	if err != nil {
		return 0, err
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, s.url, call.Body)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", s, withoutURL(err))
	}
	req.Header.Set("Content-Type", call.ContentType)
	req.Header.Set("Idempotency-Key", e.ID)
	resp, err := s.client.http.Do(req)
	if resp != nil {
		defer resp.Body.Close()
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", s, withoutURL(err))
	}
	// Only the status counts: what is wrong with the body does not matter.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	return resp.StatusCode, nil
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
