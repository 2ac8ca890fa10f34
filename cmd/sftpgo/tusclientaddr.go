package main

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// forwarding decides whose word counts about the address of a client.
type forwarding struct {
	believed bool // --behind-proxy
	trusted  []netip.Prefix
}

// newForwarding reads addresses and networks; none is everybody.
func newForwarding(believed bool, trusted []string) (forwarding, error) {
	f := forwarding{believed: believed}
	for _, text := range trusted {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			addr, aerr := netip.ParseAddr(text)
			if aerr != nil {
				return f, fmt.Errorf("%q is neither an address nor a network like 10.0.0.0/8", text)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		f.trusted = append(f.trusted, prefix.Masked())
	}
	return f, nil
}

func (f forwarding) trusts(addr netip.Addr) bool {
	for _, p := range f.trusted {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// believes reports whether the headers of a request may speak about its client and
// the address that it used.
func (f forwarding) believes(r *http.Request) bool {
	return f.believed && (len(f.trusted) == 0 || f.trusts(peerAddr(r)))
}

func peerAddr(r *http.Request) netip.Addr {
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Addr().Unmap().WithZone("")
}

// client is who sent a request. Without a list of proxies it is the first address of
// Forwarded, else that of X-Forwarded-For, as with Rustus; with one, the last address
// that is not of a proxy of ours. What is no address does not count.
func (f forwarding) client(r *http.Request) netip.Addr {
	peer := peerAddr(r)
	if !f.believes(r) {
		return peer
	}
	chain := forwardedFor(r.Header)
	if len(f.trusted) == 0 {
		if len(chain) > 0 && chain[0].IsValid() {
			return chain[0]
		}
		return peer
	}
	nearest := peer
	for i := len(chain) - 1; i >= 0; i-- {
		if !chain[i].IsValid() {
			return nearest // somebody hides behind this proxy
		}
		if nearest = chain[i]; !f.trusts(nearest) {
			return nearest
		}
	}
	return nearest
}

// forwardedFor is the way of a request: the client first, each proxy behind what it
// saw. Addresses that are none are the zero Addr.
func forwardedFor(h http.Header) []netip.Addr {
	var chain []netip.Addr
	for _, element := range elements(h.Values("Forwarded")) {
		for pair := range strings.SplitSeq(element, ";") {
			if key, value, ok := strings.Cut(strings.TrimSpace(pair), "="); ok && strings.EqualFold(key, "for") {
				chain = append(chain, nodeAddr(value))
			}
		}
	}
	if len(chain) > 0 {
		return chain
	}
	for _, element := range elements(h.Values("X-Forwarded-For")) {
		chain = append(chain, nodeAddr(element))
	}
	return chain
}

// elements splits lists at commas that are not in quotes.
func elements(values []string) []string {
	var all []string
	for _, v := range values {
		quoted, begin := false, 0
		for i := 0; i <= len(v); i++ {
			switch {
			case i == len(v) || v[i] == ',' && !quoted:
				if e := strings.TrimSpace(v[begin:i]); e != "" {
					all = append(all, e)
				}
				begin = i + 1
			case v[i] == '"':
				quoted = !quoted
			}
		}
	}
	return all
}

// nodeAddr reads a node of RFC 7239, section 6: an address, IPv6 in brackets, with or
// without a port; or a word that hides it.
func nodeAddr(node string) netip.Addr {
	node = strings.Trim(strings.TrimSpace(node), `"`)
	if addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(node, "["), "]")); err == nil {
		return addr.Unmap().WithZone("")
	}
	host, _, err := net.SplitHostPort(node)
	if err != nil {
		return netip.Addr{}
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}

// networks are those whose word counts.
func (f forwarding) networks() []string {
	switch {
	case !f.believed:
		return nil
	case len(f.trusted) == 0:
		return []string{"0.0.0.0/0", "::/0"}
	}
	var all []string
	for _, p := range f.trusted {
		all = append(all, p.String())
	}
	return all
}
