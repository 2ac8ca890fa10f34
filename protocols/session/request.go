package session

import (
	"context"
	"sync"

	"sftpgo/actions"
)

// origin is the HTTP request that led to an operation; nil is none.
type origin struct {
	request *actions.Request

	once sync.Once
	told *actions.Request // what events keep of it
}

func newOrigin(r *actions.Request) *origin {
	if r == nil {
		return nil
	}
	return &origin{request: r}
}

type originKey struct{}

// WithRequest returns a context whose operations tell hooks of the HTTP request that
// led to them. Names in the header of r are in canonical form, Host included; hooks
// get what they are configured for. r must not change any more.
func WithRequest(ctx context.Context, r *actions.Request) context.Context {
	return withOrigin(ctx, newOrigin(r))
}

// withOrigin is WithRequest for what another context has led to.
func withOrigin(ctx context.Context, o *origin) context.Context {
	if o == originOf(ctx) {
		return ctx
	}
	return context.WithValue(ctx, originKey{}, o)
}

func originOf(ctx context.Context) *origin {
	o, _ := ctx.Value(originKey{}).(*origin)
	return o
}

// told is what events keep of a request: of the header what hooks may get. All
// events of the request share it.
func (j *journal) told(o *origin) *actions.Request {
	if o == nil {
		return nil
	}
	o.once.Do(func() {
		kept := *o.request
		kept.Header = j.hooks.Header(o.request.Header)
		o.told = &kept
	})
	return o.told
}
