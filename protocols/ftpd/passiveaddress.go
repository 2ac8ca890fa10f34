package ftpd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"
)

// PassiveIPOverride is another passive address for some clients.
type PassiveIPOverride struct {
	// Networks are those of the clients, in CIDR form.
	Networks []string `json:"networks"`
	// IP is the IPv4 address that they are shown; empty is the address of their
	// control connection, for clients on this side of the NAT.
	IP string `json:"ip"`
}

// lookupTime is how long the name of passive_host may take to resolve.
const lookupTime = 5 * time.Second

var errNoIPv4 = errors.New("no IPv4 address")

// passiveAddress is what PASV shows a client, which has no form for IPv6: EPSV is
// for that (RFC 2428).
func (b Binding) passiveAddress(ctx context.Context, client, local netip.Addr) (netip.Addr, error) {
	override, found := b.override(client)
	switch {
	case found && override != "":
		return netip.ParseAddr(override)
	case found:
	case b.ForcePassiveIP != "":
		return netip.ParseAddr(b.ForcePassiveIP)
	case b.PassiveHost != "":
		return lookUpIPv4(ctx, b.PassiveHost)
	}
	if !local.Is4() {
		return netip.Addr{}, errNoIPv4
	}
	return local, nil
}

// override is that of the first network that a client is in.
func (b Binding) override(client netip.Addr) (ip string, found bool) {
	for _, o := range b.PassiveIPOverrides {
		for _, cidr := range o.Networks {
			if network, err := netip.ParsePrefix(cidr); err == nil && network.Contains(client) {
				return o.IP, true
			}
		}
	}
	return "", false
}

func lookUpIPv4(ctx context.Context, host string) (netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", host)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("passive_host: %w", err)
	}
	if len(addrs) == 0 {
		return netip.Addr{}, fmt.Errorf("passive_host %q: %w", host, errNoIPv4)
	}
	return addrs[0].Unmap(), nil
}

// reportPassive writes what clients will see in passive mode, since that is what
// goes wrong behind NAT and firewalls.
func (s *Server) reportPassive(ctx context.Context) {
	ports := "any, chosen by the system"
	if r := s.cfg.PassivePortRange; r.used() {
		ports = fmt.Sprintf("%d-%d", r.Start, r.End)
	}
	log := s.log.With("ports", ports)
	b := s.binding
	switch {
	case b.ForcePassiveIP != "":
		log.Info("passive mode: clients connect to force_passive_ip", "address", b.ForcePassiveIP)
	case b.PassiveHost != "":
		addr, err := lookUpIPv4(ctx, b.PassiveHost)
		if err != nil {
			log.Warn("passive mode: the name of passive_host does not resolve now", "passive_host", b.PassiveHost, "error", err)
			return
		}
		log.Info("passive mode: clients connect to passive_host", "passive_host", b.PassiveHost, "address", addr.String())
	default:
		log.Info("passive mode: clients connect to the address that they reached this server at; behind NAT set force_passive_ip or passive_host")
	}
	for _, o := range b.PassiveIPOverrides {
		address := o.IP
		if address == "" {
			address = "the one that they reached this server at"
		}
		log.LogAttrs(ctx, slog.LevelInfo, "passive mode: other address for some clients",
			slog.String("networks", fmt.Sprint(o.Networks)), slog.String("address", address))
	}
}
