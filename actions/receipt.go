package actions

import "context"

// Receipt is what a receiver said to an event that it took, for those who look at
// what was delivered.
type Receipt struct {
	Status string // one line: "exit status 0", "status 204 No Content"
	Output string // the end of what it wrote, at most 4 KiB; never a secret of ours
}

type receiptKey struct{}

// WithReceipt returns a context in which a Sink tells what the receiver said: it is
// in a when Deliver returns.
func WithReceipt(ctx context.Context, a *Receipt) context.Context {
	return context.WithValue(ctx, receiptKey{}, a)
}

// ReceiptWanted is for sinks to which a receipt costs something.
func ReceiptWanted(ctx context.Context) bool {
	_, ok := ctx.Value(receiptKey{}).(*Receipt)
	return ok
}

// Received is called by a Sink, from the goroutine of Deliver and before that
// returns without an error. If nobody wants to know, it does nothing.
func Received(ctx context.Context, a Receipt) {
	if to, ok := ctx.Value(receiptKey{}).(*Receipt); ok {
		*to = a
	}
}
