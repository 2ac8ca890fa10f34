package amqpsink

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"sftpgo/actions"
)

// message is an event that is ready to be published.
type message struct {
	exchange  string
	key       string
	mandatory bool
	amqp.Publishing
}

func (s *Sink) message(e *actions.Event) (message, error) {
	call, err := s.format.Render(e)
	if err != nil {
		return message{}, err
	}
	name := Word(call)
	m := message{
		exchange: s.cfg.Settings.Exchange, key: s.cfg.key(name), mandatory: !s.cfg.Settings.DropUnroutable,
		Publishing: amqp.Publishing{
			Headers:         amqp.Table{"hook-name": name},
			ContentType:     call.ContentType,
			ContentEncoding: "utf-8",
			DeliveryMode:    amqp.Persistent,
			MessageId:       e.ID,
			Timestamp:       e.Time,
			Type:            name,
			AppId:           "sftpgo",
			Body:            call.Body,
		},
	}
	if s.cfg.Settings.Celery {
		s.makeTask(&m, e, name)
	}
	return m, nil
}

// Word is what the dialect calls the event: its name, or where it tells none beside
// the body, the first argument of a program.
func Word(call actions.Call) string {
	if call.Name == "" && len(call.Args) > 0 {
		return call.Args[0]
	}
	return call.Name
}

// makeTask turns the message into a task of Celery
// (https://docs.celeryq.dev/en/stable/internals/protocol.html, version 2): the
// payload is the only argument. The id is the same on every try.
func (s *Sink) makeTask(m *message, e *actions.Event, name string) {
	id := taskID(s.cfg.Settings.Exchange, m.key, e.ID)
	maps.Copy(m.Headers, amqp.Table{
		"lang":       "py",
		"task":       s.cfg.Settings.CeleryTaskPrefix + name,
		"id":         id,
		"root_id":    id,
		"parent_id":  nil,
		"group":      nil,
		"shadow":     nil,
		"eta":        nil,
		"expires":    nil,
		"retries":    int32(0),
		"timelimit":  []any{nil, nil},
		"argsrepr":   fmt.Sprintf("(<%s %s>,)", name, e.ID),
		"kwargsrepr": "{}",
		"origin":     "sftpgo",
	})
	m.CorrelationId = id
	m.ContentType = "application/json"
	m.Body = slices.Concat([]byte("[["), bytes.TrimSpace(m.Body), []byte("],{},{}]"))
}

// taskID is a UUID (version 8 of RFC 9562, section 5.8).
func taskID(of ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(of, "\x00")))
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// Explain returns what is published for the event, one line for each part, for
// people.
func (s *Sink) Explain(e *actions.Event) ([]string, error) {
	m, err := s.message(e)
	if err != nil {
		return nil, err
	}
	lines := []string{
		"exchange: " + m.exchange,
		"routing key: " + m.key,
		"property: content_type=" + m.ContentType,
		"property: content_encoding=" + m.ContentEncoding,
		fmt.Sprintf("property: delivery_mode=%d", m.DeliveryMode),
		"property: message_id=" + m.MessageId,
		"property: type=" + m.Type,
	}
	if m.CorrelationId != "" {
		lines = append(lines, "property: correlation_id="+m.CorrelationId)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		switch v := m.Headers[name].(type) {
		case nil: // Celery wants them to be there
		case []any:
			lines = append(lines, fmt.Sprintf("header: %s: a list of %d", name, len(v)))
		default:
			lines = append(lines, fmt.Sprintf("header: %s: %v", name, v))
		}
	}
	return append(lines, "body: "+strings.TrimSuffix(string(m.Body), "\n")), nil
}
