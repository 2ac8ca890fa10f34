package httpsink

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// maxIdlePerHost keeps as many connections to one endpoint as there may be
// deliveries and questions at a time, so that a burst does not end in handshakes.
const maxIdlePerHost = 64

// Client is what all sinks of one configuration share: connections that are kept
// alive, trust, retries. It is safe for concurrent use.
type Client struct {
	cfg  Config
	http *retryablehttp.Client
}

// NewClient loads the certificates that cfg names, relative to dir, and returns
// all faults.
func NewClient(cfg Config, dir string) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	trust, err := newTLS(cfg, dir)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = trust
	transport.MaxIdleConnsPerHost = maxIdlePerHost
	transport.MaxIdleConns = 4 * maxIdlePerHost
	return &Client{cfg: cfg, http: newRetrying(cfg, transport, cfg.timeout())}, nil
}

// newRetrying puts the short retries and the time limit of an attempt on top of
// connections.
func newRetrying(cfg Config, over http.RoundTripper, timeout time.Duration) *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport:     over,
			Timeout:       timeout,
			CheckRedirect: checkRedirect,
		},
		RetryWaitMin: cfg.waitMin(),
		RetryWaitMax: cfg.waitMax(),
		RetryMax:     cfg.RetryMax,
		CheckRetry:   retryablehttp.DefaultRetryPolicy,
		Backoff:      backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
}

// Single returns the client for calls that are tried once and are no deliveries,
// with the same trust and time limit. It shares the connections of c.
func (c *Client) Single() *http.Client { return c.http.HTTPClient }

// Close drops the idle connections.
func (c *Client) Close() error {
	c.http.HTTPClient.CloseIdleConnections()
	return nil
}

// limit is the longest that one delivery can take with all its attempts.
func (c *Client) limit(timeout time.Duration) time.Duration {
	n := time.Duration(c.cfg.RetryMax)
	return (n+1)*timeout + n*c.cfg.waitMax()
}

// backoff doubles the pause each time and lets an endpoint that is busy choose,
// but never waits longer than the configuration allows: what takes longer is for
// the outbox, which survives a restart.
func backoff(lowest, highest time.Duration, attempt int, resp *http.Response) time.Duration {
	return min(retryablehttp.DefaultBackoff(lowest, highest, attempt, resp), highest)
}

// checkRedirect follows a redirect that keeps method and body (307, 308) and
// stays on the host, or goes from http to https there. Anything else ends with
// the redirect as the answer, which is a failure: the event must not go where
// nobody configured it to go, and a GET would not carry it.
func checkRedirect(req *http.Request, via []*http.Request) error {
	from, to := via[len(via)-1].URL, req.URL
	secured := from.Scheme == "http" && to.Scheme == "https" && from.Hostname() == to.Hostname()
	same := from.Scheme == to.Scheme && from.Host == to.Host
	if req.Method != http.MethodPost || len(via) > 10 || !(same || secured) {
		return http.ErrUseLastResponse
	}
	return nil
}

func newTLS(cfg Config, dir string) (*tls.Config, error) {
	var errs []error
	t := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: cfg.SkipTLSVerify} // the operator asked for it
	if len(cfg.CACertificates) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool() // a container without a trust store
		}
		for i, name := range cfg.CACertificates {
			pem, err := os.ReadFile(inside(dir, name))
			if err == nil && !pool.AppendCertsFromPEM(pem) {
				err = fmt.Errorf("%s has no PEM certificate", inside(dir, name))
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("ca_certificates.%d: %w", i, err))
			}
		}
		t.RootCAs = pool
	}
	for i, p := range cfg.Certificates {
		pair, err := tls.LoadX509KeyPair(inside(dir, p.Cert), inside(dir, p.Key))
		if err != nil {
			errs = append(errs, fmt.Errorf("certificates.%d: %w", i, err))
		}
		t.Certificates = append(t.Certificates, pair)
	}
	return t, errors.Join(errs...)
}

func inside(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}
