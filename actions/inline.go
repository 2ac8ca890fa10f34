package actions

import "context"

// Inliner is a Dispatcher of which some events are delivered while the client waits.
// Such an event is recorded and delivered like any other; the operation only waits
// for what comes of the first attempt.
type Inliner interface {
	// Expect is called before e is recorded, so that nothing is missed. It returns nil
	// if nobody is to wait for e; else Wait or Forget must follow.
	Expect(e *Event) Awaited
}

// Awaited is an event for which an operation waits.
type Awaited interface {
	// Decides reports whether the operation fails when the attempt does: an upload
	// that has succeeded so far.
	Decides() bool
	// Wait returns when the first attempt has ended. An error is that of an attempt
	// that decides: a *Denial or ErrUnanswered, and the event will not be delivered again.
	// Without an attempt it returns nil after the time that the hook has, and when
	// ctx or the dispatcher ends; the event is delivered later. An attempt that
	// decides and has begun is waited for even if ctx ends.
	Wait(ctx context.Context) error
	// Forget is for an event that was not recorded.
	Forget()
}
