package tus

import (
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// location is the URL of an upload as the client sees it. What proxies tell of scheme
// and host counts only from those that are trusted: anybody else could have the client
// send its data elsewhere.
func (q *request) location(id string) string {
	base := q.h.protocol.ExternalURL
	if base == "" {
		scheme, host := "http", q.Host
		if q.TLS != nil {
			scheme = "https"
		}
		if q.h.proxies.Trust(q.Request) {
			scheme, host = forwarded(q.Header, scheme, host)
		}
		base = scheme + "://" + host
	}
	return strings.TrimSuffix(base, "/") + q.h.protocol.Prefix + "/" + url.PathEscape(id)
}

// forwarded applies Forwarded (RFC 7239) or X-Forwarded-Proto and X-Forwarded-Host of
// the nearest proxy.
func forwarded(h http.Header, scheme, host string) (string, string) {
	proto, name := last(h.Values("X-Forwarded-Proto")), last(h.Values("X-Forwarded-Host"))
	if element := last(h.Values("Forwarded")); element != "" {
		for pair := range strings.SplitSeq(element, ";") {
			key, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			value = strings.Trim(value, `"`)
			switch strings.ToLower(key) {
			case "proto":
				proto = value
			case "host":
				name = value
			}
		}
	}
	if proto = strings.ToLower(proto); proto == "http" || proto == "https" {
		scheme = proto
	}
	if name != "" && httpguts.ValidHostHeader(name) {
		host = name
	}
	return scheme, host
}

// last is the last entry of a list.
func last(values []string) string {
	list := strings.Join(values, ",")
	return strings.TrimSpace(list[strings.LastIndexByte(list, ',')+1:])
}
