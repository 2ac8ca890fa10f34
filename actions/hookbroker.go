package actions

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// HookAMQP says how a hook publishes to RabbitMQ. The zero value is that of the
// contract.
type HookAMQP struct {
	// Exchange is where messages go (empty: rustus).
	Exchange string `json:"exchange"`
	// ExchangeKind is the kind of the exchange: topic (also when empty), direct,
	// fanout, headers, or what a plugin of the broker adds.
	ExchangeKind string `json:"exchange_kind"`
	// DeclareExchange makes the exchange if it is not there.
	DeclareExchange bool `json:"declare_exchange"`
	// DurableExchange makes an exchange that survives a restart of the broker.
	DurableExchange bool `json:"durable_exchange"`
	// DeclareQueues makes the queues if they are not there, one for each event or one
	// for RoutingKey, and binds them to the exchange by their names.
	DeclareQueues bool `json:"declare_queues"`
	// DurableQueues makes queues that survive a restart of the broker; messages
	// always do where the queue does.
	DurableQueues bool `json:"durable_queues"`
	// AutoDelete has the broker remove exchange and queues with their last user.
	AutoDelete bool `json:"auto_delete"`
	// QueuesPrefix begins the routing keys, and with DeclareQueues the names of the
	// queues: prefix, dot, event (empty: rustus).
	QueuesPrefix string `json:"queues_prefix"`
	// RoutingKey is one key for all messages, and the name of the only queue.
	RoutingKey string `json:"routing_key"`
	// Celery makes each message a task of Celery.
	Celery bool `json:"celery"`
	// CeleryTaskPrefix begins the names of tasks; the event follows (empty:
	// "rustus.").
	CeleryTaskPrefix string `json:"celery_task_prefix"`
	// DropUnroutable lets a message that no queue takes count as delivered. False:
	// it is refused, and tried again.
	DropUnroutable bool `json:"drop_unroutable"`
	// ConnectionPoolSize is the most connections to the broker (0: 10).
	ConnectionPoolSize int `json:"connection_pool_size"`
	// ChannelPoolSize is the most channels on a connection; each has one message on
	// its way (0: 10).
	ChannelPoolSize int `json:"channel_pool_size"`
	// IdleConnectionTimeout, in seconds, ends connections without use (0: never).
	IdleConnectionTimeout int `json:"idle_connection_timeout"`
	// IdleChannelsTimeout, in seconds, ends channels without use (0: never).
	IdleChannelsTimeout int `json:"idle_channels_timeout"`
}

// HookNATS says how a hook publishes to NATS.
type HookNATS struct {
	// URLs are further servers of the cluster, beside the target.
	URLs []string `json:"urls"`
	// Subject is one for all messages.
	Subject string `json:"subject"`
	// Prefix begins the subjects: prefix, dot, event. Without it the event is the
	// subject.
	Prefix string `json:"prefix"`
	// Core leaves JetStream out: an event has arrived when the server has it, or with
	// WaitForReplies when it was answered, and nobody keeps it.
	Core bool `json:"core"`
	// WaitForReplies waits for an answer to questions, with Core to all events: empty
	// or OK is yes. False: a question that the server has taken is a yes.
	WaitForReplies bool `json:"wait_for_replies"`
	// User and Password log in.
	User string `json:"user"`
	// Password belongs to User.
	Password string `json:"password"`
	// Token logs in without a name.
	Token string `json:"token"`
}

// HookTLS says whom a hook trusts at a broker, for amqps:// and tls://.
type HookTLS struct {
	// CACertificates are PEM files that are trusted in addition to those of the
	// system.
	CACertificates []string `json:"ca_certificates"`
	// CertificateFile is the PEM file of the certificate that is shown to the broker.
	CertificateFile string `json:"certificate_file"`
	// CertificateKeyFile is the PEM file of its key.
	CertificateKeyFile string `json:"certificate_key_file"`
	// SkipVerify accepts any certificate of the broker. It makes TLS worthless
	// against an active attacker and is for tests only.
	SkipVerify bool `json:"skip_verify"`
}

// IsAMQP reports whether Target is a RabbitMQ broker.
func (h Hook) IsAMQP() bool { return hasScheme(h.Target, "amqp", "amqps") }

// IsNATS reports whether Target is a NATS server.
func (h Hook) IsNATS() bool { return hasScheme(h.Target, "nats", "tls") }

// IsBroker reports whether Target is a broker.
func (h Hook) IsBroker() bool { return h.IsAMQP() || h.IsNATS() }

func hasScheme(target string, schemes ...string) bool {
	for _, s := range schemes {
		if strings.HasPrefix(target, s+"://") {
			return true
		}
	}
	return false
}

func (t HookTLS) isZero() bool {
	return len(t.CACertificates) == 0 && t.CertificateFile == "" && t.CertificateKeyFile == "" && !t.SkipVerify
}

func (n HookNATS) isZero() bool {
	return len(n.URLs) == 0 && n.Subject == "" && n.Prefix == "" && !n.Core && !n.WaitForReplies &&
		n.User == "" && n.Password == "" && n.Token == ""
}

// brokerFaults says what is wrong with the settings of brokers, and with those that
// stand where no broker is.
func (h Hook) brokerFaults() []error {
	var errs []error
	if !h.IsAMQP() && h.AMQP != (HookAMQP{}) {
		errs = append(errs, errors.New("amqp: it is for targets that begin with amqp:// or amqps://"))
	}
	if !h.IsNATS() && !h.NATS.isZero() {
		errs = append(errs, errors.New("nats: it is for targets that begin with nats:// or tls://"))
	}
	if !hasScheme(h.Target, "amqps", "nats", "tls") && !h.TLS.isZero() {
		errs = append(errs, errors.New("tls: it is for brokers, with targets that begin with amqps://, nats:// or tls://; that of URLs is in the section http"))
	}
	if (h.TLS.CertificateFile == "") != (h.TLS.CertificateKeyFile == "") {
		errs = append(errs, errors.New("tls: certificate_file and certificate_key_file are both needed"))
	}
	if u, err := url.Parse(h.Target); err == nil && h.IsAMQP() && !h.TLS.isZero() && namesFiles(u.Query()) {
		errs = append(errs, errors.New("tls: the target names files of certificates, too; one place is enough"))
	}
	if h.IsBroker() {
		if err := CheckBrokerURL(h.Target); err != nil {
			errs = append(errs, fmt.Errorf("target: %w", err))
		}
	}
	for _, err := range h.AMQP.faults() {
		errs = append(errs, fmt.Errorf("amqp.%w", err))
	}
	for _, err := range h.NATS.faults() {
		errs = append(errs, fmt.Errorf("nats.%w", err))
	}
	return errs
}

// namesFiles reports whether a URL of RabbitMQ says by its parameters what TLS needs
// (https://www.rabbitmq.com/docs/uri-query-parameters).
func namesFiles(q url.Values) bool {
	return q.Has("cacertfile") || q.Has("certfile") || q.Has("keyfile") || q.Has("server_name_indication")
}

// CheckBrokerURL says what is wrong with the URL of a broker, without any secret of
// it.
func CheckBrokerURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return fmt.Errorf("%q is not a URL; letters such as / ? # @ and : in a password are written %%2F %%3F %%23 %%40 and %%3A", RedactURL(address))
	case u.Hostname() == "":
		return fmt.Errorf("%q has no host", RedactURL(address))
	}
	return nil
}

// Validate returns all faults.
func (a HookAMQP) Validate() error { return errors.Join(a.faults()...) }

func (a HookAMQP) faults() []error {
	var errs []error
	for _, text := range []struct {
		key, value string
		most       int // AMQP counts in one byte, and the name of an event is to follow
	}{
		{"exchange", a.Exchange, 127}, {"exchange_kind", a.ExchangeKind, 127},
		{"queues_prefix", a.QueuesPrefix, 200}, {"routing_key", a.RoutingKey, 255}, {"celery_task_prefix", a.CeleryTaskPrefix, 200},
	} {
		if len(text.value) > text.most {
			errs = append(errs, fmt.Errorf("%s: more than %d bytes", text.key, text.most))
		}
	}
	for _, number := range []struct {
		key   string
		value int
		most  int
	}{
		{"connection_pool_size", a.ConnectionPoolSize, 1000}, {"channel_pool_size", a.ChannelPoolSize, 2000},
		{"idle_connection_timeout", a.IdleConnectionTimeout, maxTimeout}, {"idle_channels_timeout", a.IdleChannelsTimeout, maxTimeout},
	} {
		if err := between(number.value, number.most); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", number.key, err))
		}
	}
	return errs
}

// Validate returns all faults.
func (n HookNATS) Validate() error { return errors.Join(n.faults()...) }

func (n HookNATS) faults() []error {
	var errs []error
	for i, address := range n.URLs {
		if !hasScheme(address, "nats", "tls") {
			errs = append(errs, fmt.Errorf("urls.%d: %q does not begin with nats:// or tls://", i, RedactURL(address)))
		} else if err := CheckBrokerURL(address); err != nil {
			errs = append(errs, fmt.Errorf("urls.%d: %w", i, err))
		}
	}
	if n.Subject != "" && n.Prefix != "" {
		errs = append(errs, errors.New("subject: it leaves no place for prefix"))
	}
	for _, s := range []struct{ key, subject string }{{"subject", n.Subject}, {"prefix", n.Prefix}} {
		if s.subject != "" && !isSubject(s.subject) {
			errs = append(errs, fmt.Errorf("%s: %q is not of parts with dots between them, without blanks, * and >", s.key, s.subject))
		}
	}
	if (n.User == "") != (n.Password == "") {
		errs = append(errs, errors.New("user: user and password are both needed"))
	}
	if n.User != "" && n.Token != "" {
		errs = append(errs, errors.New("token: it is instead of user and password"))
	}
	return errs
}

func isSubject(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		if part == "" || strings.ContainsFunc(part, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '*' || r == '>' }) {
			return false
		}
	}
	return true
}
