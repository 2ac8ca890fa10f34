package webdavd

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// cors decides what pages of other sites may do.
type cors struct {
	CORS
	anyOrigin, anyHeader bool
}

func newCORS(c CORS) cors {
	if len(c.AllowedMethods) == 0 {
		c.AllowedMethods = []string{http.MethodGet, http.MethodPost, http.MethodHead}
	}
	if len(c.AllowedHeaders) == 0 {
		c.AllowedHeaders = []string{"Accept", "Content-Type", "X-Requested-With"}
	}
	return cors{
		CORS:      c,
		anyOrigin: len(c.AllowedOrigins) == 0 || slices.Contains(c.AllowedOrigins, "*"),
		anyHeader: slices.Contains(c.AllowedHeaders, "*"),
	}
}

// handle adds to the answer what a browser wants to know about r. done tells that
// r was the question of a browser, which has no login, and is answered.
func (c *cors) handle(w http.ResponseWriter, r *http.Request) (done bool) {
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
	w.WriteHeader(http.StatusNoContent)
	return true
}

// permit says yes to an origin. Not even a mistake in the configuration lets any
// site use the logins of a browser.
func (c *cors) permit(h http.Header, origin string) {
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

func (c *cors) origin(origin string) bool {
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

func (c *cors) method(method string) bool {
	return method == http.MethodOptions || slices.ContainsFunc(c.AllowedMethods, func(m string) bool { return strings.EqualFold(m, method) })
}

func (c *cors) headers(values []string) bool {
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
