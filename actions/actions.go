package actions

import (
	"context"
	"errors"
)

// ErrDenied is what a Gate answers when it refuses. Text added by a gate is
// meant for the client.
var ErrDenied = errors.New("refused by policy")

// Denial is the refusal of a Gate in the words of the hook, for protocols that can
// pass them on.
type Denial struct {
	Hook        string // name of the hook, for the log
	Status      int    // of an HTTP answer; 0: the protocol chooses
	ContentType string // of Body; empty: text/plain
	Body        string // for the client, at most 4 KiB; may be empty
}

func (d *Denial) Error() string {
	if d.Body == "" {
		return ErrDenied.Error()
	}
	return ErrDenied.Error() + ": " + d.Body
}

// Unwrap returns ErrDenied.
func (d *Denial) Unwrap() error { return ErrDenied }

// ErrRejected is wrapped by a Sink when the receiver got the event and refused
// it: a program that ended with a status other than 0, an endpoint that answers
// that this very request is wrong. Waiting changes little about it, so such a
// delivery is tried only a few times before it makes way for later events of
// the same file.
var ErrRejected = errors.New("rejected by the receiver")

// OutputError is the failure of a receiver that left a message for the log.
type OutputError struct {
	Err    error
	Output string // the end of what it wrote, at most 4 KiB
}

func (e *OutputError) Error() string { return e.Err.Error() }
func (e *OutputError) Unwrap() error { return e.Err }

// Verdict is the answer of a Gate that did not refuse.
type Verdict int

const (
	// Proceed: the server does what the client asked for.
	Proceed Verdict = iota
	// Handled: the hook has already done it, the server must not (pre-delete of
	// the action contract).
	Handled
)

// Call is an event rendered for a receiver. A sink takes the parts that its
// transport has room for.
type Call struct {
	// Name is the word of the dialect for the event, for transports that tell it
	// beside the body. Empty: they do not.
	Name        string
	Args        []string // of a program, without the program itself
	Env         []string // KEY=value, added to the environment of a program
	Body        []byte   // of a request or message
	ContentType string   // of Body
}

// Format renders events in one dialect.
type Format interface {
	// Render returns an error only for a kind that the dialect has no name for.
	Render(e *Event) (Call, error)
}

// Sink delivers events: a program, an HTTP endpoint, an exchange of a broker.
// An error means that the event has not arrived and is worth another try.
// Deliver is called concurrently.
type Sink interface {
	Deliver(ctx context.Context, e *Event) error
}

// Asker is a Sink that can also answer a question: ok says that the receiver
// answered with success in the strict sense of the contract (exit status 0, HTTP
// status 200). An error means that no answer was had.
type Asker interface {
	Ask(ctx context.Context, e *Event) (ok bool, err error)
}

// Gate is asked before something happens, and refuses with ErrDenied. It
// applies its own deadline.
type Gate interface {
	Ask(ctx context.Context, e *Event) (Verdict, error)
}

// Dispatcher knows which hooks want which events. The session layer asks it
// before an operation and records, with the operation, the deliveries that
// Route names; delivering is the dispatcher's work.
type Dispatcher interface {
	Gate
	// Route returns the names of the targets that want e; none is normal.
	Route(e *Event) []string
	// Wants reports whether any target or gate may want events of kind k, so
	// that nothing is collected in vain.
	Wants(k Kind) bool
	// Wake tells that deliveries were recorded. It never blocks.
	Wake()
}
