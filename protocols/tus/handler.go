// Package tus serves resumable uploads over HTTP: tus 1.0.0 (https://tus.io) with the
// extensions creation, creation-with-upload, creation-defer-length, termination,
// concatenation, checksum, checksum-trailer, expiration, and the getting of Rustus.
// Where it is switched on, clients of the IETF's draft (draft-ietf-httpbis-resumable-upload,
// interop versions 6 and 8) are served on the same uploads: files that begin with draft.
//
// A Handler translates requests into calls of session.Resumables, which owns rules,
// storage, hooks and who may write. It does not know who its clients are: Clients
// gives each request a session. Logins does so for a server with users; one without
// has one session for all. Server is a Handler on a listener of its own, with TLS and
// what holds back clients that do not log in.
package tus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"sftpgo/actions"
	"sftpgo/protocols/session"
	"sftpgo/protocols/web"
)

// Version is the version of the protocol.
const Version = "1.0.0"

// Clients lets the senders of requests in.
type Clients interface {
	// Enter returns the session that r works in, and what ends its use. remote is the
	// address of who sent r. Errors are answered by the table of failures; one that
	// wraps ErrLogin, with the challenge of Basic authentication.
	Enter(r *http.Request, remote netip.Addr) (s *session.Session, leave func(), err error)
}

// ErrLogin: a request needs a login that it does not have.
var ErrLogin = errors.New("login required")

// Protocol says what a Handler offers.
type Protocol struct {
	// Prefix is the path of the collection of uploads, like /files; no slash at the
	// end.
	Prefix string
	// Extensions are the names of those that are on; see Extensions.
	Extensions []string
	// MaxSize is how large an upload may be, MaxBody how much one request may bring,
	// in bytes; 0 is no limit.
	MaxSize, MaxBody int64
	// RefuseEmpty refuses uploads of length 0.
	RefuseEmpty bool
	// AnyVersion serves requests that do not say which version of tus they speak.
	AnyVersion bool
	// Drafts are the interop versions of resumable uploads of the IETF that are served,
	// too; see ParseDrafts.
	Drafts []int
	// ExternalURL is the URL of the server as clients see it, without a path; empty:
	// the request tells.
	ExternalURL string
	// BodyTimeout is how long a client may send nothing in the middle of a body; 0 is
	// a minute.
	BodyTimeout time.Duration
}

// The extensions.
const (
	Creation      = "creation"
	WithUpload    = "creation-with-upload"
	DeferLength   = "creation-defer-length"
	Termination   = "termination"
	Concatenation = "concatenation"
	Checksum      = "checksum"
	Trailer       = "checksum-trailer"
	Expiration    = "expiration"
	Getting       = "getting" // not of tus, but of Rustus: GET of an upload
)

// Extensions are the names of all.
func Extensions() []string {
	return []string{Creation, WithUpload, DeferLength, Termination, Concatenation, Checksum, Trailer, Expiration, Getting}
}

// Handler answers requests below a prefix.
type Handler struct {
	protocol Protocol
	clients  Clients
	uploads  *session.Resumables
	proxies  web.Proxies
	cors     web.Origins
	log      *slog.Logger
}

// answerTime is what a client has to hand over what is left of a request that has
// been refused, and to take an answer.
const answerTime = 30 * time.Second

// NewHandler makes a handler. Of the requests of proxies the forwarded addresses are
// believed, of others not.
func NewHandler(p Protocol, clients Clients, uploads *session.Resumables, proxies web.Proxies, cors web.CORS, log *slog.Logger) *Handler {
	if p.BodyTimeout == 0 {
		p.BodyTimeout = time.Minute
	}
	p.Prefix = strings.TrimSuffix(p.Prefix, "/")
	return &Handler{
		protocol: p, clients: clients, uploads: uploads, proxies: proxies, cors: origins(cors),
		log: log.With("sender", "tus"),
	}
}

// on reports whether an extension is on. Those of creation bring it along.
func (p *Protocol) on(extension string) bool {
	return slices.Contains(p.Extensions, extension) ||
		extension == Creation && (p.on(WithUpload) || p.on(DeferLength) || p.on(Concatenation)) ||
		extension == Checksum && p.on(Trailer)
}

// request is one request.
type request struct {
	*http.Request
	h      *Handler
	w      *web.Response
	rc     *http.ResponseController
	s      *session.Session
	id     string // of the upload; empty: the collection
	method string
	speaks draft
	told   *actions.Request
}

// ServeHTTP answers one request. A panic ends only that request.
func (h *Handler) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	q := &request{Request: r, h: h, w: &web.Response{ResponseWriter: rw}, rc: http.NewResponseController(rw), method: r.Method}
	if m := r.Header.Get("X-HTTP-Method-Override"); m != "" {
		q.method = m
	}
	web.Hurry(q.w, answerTime)
	start := time.Now()
	err := func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v", p)
				h.log.Error("panic while answering a request", "method", shorten(r.Method), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			}
		}()
		return q.serve()
	}()
	if err != nil {
		q.refused(err)
	}
	q.record(time.Since(start), err)
}

func (q *request) serve() error {
	h := q.w.Header()
	h.Set("Tus-Resumable", Version)
	h.Set("X-Content-Type-Options", "nosniff")
	if q.h.proxies.Closes(q.Request) {
		h.Set("Connection", "close")
	}
	if q.h.cors.Handle(q.w, q.Request) {
		return nil
	}
	rest, ok := strings.CutPrefix(q.URL.Path, q.h.protocol.Prefix)
	q.id = strings.Trim(rest, "/")
	if q.speaks = q.language(); q.speaks.version > 0 {
		h.Del("Tus-Resumable")
	}
	if !ok || rest != "" && rest[0] != '/' || strings.Contains(q.id, "/") && !q.speaks.names(q.method) {
		return refuse(http.StatusNotFound, "no such upload")
	}
	if q.method == http.MethodOptions {
		return q.options()
	}
	if err := q.version(); err != nil {
		return err
	}
	handle, err := q.handler()
	if err != nil {
		return err
	}
	var leave func()
	if q.s, leave, err = q.h.clients.Enter(q.Request, q.h.proxies.Client(q.Request)); err != nil {
		return err
	}
	defer leave()
	web.Welcome(q.Request)
	web.Relax(q.w)
	q.told = q.describe()
	return handle()
}

// version checks that the client speaks tus 1.0.0. A GET is for anybody.
func (q *request) version() error {
	v := q.Header.Get("Tus-Resumable")
	if v == Version || q.speaks.version > 0 || q.method == http.MethodGet || v == "" && (q.method == http.MethodHead || q.h.protocol.AnyVersion) {
		return nil
	}
	q.w.Header().Set("Tus-Version", Version)
	return refuse(http.StatusPreconditionFailed, "this server speaks tus "+Version)
}

// handler finds what answers the method. One whose extension is off is not there.
func (q *request) handler() (func() error, error) {
	if q.speaks.version > 0 {
		return q.draftHandler()
	}
	type method struct {
		name      string
		extension string
		handle    func() error
	}
	methods := []method{{http.MethodPost, Creation, q.create}}
	if q.id != "" {
		methods = []method{
			{http.MethodHead, "", q.head},
			{http.MethodPatch, "", q.patch},
			{http.MethodGet, Getting, q.get},
			{http.MethodDelete, Termination, q.terminate},
		}
	}
	allowed := []string{http.MethodOptions}
	for _, m := range methods {
		if m.extension != "" && !q.h.protocol.on(m.extension) {
			continue
		}
		if m.name == q.method {
			return m.handle, nil
		}
		allowed = append(allowed, m.name)
	}
	q.w.Header().Set("Allow", strings.Join(allowed, ", "))
	return nil, refuse(http.StatusMethodNotAllowed, "method not supported")
}

// context is that of what changes the storage: it ends with the session, not with
// the client, whose request is cancelled also when it only has nothing more to say.
func (q *request) context() context.Context { return q.s.Context() }

// describe is the request for hooks. What they get of the header is decided later.
func (q *request) describe() *actions.Request {
	header := maps.Clone(q.Header)
	header["Host"] = []string{q.Host}
	return &actions.Request{Method: q.method, URI: q.URL.RequestURI(), Header: header}
}

// record writes the log record of a request.
func (q *request) record(elapsed time.Duration, err error) {
	attrs := []slog.Attr{
		slog.Int64("elapsed_ms", elapsed.Milliseconds()),
		slog.String("method", shorten(q.method)),
		slog.String("proto", q.Proto),
		slog.String("remote_addr", q.h.proxies.Shown(q.Request)),
	}
	id := ""
	if q.s != nil {
		id = q.s.ID()
	}
	attrs = append(attrs, slog.String("request_id", id), slog.String("uri", shorten(q.URL.Redacted())),
		slog.String("user_agent", shorten(q.UserAgent())))
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	attrs = append(attrs, slog.Int("resp_status", q.w.Status))
	q.h.log.LogAttrs(q.Request.Context(), slog.LevelInfo, "", attrs...)
}

// shorten keeps hostile headers from flooding the log.
func shorten(s string) string {
	const limit = 512
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}
