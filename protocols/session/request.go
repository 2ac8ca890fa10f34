package session

import (
	"context"

	"sftpgo/actions"
)

type requestKey struct{}

// WithRequest returns a context whose operations tell hooks of the HTTP request that
// led to them. Names in the header of r are in canonical form, Host included; hooks
// get what they are configured for. r must not change any more.
func WithRequest(ctx context.Context, r *actions.Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

func requestOf(ctx context.Context) *actions.Request {
	r, _ := ctx.Value(requestKey{}).(*actions.Request)
	return r
}

// told is what events keep of a request: of the header what hooks may get.
func (j *journal) told(r *actions.Request) *actions.Request {
	if r == nil {
		return nil
	}
	kept := *r
	kept.Header = j.hooks.Header(r.Header)
	return &kept
}
