package web

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"sftpgo/protocols/waiting"
)

// The caps on the connections without a login. A proxy is one peer; its connections
// log in, too.
const (
	maxWaiting        = 1024
	maxWaitingPerPeer = 256
)

// Visitors are the connections of a server. One that does not log in makes way for
// others.
type Visitors struct {
	proxies Proxies
	waiting *waiting.Room
	// fromProxies is for the connections of trusted proxies: behind one are many
	// clients.
	fromProxies *waiting.Room
	all         sync.Map // net.Conn → *visitor
}

// NewVisitors makes an empty set.
func NewVisitors(p Proxies) *Visitors {
	return &Visitors{
		proxies:     p,
		waiting:     waiting.NewRoom(maxWaiting, maxWaitingPerPeer),
		fromProxies: waiting.NewRoom(maxWaiting, maxWaiting),
	}
}

// visitor is a connection, which waits for a login until its first request has
// one.
type visitor struct {
	known atomic.Bool
	out   func() // of the waiting room
	close func()
}

// visitorKey is where the context of a connection has its visitor.
type visitorKey struct{}

// Arrive puts a new connection among those that wait for a login. It is the
// ConnContext of an http.Server.
func (s *Visitors) Arrive(ctx context.Context, conn net.Conn) context.Context {
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
	s.all.Store(conn, v)
	return context.WithValue(ctx, visitorKey{}, v)
}

// Depart forgets a connection that has ended. It is the ConnState of an
// http.Server.
func (s *Visitors) Depart(conn net.Conn, state http.ConnState) {
	if state != http.StateClosed && state != http.StateHijacked {
		return
	}
	if v, ok := s.all.LoadAndDelete(conn); ok {
		v.(*visitor).out()
	}
}

// Welcome takes a connection out of the waiting room: its client has logged in.
func Welcome(r *http.Request) {
	if v, ok := r.Context().Value(visitorKey{}).(*visitor); ok && !v.known.Swap(true) {
		v.out()
	}
}

// Dismiss closes the connections that still wait for a login.
func (s *Visitors) Dismiss() {
	s.all.Range(func(_, v any) bool {
		if v := v.(*visitor); !v.known.Load() {
			v.close()
		}
		return true
	})
}

// Hurry gives the client of a request a moment to hand over what net/http still
// wants to read, and to take what has been written. Without a deadline a peer
// could hold its connection by doing neither; net/http sets none once the header
// is read.
func Hurry(w http.ResponseWriter, d time.Duration) {
	setDeadline(w, time.Now().Add(d))
}

// Relax lifts the deadlines: who has logged in may take the time that the session
// allows.
func Relax(w http.ResponseWriter) { setDeadline(w, time.Time{}) }

func setDeadline(w http.ResponseWriter, t time.Time) {
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(t) // not every ResponseWriter of a test can
	_ = rc.SetWriteDeadline(t)
}
