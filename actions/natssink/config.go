// Package natssink publishes events to NATS: to a stream of JetStream, which
// acknowledges what it has stored, or to whoever listens.
package natssink

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"sftpgo/actions"
)

// Config says where a sink publishes, and how.
type Config struct {
	// URL is that of a server, nats:// or tls://.
	URL string
	// Settings are those of the configuration file.
	Settings actions.HookNATS
	// Name tells the sink from others whose messages get into the same stream: it is
	// a part of the id by which JetStream knows repetitions. It may be empty.
	Name string
	// Timeout limits a delivery with all that it has to wait for (0: 30 s).
	Timeout time.Duration
	// TLS is for tls:// (nil: the trust of the system).
	TLS *tls.Config
}

const defaultTimeout = 30 * time.Second

// Validate returns all faults, none of which has a secret in it.
func (c Config) Validate() error {
	var errs []error
	if !strings.HasPrefix(c.URL, "nats://") && !strings.HasPrefix(c.URL, "tls://") {
		errs = append(errs, fmt.Errorf("%q does not begin with nats:// or tls://", actions.RedactURL(c.URL)))
	} else if err := actions.CheckBrokerURL(c.URL); err != nil {
		errs = append(errs, err)
	}
	if c.Timeout < 0 {
		errs = append(errs, fmt.Errorf("timeout: %v is negative", c.Timeout))
	}
	return errors.Join(append(errs, c.Settings.Validate())...)
}

func (c Config) complete() Config {
	c.Timeout = cmp.Or(c.Timeout, defaultTimeout)
	return c
}

// servers are the URLs of all servers.
func (c Config) servers() []string { return append([]string{c.URL}, c.Settings.URLs...) }

// subject is that of an event.
func (c Config) subject(event string) string {
	switch {
	case c.Settings.Subject != "":
		return c.Settings.Subject
	case c.Settings.Prefix != "":
		return c.Settings.Prefix + "." + event
	}
	return event
}
