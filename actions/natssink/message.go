package natssink

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"

	"sftpgo/actions"
)

// message renders an event. Its headers are ours alone: nothing that a client has
// said gets into them.
func (s *Sink) message(e *actions.Event) (*nats.Msg, error) {
	call, err := s.format.Render(e)
	if err != nil {
		return nil, err
	}
	name := call.Name
	if name == "" && len(call.Args) > 0 { // a dialect that tells none beside the body
		name = call.Args[0]
	}
	m := nats.NewMsg(s.cfg.subject(name))
	m.Header = nats.Header{"hook-name": {name}, "event-id": {e.ID}, "content-type": {call.ContentType}}
	m.Data = call.Body
	if !s.cfg.Settings.Core {
		m.Header[nats.MsgIdHdr] = []string{s.messageID(e)}
	}
	return m, nil
}

// messageID is the same on every try. A stream drops what it has seen already, so
// another hook must not have the same.
func (s *Sink) messageID(e *actions.Event) string {
	if s.cfg.Name == "" {
		return e.ID
	}
	return e.ID + "-" + s.cfg.Name
}

// Explain returns what is published for the event, one line for each part, for
// people.
func (s *Sink) Explain(e *actions.Event) ([]string, error) {
	m, err := s.message(e)
	if err != nil {
		return nil, err
	}
	lines := []string{"subject: " + m.Subject}
	for _, name := range slices.Sorted(maps.Keys(m.Header)) {
		lines = append(lines, fmt.Sprintf("header: %s: %s", name, m.Header[name][0]))
	}
	return append(lines, "body: "+strings.TrimSuffix(string(m.Data), "\n")), nil
}
