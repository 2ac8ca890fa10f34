package dataprovider

import (
	"errors"
	"fmt"
	"net/netip"
	"path"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// AuthorizedKey is one line of User.PublicKeys: a key and the options that
// restrict it, in the form of sshd(8), AUTHORIZED_KEYS FILE FORMAT. Key may be a
// certificate, which then stands for itself.
type AuthorizedKey struct {
	Key     ssh.PublicKey
	Comment string
	// Authority says that the line is marked cert-authority: Key lets nobody in,
	// certificates signed with it do.
	Authority bool
	// Principals are the names of which a certificate of this authority must have
	// one. Empty: the name of the account.
	Principals []string
	// Ignored names the options that have no effect here.
	Ignored []string

	from   []string // option values; each must match
	expiry time.Time
}

// ParseAuthorizedKey reads one line. It refuses options whose value cannot be
// read.
func ParseAuthorizedKey(line string) (AuthorizedKey, error) {
	line = strings.TrimSpace(line)
	if strings.ContainsAny(line, "\r\n") {
		return AuthorizedKey{}, errors.New("more than one line")
	}
	key, comment, options, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return AuthorizedKey{}, errors.New("not a public key in authorized_keys form")
	}
	k := AuthorizedKey{Key: key, Comment: comment}
	for _, option := range options {
		if err := k.addOption(option); err != nil {
			return AuthorizedKey{}, err
		}
	}
	return k, k.checkKind()
}

// checkKind refuses what could never let anybody in, or not as it reads.
func (k *AuthorizedKey) checkKind() error {
	cert, isCert := k.Key.(*ssh.Certificate)
	switch {
	case isCert && k.Authority:
		return errors.New("option cert-authority: a certificate cannot sign others; give the key of the authority")
	case isCert && cert.CertType != ssh.UserCert:
		return errors.New("a host certificate; only user certificates log in")
	case len(k.Principals) > 0 && !k.Authority:
		k.Principals = nil
		k.Ignored = append(k.Ignored, "principals")
	}
	return nil
}

func (k *AuthorizedKey) addOption(option string) error {
	name, value, hasValue := strings.Cut(option, "=")
	value = strings.TrimSuffix(strings.TrimPrefix(value, `"`), `"`)
	value = strings.ReplaceAll(value, `\"`, `"`)
	switch name = strings.ToLower(name); name {
	case "from":
		if !hasValue || value == "" {
			return errors.New("option from: empty list")
		}
		if err := checkFrom(value); err != nil {
			return fmt.Errorf("option from: %w", err)
		}
		k.from = append(k.from, value)
	case "expiry-time":
		t, err := parseExpiry(value)
		if err != nil {
			return fmt.Errorf("option expiry-time: %w", err)
		}
		if k.expiry.IsZero() || t.Before(k.expiry) {
			k.expiry = t
		}
	case "cert-authority":
		k.Authority = true
	case "principals":
		if k.Principals != nil {
			return errors.New("option principals: given twice")
		}
		for name := range strings.SplitSeq(value, ",") {
			if name == "" {
				return errors.New("option principals: empty name")
			}
			k.Principals = append(k.Principals, name)
		}
	default:
		k.Ignored = append(k.Ignored, name)
	}
	return nil
}

// Allowed tells why the options forbid the key to a client at ip, or nil.
func (k AuthorizedKey) Allowed(ip netip.Addr, now time.Time) error {
	if !k.expiry.IsZero() && !now.Before(k.expiry) {
		return fmt.Errorf("key expired on %s", k.expiry.UTC().Format(time.RFC3339))
	}
	ip = ip.Unmap().WithZone("")
	for _, list := range k.from {
		if !fromMatches(list, ip) {
			return fmt.Errorf("key may not be used from address %s", ip)
		}
	}
	return nil
}

// parseExpiry reads YYYYMMDD[HHMM[SS]][Z], without Z in local time.
func parseExpiry(value string) (time.Time, error) {
	digits, utc := strings.CutSuffix(value, "Z")
	zone := time.Local
	if utc {
		zone = time.UTC
	}
	for _, layout := range []string{"20060102", "200601021504", "20060102150405"} {
		if len(digits) == len(layout) {
			t, err := time.ParseInLocation(layout, digits, zone)
			if err == nil {
				return t, nil
			}
		}
	}
	return time.Time{}, fmt.Errorf("%q is not YYYYMMDD[HHMM[SS]][Z]", value)
}

// checkFrom refuses what would silently never match.
func checkFrom(list string) error {
	for pattern := range strings.SplitSeq(list, ",") {
		pattern = strings.TrimPrefix(pattern, "!")
		if strings.Contains(pattern, "/") {
			if _, err := parseNetwork(pattern); err != nil {
				return fmt.Errorf("%q is no network", pattern)
			}
			continue
		}
		if strings.Trim(pattern, "0123456789abcdefABCDEF:.*?") != "" || pattern == "" {
			return fmt.Errorf("%q is no address, network or address pattern; host names are not looked up", pattern)
		}
	}
	return nil
}

// fromMatches follows the pattern lists of ssh_config(5) for addresses: a hit
// of a negated pattern refuses whatever else the list says.
func fromMatches(list string, ip netip.Addr) bool {
	matched := false
	for pattern := range strings.SplitSeq(list, ",") {
		pattern, negated := strings.CutPrefix(pattern, "!")
		if !addressMatches(pattern, ip) {
			continue
		}
		if negated {
			return false
		}
		matched = true
	}
	return matched
}

func addressMatches(pattern string, ip netip.Addr) bool {
	if !ip.IsValid() {
		return false
	}
	if strings.Contains(pattern, "/") {
		network, err := parseNetwork(pattern)
		return err == nil && network.Contains(ip)
	}
	if addr, err := netip.ParseAddr(pattern); err == nil {
		return addr.Unmap() == ip
	}
	// An address has no slash, so * and ? mean what they mean to ssh.
	hit, err := path.Match(strings.ToLower(pattern), ip.String())
	return err == nil && hit
}
