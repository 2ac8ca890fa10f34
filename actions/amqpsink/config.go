// Package amqpsink publishes events to an exchange of RabbitMQ: persistent messages,
// each of which counts as delivered when the broker has confirmed that a queue has
// it.
package amqpsink

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"sftpgo/actions"
)

// Config says where a sink publishes, and how.
type Config struct {
	// URL is that of the broker, amqp:// or amqps://, with the virtual host as path
	// (https://www.rabbitmq.com/docs/uri-spec). Its parameters count, too.
	URL string
	// Settings are those of the configuration file. Zero values are those of the
	// contract.
	Settings actions.HookAMQP
	// Events are the names that get a queue of their own with DeclareQueues. Nil is
	// those of the upload hooks.
	Events []string
	// Timeout limits a delivery with all that it has to wait for (0: 30 s).
	Timeout time.Duration
	// TLS is for amqps:// (nil: the trust of the system, and the parameters of URL).
	TLS *tls.Config
}

// The values of the contract, where nothing else is set.
const (
	defaultExchange    = "rustus"
	defaultKind        = "topic"
	defaultPrefix      = "rustus"
	defaultTaskPrefix  = "rustus."
	defaultConnections = 10
	defaultChannels    = 10
	defaultTimeout     = 30 * time.Second
)

// UploadHooks are the events of the contract.
func UploadHooks() []string {
	return []string{"pre-create", "post-create", "post-receive", "post-finish", "pre-terminate", "post-terminate"}
}

// Validate returns all faults, none of which has a secret in it.
func (c Config) Validate() error {
	var errs []error
	if err := actions.CheckBrokerURL(c.URL); err != nil {
		errs = append(errs, err)
	} else if _, err := amqp.ParseURI(c.URL); err != nil {
		// The cause would repeat the URL.
		errs = append(errs, fmt.Errorf("%q is not a URL like amqp://user:password@host:5672/vhost", actions.RedactURL(c.URL)))
	}
	if c.Timeout < 0 {
		errs = append(errs, fmt.Errorf("timeout: %v is negative", c.Timeout))
	}
	return errors.Join(append(errs, c.Settings.Validate())...)
}

// complete puts the values of the contract where nothing is set.
func (c Config) complete() Config {
	s := &c.Settings
	s.Exchange = cmp.Or(s.Exchange, defaultExchange)
	s.ExchangeKind = cmp.Or(s.ExchangeKind, defaultKind)
	s.QueuesPrefix = cmp.Or(s.QueuesPrefix, defaultPrefix)
	s.CeleryTaskPrefix = cmp.Or(s.CeleryTaskPrefix, defaultTaskPrefix)
	s.ConnectionPoolSize = cmp.Or(s.ConnectionPoolSize, defaultConnections)
	s.ChannelPoolSize = cmp.Or(s.ChannelPoolSize, defaultChannels)
	c.Timeout = cmp.Or(c.Timeout, defaultTimeout)
	if c.Events == nil {
		c.Events = UploadHooks()
	}
	return c
}

// key is the routing key of an event.
func (c Config) key(event string) string {
	if c.Settings.RoutingKey != "" {
		return c.Settings.RoutingKey
	}
	return c.Settings.QueuesPrefix + "." + event
}

// queues are the names of those that DeclareQueues makes.
func (c Config) queues() []string {
	if c.Settings.RoutingKey != "" {
		return []string{c.Settings.RoutingKey}
	}
	names := make([]string, len(c.Events))
	for i, event := range c.Events {
		names[i] = c.key(event)
	}
	return names
}
