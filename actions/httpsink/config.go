// Package httpsink posts events to a URL, with the short retries of one delivery;
// the long ones are the outbox's.
package httpsink

import (
	"errors"
	"fmt"
	"time"
)

// Config is the "http" section: the client of all hooks that are URLs.
type Config struct {
	// Timeout, in seconds, limits each attempt, from the connection to the end of
	// the answer.
	Timeout int `json:"timeout"`
	// RetryWaitMin and RetryWaitMax, in seconds, bound the pause between two
	// attempts, which doubles each time. A Retry-After of the endpoint is honoured
	// up to RetryWaitMax.
	RetryWaitMin int `json:"retry_wait_min"`
	RetryWaitMax int `json:"retry_wait_max"`
	// RetryMax is the number of further attempts after the first.
	RetryMax int `json:"retry_max"`
	// CACertificates are PEM files, relative to the configuration directory, that
	// are trusted in addition to those of the system.
	CACertificates []string `json:"ca_certificates"`
	// Certificates are shown to endpoints that ask for one.
	Certificates []KeyPair `json:"certificates"`
	// SkipTLSVerify accepts any certificate. It makes TLS worthless against an
	// active attacker and is for tests only.
	SkipTLSVerify bool `json:"skip_tls_verify"`
}

// KeyPair names the PEM files of a client certificate and its key, relative to
// the configuration directory.
type KeyPair struct {
	Cert string `json:"cert"`
	Key  string `json:"key"`
}

// DefaultConfig returns the built-in values.
func DefaultConfig() Config {
	return Config{
		Timeout:        20,
		RetryWaitMin:   2,
		RetryWaitMax:   30,
		RetryMax:       3,
		CACertificates: []string{},
		Certificates:   []KeyPair{},
	}
}

// Validate returns all faults. It reads no file.
func (c Config) Validate() error {
	var errs []error
	if c.Timeout <= 0 {
		errs = append(errs, fmt.Errorf("timeout: %d would let an endpoint hang for ever; give a number of seconds", c.Timeout))
	}
	if c.RetryWaitMin < 0 {
		errs = append(errs, fmt.Errorf("retry_wait_min: %d is negative", c.RetryWaitMin))
	}
	if c.RetryWaitMax < 0 {
		errs = append(errs, fmt.Errorf("retry_wait_max: %d is negative", c.RetryWaitMax))
	}
	if c.RetryMax < 0 {
		errs = append(errs, fmt.Errorf("retry_max: %d is negative; use 0 for a single attempt", c.RetryMax))
	}
	for i, name := range c.CACertificates {
		if name == "" {
			errs = append(errs, fmt.Errorf("ca_certificates.%d: the name of a file is missing", i))
		}
	}
	for i, p := range c.Certificates {
		if p.Cert == "" || p.Key == "" {
			errs = append(errs, fmt.Errorf("certificates.%d: cert and key are both needed", i))
		}
	}
	return errors.Join(errs...)
}

func (c Config) timeout() time.Duration { return time.Duration(c.Timeout) * time.Second }
func (c Config) waitMin() time.Duration { return time.Duration(c.RetryWaitMin) * time.Second }
func (c Config) waitMax() time.Duration { return time.Duration(c.RetryWaitMax) * time.Second }
