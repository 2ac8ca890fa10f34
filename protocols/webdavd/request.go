package webdavd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"sftpgo/actions"
	"sftpgo/protocols/session"
	"sftpgo/protocols/web"
	"sftpgo/vfs"
)

// request is one authenticated request.
type request struct {
	*http.Request
	w      *web.Response
	server *Server
	s      *session.Session
	name   string  // what the URL names, parsed
	body   *source // of a PUT, once the client has been asked for it

	hooks    *actions.Request // what hooks may be told of it; nil: it was not needed yet
	settling context.Context  // of the end of a PUT, while it is checked; see changing
}

// ServeHTTP answers one request. A panic ends only that request.
func (s *Server) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w := &web.Response{ResponseWriter: rw}
	web.Hurry(w, s.answerTime) // until the login
	start := time.Now()
	id := ""
	err := func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v", p)
				s.log.Error("panic while answering a request", "request_id", id, "method", shorten(r.Method),
					"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			}
		}()
		return s.serve(w, r, &id)
	}()
	s.record(r, id, time.Since(start), w.Status, err)
	if err != nil && !errors.As(err, new(answered)) {
		answer(w, err, id)
	}
}

func (s *Server) serve(w *web.Response, r *http.Request, id *string) error {
	if s.proxies.Closes(r) {
		w.Header().Set("Connection", "close")
	}
	if s.cors.Handle(w, r) {
		return nil
	}
	if err := s.secure.StillTrusted(r); err != nil {
		w.Header().Set("Connection", "close")
		return unauthorized(err)
	}
	remote := s.proxies.Client(r)
	who, err := s.login(r, remote)
	if err != nil {
		return err
	}
	web.Welcome(r)
	lease, err := s.pool.Acquire(r.Context(), who, remote)
	if errors.Is(err, session.ErrSessions) {
		a, _ := attempt(r, remote)
		s.auth.LoginFailed(r.Context(), a, err)
	}
	if err != nil {
		return err
	}
	defer s.pool.Release(lease)
	*id = lease.Session().ID()
	s.loggedIn(r, lease, who)

	// A session that the server ends takes its requests along: those that wait
	// for the client are woken by a deadline.
	web.Relax(w)
	rc := http.NewResponseController(w)
	stop := context.AfterFunc(lease.Session().Context(), func() {
		_ = rc.SetReadDeadline(time.Unix(1, 0)) // not every ResponseWriter of a test can
		_ = rc.SetWriteDeadline(time.Now().Add(time.Second))
	})
	defer func() {
		if stop() {
			web.Hurry(w, s.answerTime)
		}
	}()

	q := &request{Request: r, w: w, server: s, s: lease.Session()}
	q.name, err = s.nameOf(r.URL.Path)
	if r.Method == http.MethodOptions && (r.URL.Path == "*" || err != nil && strings.HasPrefix(s.prefix, r.URL.Path)) {
		q.name = ""
		return q.options() // Windows asks the root of the server before anything else
	}
	if err != nil {
		return fmt.Errorf("%s: %w", r.Method, err)
	}
	err = q.serve()
	if errors.Is(err, vfs.ErrNotDir) && q.Method != "COPY" && q.Method != "MOVE" {
		return q.belowFile(err)
	}
	return err
}

// belowFile answers for a name below a file: there is nothing, and nothing can be
// made there.
func (q *request) belowFile(err error) error {
	switch q.Method {
	case http.MethodPut, "MKCOL", "LOCK":
		return &refusal{status: http.StatusConflict, text: "parent is not a collection", cause: err}
	}
	return &refusal{status: http.StatusNotFound, text: "no such file or directory", cause: err}
}

func (q *request) serve() error {
	switch q.Method {
	case http.MethodOptions:
		return q.options()
	case http.MethodGet, http.MethodHead, http.MethodPost:
		return q.get()
	case http.MethodPut:
		return q.put()
	case http.MethodDelete:
		return q.delete()
	case "MKCOL":
		return q.mkcol()
	case "COPY":
		return q.copy()
	case "MOVE":
		return q.move()
	case "PROPFIND":
		return q.propfind()
	case "PROPPATCH":
		return q.proppatch()
	case "LOCK":
		return q.lock()
	case "UNLOCK":
		return q.unlock()
	}
	q.w.Header().Set("Allow", allMethods)
	return refuse(http.StatusMethodNotAllowed, "method not supported")
}

// changing is the context of what changes the storage. It ends with the session,
// not with the client: net/http cancels the context of the request also for a
// client that has only finished sending, and half a change is worse than one that
// nobody hears of. The loss of a client during an upload shows in the body.
// The end of an upload has one of its own, which outlives the session.
func (q *request) changing() context.Context {
	if q.settling != nil {
		return q.told(q.settling)
	}
	return q.told(q.s.Context())
}

// told is ctx that has hooks told of the request.
func (q *request) told(ctx context.Context) context.Context {
	if q.hooks == nil {
		h := maps.Clone(q.Header)
		h["Host"] = []string{q.Host}
		q.hooks = &actions.Request{Method: q.Method, URI: q.RequestURI, Header: h}
	}
	return session.WithRequest(ctx, q.hooks)
}

// stat tells what is at name; nothing, or nothing that the user may look at, is
// nil without an error: the operation that follows has the last word.
func (q *request) stat(name string) (fs.FileInfo, error) {
	info, err := q.s.Peek(q.Context(), name)
	if errors.Is(err, vfs.ErrPermission) {
		return nil, nil
	}
	return info, err
}

// record writes the log record of a request; the keys and their order are what
// log parsers rely on.
func (s *Server) record(r *http.Request, id string, elapsed time.Duration, status int, err error) {
	attrs := []slog.Attr{
		slog.Int64("elapsed_ms", elapsed.Milliseconds()),
		slog.String("method", shorten(r.Method)),
		slog.String("proto", r.Proto),
		slog.String("remote_addr", s.proxies.Shown(r)),
		slog.String("request_id", id),
		slog.String("uri", shorten(uriOf(r))),
		slog.String("user_agent", shorten(r.UserAgent())),
	}
	if err != nil {
		if status == 0 {
			status, _, _ = statusOf(err)
		}
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	attrs = append(attrs, slog.Int("resp_status", status))
	s.log.LogAttrs(r.Context(), slog.LevelInfo, "", attrs...)
}

// uriOf is the target as sent, but for a password, which a client of a proxy may
// have put into it.
func uriOf(r *http.Request) string {
	if r.URL.User != nil {
		return r.URL.Redacted()
	}
	return r.RequestURI
}

// shorten keeps hostile headers from flooding the log.
func shorten(s string) string {
	const limit = 512
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}
