package amqpsink

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"sftpgo/actions"
)

// Sink publishes events. It is safe for concurrent use.
//
// The broker may be away, also when the sink is made: Deliver waits for it within
// the time limit. Connections are made when there is something to publish.
type Sink struct {
	cfg    Config
	format actions.Format
	pool   *pool
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
	s.pool = newPool(cfg, log.With("sender", "amqp", "broker", s.String()))
	return s, nil
}

// String describes the sink in one line, without the secrets of its URL.
func (s *Sink) String() string {
	return fmt.Sprintf("publish %s exchange %s", actions.RedactURL(s.cfg.URL), s.cfg.Settings.Exchange)
}

// Limit is the longest that Deliver and Ask take.
func (s *Sink) Limit() time.Duration { return s.cfg.Timeout }

// Deliver publishes the event and waits until the broker has confirmed it. A message
// that no queue takes is actions.ErrRejected: what is missing is a queue for this
// event, and others need not wait for it.
func (s *Sink) Deliver(ctx context.Context, e *actions.Event) error {
	return s.send(ctx, e, patient)
}

// Try is Deliver for who waits: it ends with the first failure instead of waiting
// for a broker that is away.
func (s *Sink) Try(ctx context.Context, e *actions.Event) error {
	return s.send(ctx, e, impatient)
}

// Ask publishes the question and agrees in the name of whoever reads it: messages
// have no answer. So it is never exact, and no hook behind a broker handles a
// deletion.
func (s *Sink) Ask(ctx context.Context, e *actions.Event) (actions.Answer, error) {
	err := s.Try(ctx, e)
	return actions.Answer{Accepted: err == nil}, err
}

// Close ends the connections. Call it when nobody delivers any more.
func (s *Sink) Close() error {
	s.pool.close()
	return nil
}

func (s *Sink) send(ctx context.Context, e *actions.Event, p patience) error {
	m, err := s.message(e)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.Timeout,
		fmt.Errorf("nothing within %v: %w", s.cfg.Timeout, context.DeadlineExceeded))
	defer cancel()
	l, err := s.pool.acquire(ctx, p)
	if err != nil {
		return fmt.Errorf("%s: %w", s, err)
	}
	fate, err := l.publish(ctx, m)
	s.pool.release(l, fate)
	if err != nil {
		return fmt.Errorf("%s: routing key %s: %w", s, m.key, err)
	}
	actions.Received(ctx, actions.Receipt{Status: "confirmed by the broker"})
	return nil
}
