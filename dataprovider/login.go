package dataprovider

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"time"
)

// LoginAllowed tells why the account may not be used right now, or nil. It
// looks at everything but the credential and the number of sessions: status,
// expiry, home, protocol (ProtocolSSH, ProtocolFTP, ProtocolDAV), login method
// and address. The text names the reason and is for the log, not for clients.
func (u *User) LoginAllowed(protocol, method string, ip netip.Addr, now time.Time) error {
	switch {
	case u.Status != StatusEnabled:
		return errors.New("account is disabled")
	case u.ExpirationDate > 0 && now.UnixMilli() >= u.ExpirationDate:
		return fmt.Errorf("account expired on %s", time.UnixMilli(u.ExpirationDate).UTC().Format(time.RFC3339))
	case !filepath.IsAbs(u.HomeDir):
		return errors.New("home directory is not absolute")
	case slices.Contains(u.Filters.DeniedProtocols, protocol):
		return fmt.Errorf("protocol %s is denied to the account", protocol)
	case slices.Contains(u.Filters.DeniedLoginMethods, method):
		return fmt.Errorf("login method %s is denied to the account", method)
	}
	return u.Filters.addressAllowed(ip)
}

// SecondSteps returns the login methods of several steps that the account may use
// over SSH: none while a single step will do, because then a second one would
// protect nothing. Which of them a server offers is another question.
func (u *User) SecondSteps() []string {
	denied := func(method string) bool { return slices.Contains(u.Filters.DeniedLoginMethods, method) }
	if !denied(LoginPublicKey) || !denied(LoginPassword) || !denied(LoginKeyboardInteractive) {
		return nil
	}
	return slices.DeleteFunc([]string{LoginKeyAndPassword, LoginKeyAndKeyboard}, denied)
}

// addressAllowed tests the denied networks first, so an address in both lists
// is denied. An entry that cannot be read denies.
func (f *UserFilters) addressAllowed(ip netip.Addr) error {
	if len(f.AllowedIP) == 0 && len(f.DeniedIP) == 0 {
		return nil
	}
	ip = ip.Unmap().WithZone("")
	if !ip.IsValid() {
		return errors.New("address of the client is unknown and the account is bound to networks")
	}
	for _, cidr := range f.DeniedIP {
		network, err := parseNetwork(cidr)
		if err != nil || network.Contains(ip) {
			return fmt.Errorf("address %s is denied to the account", ip)
		}
	}
	for _, cidr := range f.AllowedIP {
		if network, err := parseNetwork(cidr); err == nil && network.Contains(ip) {
			return nil
		}
	}
	if len(f.AllowedIP) > 0 {
		return fmt.Errorf("address %s is not among those allowed to the account", ip)
	}
	return nil
}

// parseNetwork reads CIDR notation. An IPv4 network that is written in its
// IPv6-mapped form comes back as IPv4, the form that addresses have here.
func parseNetwork(cidr string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(cidr)
	if err != nil {
		return netip.Prefix{}, err
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}
