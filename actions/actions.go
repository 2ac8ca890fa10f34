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

// ErrUnanswered is wrapped when a hook that must agree could not be asked, or did
// not answer in time. It says nothing about the operation: a later try may succeed.
var ErrUnanswered = errors.New("no answer from a hook that must agree")

// Decision is what a Gate that did not refuse has made of a question.
type Decision int

const (
	// Proceed: the server does what the client asked for.
	Proceed Decision = iota
	// Handled: the hook has already done it, the server must not (pre-delete of
	// the action contract).
	Handled
	// Rename: the upload goes to Verdict.Name instead.
	Rename
	// Quarantine: the content is kept as Verdict.Name, and the client is refused.
	Quarantine
)

// Verdict is the answer of a Gate that did not refuse. The zero value lets the
// server proceed.
type Verdict struct {
	Decision Decision
	// Name is where to, of Rename and Quarantine: a virtual name as the hook wrote
	// it, absolute or relative to the directory of the file. It was not parsed yet.
	Name string
	// Denial is what the client of a quarantined upload is told.
	Denial *Denial
	// UploadID and Metadata are to be those of an upload that is about to begin;
	// empty and nil leave them alone. Only protocols with resumable uploads have
	// them.
	UploadID string
	Metadata map[string]string
}

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
	// Query is added to that of a URL.
	Query map[string]string
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

// AnswerLimit is how much of an answer is kept, in bytes.
const AnswerLimit = 64 << 10

// Answer is what a receiver said to a question, in the terms of its transport. What
// it means is decided by the gate.
type Answer struct {
	Accepted bool // exit status 0, an HTTP status of 2xx, a reply that agrees
	// Exact is success in the strict sense of the action contract: exit status 0,
	// HTTP status 200.
	Exact       bool
	Status      int    // of HTTP; 0: of another transport
	ContentType string // of Body; empty: not known
	Body        []byte // of HTTP, or the standard output of a program; at most AnswerLimit
	Cut         bool   // there was more of it
	Output      string // a message for the log, at most 4 KiB
}

// Asker is a Sink that can also answer a question. An error means that no answer
// was had.
type Asker interface {
	Ask(ctx context.Context, e *Event) (Answer, error)
}

// Gate is asked before something happens. It refuses with a *Denial, or with
// ErrUnanswered when it had to and nobody answered. It applies its own deadline. An
// error that is neither is the end of ctx.
type Gate interface {
	Ask(ctx context.Context, e *Event) (Verdict, error)
	// Asks reports whether anybody would be asked about e, so that nothing is
	// prepared in vain.
	Asks(e *Event) bool
}

// Dispatcher knows which hooks want which events. The session layer asks it
// before an operation and records, with the operation, the deliveries that
// Route names; delivering is the dispatcher's work.
type Dispatcher interface {
	Gate
	// Route returns the names of the targets that want e; none is normal. The caller
	// does not change the list.
	Route(e *Event) []string
	// Wants reports whether any target or gate may want events of kind k, so
	// that nothing is collected in vain.
	Wants(k Kind) bool
	// Header returns what hooks may get of the header of a request, names in
	// canonical form; nil is nothing.
	Header(all map[string][]string) map[string][]string
	// Wake tells that deliveries were recorded. It never blocks.
	Wake()
}

// Admitter is a Dispatcher that can hold back uploads of which too many events wait
// already.
type Admitter interface {
	// Admit is asked before an upload begins. It may take seconds, and it refuses
	// with ErrOverloaded. What describe returns says whose upload it is, and where to;
	// it is called only if that matters.
	Admit(ctx context.Context, describe func() Event) error
}

// Recorder is a Dispatcher that counts what waits. Route counts nothing, since it is
// asked about what may never be recorded, too.
type Recorder interface {
	// Recorded tells that an event for targets has been recorded, before Wake.
	Recorded(targets []string)
}

// Nobody is a Dispatcher without hooks.
type Nobody struct{}

var _ Dispatcher = Nobody{}

// Ask lets everything proceed.
func (Nobody) Ask(context.Context, *Event) (Verdict, error) { return Verdict{}, nil }

// Asks is always false.
func (Nobody) Asks(*Event) bool { return false }

// Route names nobody.
func (Nobody) Route(*Event) []string { return nil }

// Wants is always false.
func (Nobody) Wants(Kind) bool { return false }

// Header keeps nothing.
func (Nobody) Header(map[string][]string) map[string][]string { return nil }

// Wake does nothing.
func (Nobody) Wake() {}
