package webdavd

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// visitorKey is where the context of a connection has the function that takes it
// out of the waiting room.
type visitorKey struct{}

// arrive puts a new connection among those that wait for a login.
func (s *Server) arrive(ctx context.Context, conn net.Conn) context.Context {
	raw := conn
	if t, ok := conn.(*tls.Conn); ok {
		raw = t.NetConn() // closes without a farewell, which could take time
	}
	out := s.waiting.Enter(peerOf(conn.RemoteAddr().String()), func() { _ = raw.Close() })
	s.visitors.Store(conn, out)
	return context.WithValue(ctx, visitorKey{}, out)
}

// depart forgets a connection that has ended.
func (s *Server) depart(conn net.Conn, state http.ConnState) {
	if state != http.StateClosed && state != http.StateHijacked {
		return
	}
	if out, ok := s.visitors.LoadAndDelete(conn); ok {
		out.(func())()
	}
}

// welcome takes a connection out of the waiting room: its client has logged in.
func welcome(r *http.Request) {
	if out, ok := r.Context().Value(visitorKey{}).(func()); ok {
		out()
	}
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
