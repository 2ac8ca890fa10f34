package web

import (
	"net/http"
	"net/netip"
	"strings"

	"sftpgo/protocols/proxied"
)

// Proxies are the HTTP proxies in front of a binding.
type Proxies struct {
	trusted proxied.Networks
	header  string // where they put the address of the client
	depth   int    // of the address that counts, from the end
}

// NewProxies trusts the proxies at some addresses and networks. They put the address
// of the client into header, whose entry depth, counted from the end, is the one
// that counts. Without a header the address of the connection counts.
func NewProxies(allowed []string, header string, depth int) (Proxies, error) {
	trusted, err := proxied.ParseNetworks("proxy_allowed", allowed)
	return Proxies{trusted: trusted, header: header, depth: depth}, err
}

// Trust reports whether a request comes from one of them.
func (p Proxies) Trust(r *http.Request) bool { return p.trusted.Contain(peerOf(r.RemoteAddr)) }

// None reports whether there are none.
func (p Proxies) None() bool { return len(p.trusted) == 0 }

// Client is the address of who sends a request: that of the connection, unless it
// comes from a proxy that tells another. Anyone else could write into the header
// what they like.
func (p Proxies) Client(r *http.Request) netip.Addr {
	peer := peerOf(r.RemoteAddr)
	if p.header == "" || !p.trusted.Contain(peer) {
		return peer
	}
	list := strings.Split(strings.Join(r.Header.Values(p.header), ","), ",")
	at := len(list) - 1 - p.depth
	if at < 0 {
		return peer
	}
	if a, ok := parseClient(strings.TrimSpace(list[at])); ok {
		return a
	}
	return peer
}

// Closes tells of requests after which the connection of a proxy must end. net/http
// reads one with a length and chunks by the chunks and does not tell of the length;
// a proxy that goes by the length takes what follows for a part of the body, and
// the next request for another's (RFC 9112 section 6.3).
func (p Proxies) Closes(r *http.Request) bool {
	return len(r.TransferEncoding) > 0 && p.trusted.Contain(peerOf(r.RemoteAddr))
}

// parseClient reads an address, to which some proxies add the port.
func parseClient(text string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	return a.Unmap().WithZone(""), err == nil
}

// Shown is how the log names the sender of a request.
func (p Proxies) Shown(r *http.Request) string {
	if a := p.Client(r); a.IsValid() && a != peerOf(r.RemoteAddr) {
		return a.String()
	}
	return r.RemoteAddr
}

func peerOf(address string) netip.Addr {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}
