package natssink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sftpgo/actions"
)

// Sink publishes events. It is safe for concurrent use.
//
// The server may be away, also when the sink is made: Deliver waits for it within
// the time limit. The connection is made when there is something to publish, and
// again when it is lost.
type Sink struct {
	cfg    Config
	format actions.Format
	link   *link
}

var (
	_ actions.Sink  = (*Sink)(nil)
	_ actions.Asker = (*Sink)(nil)
)

// New returns a sink; an error is a fault of cfg. What happens to the connection
// goes to log. Close ends it.
func New(cfg Config, f actions.Format, log *slog.Logger) (*Sink, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.complete()
	s := &Sink{cfg: cfg, format: f}
	s.link = newLink(cfg, log.With("sender", "nats", "broker", s.String()))
	return s, nil
}

// String describes the sink in one line, without the secrets of its URL.
func (s *Sink) String() string {
	subject := s.cfg.subject("*")
	if s.cfg.Settings.Core {
		return fmt.Sprintf("publish %s subject %s", actions.RedactURL(s.cfg.URL), subject)
	}
	return fmt.Sprintf("publish %s JetStream subject %s", actions.RedactURL(s.cfg.URL), subject)
}

// Limit is the longest that Deliver and Ask take.
func (s *Sink) Limit() time.Duration { return s.cfg.Timeout }

// Deliver publishes the event and waits until a stream has stored it, or without
// JetStream until the server has it, or whoever listens has answered with nothing
// or OK. Another answer is actions.ErrRejected.
func (s *Sink) Deliver(ctx context.Context, e *actions.Event) error {
	return s.send(ctx, e, patient)
}

// Try is Deliver for who waits: it ends with the first failure instead of waiting
// for a server that is away.
func (s *Sink) Try(ctx context.Context, e *actions.Event) error {
	return s.send(ctx, e, impatient)
}

// Ask publishes the question. Without WaitForReplies nobody has said anything, so it
// agrees when the question has arrived; else nothing or OK agrees, and OK is exact.
func (s *Sink) Ask(ctx context.Context, e *actions.Event) (actions.Answer, error) {
	if !s.cfg.Settings.WaitForReplies {
		err := s.Try(ctx, e)
		return actions.Answer{Accepted: err == nil}, err
	}
	m, err := s.message(e)
	if err != nil {
		return actions.Answer{}, err
	}
	ctx, cancel := s.limited(ctx)
	defer cancel()
	a, err := s.request(ctx, m, impatient)
	if err != nil {
		return actions.Answer{}, s.failed(m, ctx, err)
	}
	return a, nil
}

// Close ends the connection. Call it when nobody delivers any more.
func (s *Sink) Close() error {
	s.link.close()
	return nil
}

func (s *Sink) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, s.cfg.Timeout, fmt.Errorf("nothing within %v: %w", s.cfg.Timeout, context.DeadlineExceeded))
}

func (s *Sink) send(ctx context.Context, e *actions.Event, p patience) error {
	m, err := s.message(e)
	if err != nil {
		return err
	}
	ctx, cancel := s.limited(ctx)
	defer cancel()
	var receipt string
	switch {
	case !s.cfg.Settings.Core:
		receipt, err = s.store(ctx, m, p)
	case s.cfg.Settings.WaitForReplies:
		receipt, err = s.answered(ctx, m, p)
	default:
		receipt, err = "taken by the server", s.tell(ctx, m, p)
	}
	if err != nil {
		return s.failed(m, ctx, err)
	}
	actions.Received(ctx, actions.Receipt{Status: receipt})
	return nil
}

// failed says where, and prefers the end of the context to what it has led to.
func (s *Sink) failed(m *nats.Msg, ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		err = cause
	}
	if errors.Is(err, nats.ErrMaxPayload) {
		err = fmt.Errorf("%w: %w", actions.ErrRejected, err)
	}
	return fmt.Errorf("%s: %s: %w", s, m.Subject, err)
}

// store publishes to a stream.
func (s *Sink) store(ctx context.Context, m *nats.Msg, p patience) (string, error) {
	var ack *jetstream.PubAck
	err := s.link.use(ctx, p, func(ctx context.Context, c *nats.Conn) error {
		js, err := jetstream.New(c)
		if err != nil {
			return err
		}
		ack, err = js.PublishMsg(ctx, m)
		return err
	})
	switch {
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, jetstream.ErrJetStreamNotEnabled):
		return "", fmt.Errorf("no stream of JetStream takes this subject; make one, or set nats.core: %w", err)
	case err != nil:
		return "", err
	}
	return fmt.Sprintf("stored in stream %s as number %d", ack.Stream, ack.Sequence), nil
}

// tell publishes without JetStream. The answer to a ping says that the server has
// read what came before it.
func (s *Sink) tell(ctx context.Context, m *nats.Msg, p patience) error {
	return s.link.use(ctx, p, func(ctx context.Context, c *nats.Conn) error {
		if err := c.PublishMsg(m); err != nil {
			return err
		}
		return c.FlushWithContext(ctx)
	})
}

// answered sends a request that must be agreed to.
func (s *Sink) answered(ctx context.Context, m *nats.Msg, p patience) (string, error) {
	a, err := s.request(ctx, m, p)
	switch {
	case err != nil:
		return "", err
	case !a.Accepted:
		return "", &actions.OutputError{Err: fmt.Errorf("%w: the answer is neither empty nor OK", actions.ErrRejected), Output: a.Output}
	}
	return "answered", nil
}

const outputLimit = 4 << 10

func (s *Sink) request(ctx context.Context, m *nats.Msg, p patience) (actions.Answer, error) {
	var reply *nats.Msg
	err := s.link.use(ctx, p, func(ctx context.Context, c *nats.Conn) (err error) {
		reply, err = c.RequestMsgWithContext(ctx, m)
		return err
	})
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return actions.Answer{}, fmt.Errorf("nobody listens to this subject: %w", err)
	case err != nil:
		return actions.Answer{}, err
	}
	body := reply.Data[:min(len(reply.Data), actions.AnswerLimit)]
	exact := string(body) == "OK"
	return actions.Answer{
		Accepted: exact || len(body) == 0, Exact: exact, Body: body, Cut: len(body) < len(reply.Data),
		Output: strings.ToValidUTF8(string(body[:min(len(body), outputLimit)]), "\uFFFD"),
	}, nil
}
