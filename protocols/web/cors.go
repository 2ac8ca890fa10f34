package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// CORS is cross-origin resource sharing (https://fetch.spec.whatwg.org/#http-cors-protocol).
type CORS struct {
	Enabled bool `json:"enabled"`
	// AllowedOrigins are sites like https://app.example.com, with one * for any text;
	// empty or "*" is all.
	AllowedOrigins []string `json:"allowed_origins"`
	// AllowedMethods are GET, POST and HEAD if empty.
	AllowedMethods []string `json:"allowed_methods"`
	// AllowedHeaders are Accept, Content-Type and X-Requested-With if empty; "*" is
	// all. A page that logs in needs Authorization.
	AllowedHeaders []string `json:"allowed_headers"`
	// ExposedHeaders are those of answers that a page may read.
	ExposedHeaders []string `json:"exposed_headers"`
	// AllowCredentials lets pages use a login that the browser remembers. It needs
	// allowed_origins.
	AllowCredentials bool `json:"allow_credentials"`
	// MaxAge is how many seconds a browser may remember what is allowed; 0 leaves it
	// to the browser.
	MaxAge int `json:"max_age"`
}

// Faults are those of the settings; they begin with the key.
func (c CORS) Faults() []error {
	var errs []error
	for i, origin := range c.AllowedOrigins {
		if strings.Count(origin, "*") > 1 {
			errs = append(errs, fmt.Errorf("cors.allowed_origins.%d: %q has more than one *", i, origin))
		}
	}
	if c.MaxAge < 0 {
		errs = append(errs, fmt.Errorf("cors.max_age: %d is negative", c.MaxAge))
	}
	return errs
}

// Origins decides what pages of other sites may do.
type Origins struct {
	CORS
	// Preflight is the status of the answer to a question of a browser.
	Preflight int

	anyOrigin, anyHeader bool
}

// NewOrigins prepares the decisions.
func NewOrigins(c CORS) Origins {
	if len(c.AllowedMethods) == 0 {
		c.AllowedMethods = []string{http.MethodGet, http.MethodPost, http.MethodHead}
	}
	if len(c.AllowedHeaders) == 0 {
		c.AllowedHeaders = []string{"Accept", "Content-Type", "X-Requested-With"}
	}
	return Origins{
		CORS:      c,
		Preflight: http.StatusNoContent,
		anyOrigin: len(c.AllowedOrigins) == 0 || slices.Contains(c.AllowedOrigins, "*"),
		anyHeader: slices.Contains(c.AllowedHeaders, "*"),
	}
}

// Handle adds to the answer what a browser wants to know about r. done tells that
// r was the question of a browser, which has no login, and is answered.
func (c *Origins) Handle(w http.ResponseWriter, r *http.Request) (done bool) {
	if !c.Enabled {
		return false
	}
	h, origin := w.Header(), r.Header.Get("Origin")
	method := r.Header.Get("Access-Control-Request-Method")
	if r.Method != http.MethodOptions || origin == "" || method == "" {
		h.Add("Vary", "Origin")
		if origin != "" && c.origin(origin) && c.method(r.Method) {
			c.permit(h, origin)
			if len(c.ExposedHeaders) > 0 {
				h.Set("Access-Control-Expose-Headers", strings.Join(c.ExposedHeaders, ", "))
			}
		}
		return false
	}
	h.Add("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
	wanted := r.Header.Values("Access-Control-Request-Headers")
	if c.origin(origin) && c.method(method) && c.headers(wanted) {
		c.permit(h, origin)
		h.Set("Access-Control-Allow-Methods", method)
		if len(wanted) > 0 {
			h.Set("Access-Control-Allow-Headers", strings.Join(wanted, ", "))
		}
		if c.MaxAge > 0 {
			h.Set("Access-Control-Max-Age", strconv.Itoa(c.MaxAge))
		}
	}
	w.WriteHeader(c.Preflight)
	return true
}

// permit says yes to an origin. Not even a mistake in the configuration lets any
// site use the logins of a browser.
func (c *Origins) permit(h http.Header, origin string) {
	if c.anyOrigin {
		h.Set("Access-Control-Allow-Origin", "*")
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	if c.AllowCredentials && slices.ContainsFunc(c.AllowedOrigins, func(allowed string) bool {
		return namesSite(allowed) && matchesOrigin(allowed, origin)
	}) {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
}

func (c *Origins) origin(origin string) bool {
	return c.anyOrigin || slices.ContainsFunc(c.AllowedOrigins, func(allowed string) bool { return matchesOrigin(allowed, origin) })
}

func matchesOrigin(allowed, origin string) bool {
	head, tail, wild := strings.Cut(strings.ToLower(allowed), "*")
	o := strings.ToLower(origin)
	if !wild {
		return o == head
	}
	return len(o) >= len(head)+len(tail) && strings.HasPrefix(o, head) && strings.HasSuffix(o, tail)
}

// namesSite reports whether an entry of allowed_origins says how the host ends: one
// like https://* or https://example.com* has room for a host of anybody.
func namesSite(allowed string) bool {
	head, tail, wild := strings.Cut(allowed, "*")
	end, _, _ := strings.Cut(tail, ":")
	_, host, _ := strings.Cut(head, "://")
	return !wild || end != "" || host != "" && strings.HasSuffix(host, ":")
}

func (c *Origins) method(method string) bool {
	return method == http.MethodOptions || slices.ContainsFunc(c.AllowedMethods, func(m string) bool { return strings.EqualFold(m, method) })
}

func (c *Origins) headers(values []string) bool {
	for _, value := range values {
		for name := range strings.SplitSeq(value, ",") {
			name = strings.TrimSpace(name)
			if name == "" || c.anyHeader || strings.EqualFold(name, "Origin") {
				continue
			}
			if !slices.ContainsFunc(c.AllowedHeaders, func(a string) bool { return strings.EqualFold(a, name) }) {
				return false
			}
		}
	}
	return true
}

// Warn tells of settings that do not do what they seem to.
func (c *Origins) Warn(log *slog.Logger) {
	if !c.Enabled || !c.AllowCredentials {
		return
	}
	if c.anyOrigin {
		log.Warn("cors.allow_credentials has no effect: cors.allowed_origins names no site")
		return
	}
	for _, allowed := range c.AllowedOrigins {
		if !namesSite(allowed) {
			log.Warn("cors.allow_credentials has no effect for an origin that may be of anybody", "origin", allowed)
		}
	}
}
