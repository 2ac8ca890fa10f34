package webdavd

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// visitor is a connection, which waits for a login until its first request has
// one.
type visitor struct {
	known atomic.Bool
	out   func() // of the waiting room
	close func()
}

// visitorKey is where the context of a connection has its visitor.
type visitorKey struct{}

// arrive puts a new connection among those that wait for a login.
func (s *Server) arrive(ctx context.Context, conn net.Conn) context.Context {
	raw := conn
	if t, ok := conn.(*tls.Conn); ok {
		raw = t.NetConn() // closes without a farewell, which could take time
	}
	v := &visitor{close: func() { _ = raw.Close() }}
	peer, room := peerOf(conn.RemoteAddr().String()), s.waiting
	if s.proxies.trusted.Contain(peer) {
		room = s.fromProxies
	}
	v.out = room.Enter(peer, v.close)
	s.visitors.Store(conn, v)
	return context.WithValue(ctx, visitorKey{}, v)
}

// depart forgets a connection that has ended.
func (s *Server) depart(conn net.Conn, state http.ConnState) {
	if state != http.StateClosed && state != http.StateHijacked {
		return
	}
	if v, ok := s.visitors.LoadAndDelete(conn); ok {
		v.(*visitor).out()
	}
}

// welcome takes a connection out of the waiting room: its client has logged in.
func welcome(r *http.Request) {
	if v, ok := r.Context().Value(visitorKey{}).(*visitor); ok && !v.known.Swap(true) {
		v.out()
	}
}

// dismiss closes the connections that still wait for a login.
func (s *Server) dismiss() {
	s.visitors.Range(func(_, v any) bool {
		if v := v.(*visitor); !v.known.Load() {
			v.close()
		}
		return true
	})
}

// hurry gives the client of a request a moment to hand over what net/http still
// wants to read, and to take what has been written. Without a deadline a peer
// could hold its connection by doing neither; net/http sets none once the header
// is read.
func (s *Server) hurry(w http.ResponseWriter) {
	setDeadline(w, time.Now().Add(s.answerTime))
}

// relax lifts the deadlines: who has logged in may take the time that the session
// allows.
func relax(w http.ResponseWriter) { setDeadline(w, time.Time{}) }

func setDeadline(w http.ResponseWriter, t time.Time) {
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(t) // not every ResponseWriter of a test can
	_ = rc.SetWriteDeadline(t)
}
