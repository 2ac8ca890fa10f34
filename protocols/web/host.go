package web

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// The limits of one connection. A body has no time limit of its own: the session
// ends transfers that are idle.
const (
	headerTimeout = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
	// lastWords is what the answers of the last requests have to leave.
	lastWords = 2 * time.Second
)

// Host answers the requests that come in on a listener, over HTTP/1.1: bodies of
// hours, and splice, are worth more than many requests in one connection.
type Host struct {
	Name     string // for errors
	Handler  http.Handler
	Visitors *Visitors
	Pool     *Pool   // of the handler; nil: it has none
	Secure   *Secure // nil: clear text
	Log      *slog.Logger

	running sync.RWMutex // held for reading by every request
}

// Serve answers clients of l until ctx is done. Then it stops accepting, sends away
// who has not logged in, waits for the requests that run (the session manager ends
// them) and returns nil. It closes l and the sessions of the pool. A host serves
// once.
func (h *Host) Serve(ctx context.Context, l net.Listener) error {
	if h.Secure != nil {
		l = tls.NewListener(l, h.Secure.Config())
	}
	srv := h.server()
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	var err error
	select {
	case err = <-served:
		err = fmt.Errorf("%s: %w", h.Name, err)
	case <-ctx.Done():
		h.drain(ctx, srv)
		<-served
	}
	_ = srv.Close() // connections that do not end by themselves
	if h.Pool != nil {
		h.Pool.Close()
	}
	h.running.Lock() // waits for the requests, which end with their sessions
	defer h.running.Unlock()
	if h.Pool != nil {
		h.Pool.Wait()
	}
	return err
}

// drain waits for the requests that run.
func (h *Host) drain(ctx context.Context, srv *http.Server) {
	h.Visitors.Dismiss()
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var watch sync.WaitGroup
	defer watch.Wait()
	watch.Go(func() {
		h.running.Lock()
		defer h.running.Unlock()
		time.AfterFunc(lastWords, cancel)
	})
	_ = srv.Shutdown(ctx) // what is left is cut afterwards
}

func (h *Host) server() *http.Server {
	plain := new(http.Protocols)
	plain.SetHTTP1(true)
	return &http.Server{
		Handler:           http.HandlerFunc(h.answer),
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		Protocols:         plain,
		ConnContext:       h.Visitors.Arrive,
		ConnState:         h.Visitors.Depart,
		ErrorLog:          slog.NewLogLogger(h.Log.Handler(), slog.LevelDebug),
	}
}

func (h *Host) answer(w http.ResponseWriter, r *http.Request) {
	h.running.RLock()
	defer h.running.RUnlock()
	h.Handler.ServeHTTP(w, r)
}
