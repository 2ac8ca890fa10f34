// Package proxied gives connections that come through a proxy the address of the
// client, which the proxy tells in the PROXY protocol, versions 1 and 2
// (https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt). Whom to believe
// is the point of it: a header from elsewhere would be a way around every rule
// about addresses.
package proxied

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Config are the keys of the "common" section about the PROXY protocol.
type Config struct {
	// ProxyProtocol: 0 off, 1 a header is used if it is there, 2 connections without
	// one are refused.
	ProxyProtocol int `json:"proxy_protocol"`
	// ProxyAllowed are the addresses and networks of the proxies; empty: anyone is
	// believed. With 1, headers of others are ignored; with 2, others are refused.
	ProxyAllowed []string `json:"proxy_allowed"`
	// ProxySkipped are addresses and networks that connect without a header whatever
	// the other two say.
	ProxySkipped []string `json:"proxy_skipped"`
}

// The values of Config.ProxyProtocol.
const (
	off = iota
	optional
	required
)

// DefaultConfig returns the built-in values.
func DefaultConfig() Config { return Config{ProxyAllowed: []string{}, ProxySkipped: []string{}} }

// Validate returns all faults.
func (c Config) Validate() error {
	var errs []error
	if c.ProxyProtocol < off || c.ProxyProtocol > required {
		errs = append(errs, fmt.Errorf("proxy_protocol: %d is not 0 (off), 1 (used if present) or 2 (required)", c.ProxyProtocol))
	}
	_, err := ParseNetworks("proxy_allowed", c.ProxyAllowed)
	errs = append(errs, err)
	_, err = ParseNetworks("proxy_skipped", c.ProxySkipped)
	return errors.Join(append(errs, err)...)
}

// BelievesAnyone reports whether every client may claim any address.
func (c Config) BelievesAnyone() bool { return c.ProxyProtocol != off && len(c.ProxyAllowed) == 0 }

// Networks is a set of addresses.
type Networks []netip.Prefix

// ParseNetworks reads addresses and networks in CIDR form. The error joins all
// faults, each with the key and the number of the entry in front.
func ParseNetworks(key string, texts []string) (Networks, error) {
	var all Networks
	var errs []error
	for i, text := range texts {
		p, err := parseNetwork(strings.TrimSpace(text))
		if err != nil {
			errs = append(errs, fmt.Errorf("%s.%d: %q is not an address or a network like 10.0.0.0/8", key, i, text))
			continue
		}
		all = append(all, p)
	}
	return all, errors.Join(errs...)
}

func parseNetwork(text string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	a = a.Unmap().WithZone("")
	return a.Prefix(a.BitLen())
}

// Contain reports whether the address is in one of the networks, whatever form
// of IPv4 it has.
func (n Networks) Contain(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range n {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
