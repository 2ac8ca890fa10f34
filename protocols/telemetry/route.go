package telemetry

import (
	"expvar"
	"io"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", s.bounded(http.HandlerFunc(s.healthz)))
	mux.Handle("GET /metrics", s.guarded(s.bounded(s.metrics.Handler())))
	if s.cfg.EnableProfiler {
		for path, handler := range map[string]http.HandlerFunc{
			"/debug/pprof/":        pprof.Index,
			"/debug/pprof/cmdline": pprof.Cmdline,
			"/debug/pprof/profile": pprof.Profile,
			"/debug/pprof/symbol":  pprof.Symbol,
			"/debug/pprof/trace":   pprof.Trace,
			"/debug/vars":          expvar.Handler().ServeHTTP,
		} {
			mux.Handle(path, s.guarded(unbounded(handler)))
		}
	}
	return mux
}

// Handler answers with what is counted, in the format of Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.InstrumentMetricHandler(m.registry,
		promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, Registry: m.registry}))
}

// healthz is open to all, so that it tells nothing but whether.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if err := s.ask(r.Context()); err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "data store unavailable") // to a client that has gone
		return
	}
	_, _ = io.WriteString(w, "ok")
}

// guarded asks for a user of the htpasswd file, if there is one.
func (s *Server) guarded(next http.Handler) http.Handler {
	if s.users == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, ok := r.BasicAuth()
		if !ok || !s.users.accepts(r.Context(), name, password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="SFTPGo telemetry", charset="UTF-8"`)
			http.Error(w, "login required", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// bounded gives up on a client that does not read the answer.
func (s *Server) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.limit)); err != nil {
			s.log.Debug("no write deadline", "error", err)
		}
		next.ServeHTTP(w, r)
	})
}

// unbounded lifts the deadlines: a profile takes as long as it is asked to.
func unbounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		if c.SetReadDeadline(time.Time{}) != nil || c.SetWriteDeadline(time.Time{}) != nil {
			http.Error(w, "profiles need a plain connection", http.StatusInternalServerError)
			return
		}
		next.ServeHTTP(w, r)
	})
}
