package main

import (
	"io"
	"log/slog"
	"net/http"
	"time"
)

// accessLog writes a record of each request.
type accessLog struct {
	log         *slog.Logger
	quietHealth bool
}

func (a accessLog) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.quietHealth && r.URL.Path == "/health" {
			next.ServeHTTP(w, r)
			return
		}
		begin, noted := time.Now(), &notedResponse{ResponseWriter: w}
		defer func() {
			a.log.Info("", "remote_addr", peerAddr(r).String(), "method", r.Method, "uri", r.URL.RequestURI(),
				"status", noted.code(), "size", noted.size, "elapsed_ms", time.Since(begin).Milliseconds(),
				"user_agent", r.UserAgent())
		}()
		next.ServeHTTP(noted, r)
	})
}

// notedResponse remembers what was answered.
type notedResponse struct {
	http.ResponseWriter
	status int
	size   int64
}

// Unwrap lets http.ResponseController find deadlines and the like.
func (n *notedResponse) Unwrap() http.ResponseWriter { return n.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (n *notedResponse) WriteHeader(status int) {
	if status >= 200 && n.status == 0 { // not an interim answer
		n.status = status
	}
	n.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (n *notedResponse) Write(p []byte) (int, error) {
	m, err := n.ResponseWriter.Write(p)
	n.size += int64(m)
	return m, err
}

// ReadFrom keeps sendfile for those whom net/http offers it to.
func (n *notedResponse) ReadFrom(r io.Reader) (int64, error) {
	m, err := io.Copy(n.ResponseWriter, r)
	n.size += m
	return m, err
}

func (n *notedResponse) code() int {
	if n.status == 0 {
		return http.StatusOK
	}
	return n.status
}
