package amqpsink

import (
	"errors"
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"
)

// declare makes the exchange and the queues that are asked for. It is done once for
// each connection, since a broker that was away may have lost them.
func declare(c *amqp.Connection, cfg Config) error {
	s := cfg.Settings
	if !s.DeclareExchange && !s.DeclareQueues {
		return nil
	}
	ch, err := c.Channel()
	if err != nil {
		return fmt.Errorf("open a channel: %w", err)
	}
	if s.DeclareExchange {
		if err := ch.ExchangeDeclare(s.Exchange, s.ExchangeKind, s.DurableExchange, s.AutoDelete, false, false, nil); err != nil {
			return differs(err, fmt.Sprintf("declare exchange %q", s.Exchange), "exchange_kind, durable_exchange or auto_delete")
		}
	}
	if s.DeclareQueues {
		for _, name := range cfg.queues() {
			if _, err := ch.QueueDeclare(name, s.DurableQueues, s.AutoDelete, false, false, nil); err != nil {
				return differs(err, fmt.Sprintf("declare queue %q", name), "durable_queues or auto_delete")
			}
			if err := ch.QueueBind(name, name, s.Exchange, false, nil); err != nil {
				return fmt.Errorf("bind queue %q to exchange %q: %w", name, s.Exchange, err)
			}
		}
	}
	return ch.Close()
}

// differs explains the answer 406 of the broker.
func differs(err error, what, keys string) error {
	var e *amqp.Error
	if errors.As(err, &e) && e.Code == amqp.PreconditionFailed {
		return fmt.Errorf("%s: it is there with other properties than the configuration says (%s); change these, or delete it: %w", what, keys, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}
