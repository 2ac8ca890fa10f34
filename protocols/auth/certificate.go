package auth

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"sftpgo/dataprovider"
)

// The critical options of PROTOCOL.certkeys that are honoured; with any other
// one a certificate is refused.
const (
	optionForceCommand  = "force-command"
	optionSourceAddress = "source-address"
)

// proveCertificate accepts what an authority has signed for this account: one of
// the server, one in a cert-authority line of the record, or whoever signed if
// this very certificate is in the record.
func (t *trust) proveCertificate(u dataprovider.User, cert *ssh.Certificate, remote netip.Addr, now time.Time) (proof, error) {
	p := proof{name: offeredName(cert)}
	fault := func(err error) (proof, error) { return proof{}, fmt.Errorf("certificate %s: %w", p.name, err) }
	if cert.CertType != ssh.UserCert {
		return fault(errors.New("not a user certificate"))
	}
	principals := []string{u.Username}
	if !t.trusts(cert.SignatureKey) {
		line, err := vouchingLine(u, cert, remote, now)
		if err != nil {
			return fault(err)
		}
		p.line = line
		if len(line.Principals) > 0 {
			principals = line.Principals
		}
	}
	if err := checkCertificate(cert, principals, now); err != nil {
		return fault(err)
	}
	if sources, ok := cert.CriticalOptions[optionSourceAddress]; ok && !sourceAllowed(sources, remote) {
		return fault(fmt.Errorf("may not be used from address %s", remote.Unmap()))
	}
	if command, ok := cert.CriticalOptions[optionForceCommand]; ok {
		if strings.TrimSpace(command) == "" {
			return fault(errors.New("force-command is empty: it admits nothing"))
		}
		p.forceCommand = command
	}
	return p, nil
}

// vouchingLine finds the line of the record that stands for the certificate.
func vouchingLine(u dataprovider.User, cert *ssh.Certificate, remote netip.Addr, now time.Time) (*dataprovider.AuthorizedKey, error) {
	line, err := usableLine(u, cert, remote, now)
	if err == nil {
		return line, nil
	}
	line, err = findLine(u, cert.SignatureKey, func(line dataprovider.AuthorizedKey) error {
		if !line.Authority {
			return errors.New("is not marked cert-authority")
		}
		return line.Allowed(remote, now)
	})
	if err != nil {
		return nil, fmt.Errorf("authority not trusted: %w", err)
	}
	return line, nil
}

// checkCertificate verifies validity, principals, options and signature. A
// certificate without principals would be one for every account; as sshd does
// for TrustedUserCAKeys, it is refused.
func checkCertificate(cert *ssh.Certificate, principals []string, now time.Time) error {
	named := slices.IndexFunc(principals, func(name string) bool { return slices.Contains(cert.ValidPrincipals, name) })
	if len(cert.ValidPrincipals) == 0 {
		return errors.New("names no principals")
	}
	if named < 0 {
		return fmt.Errorf("none of its principals is %s", strings.Join(principals, " or "))
	}
	// SHA-1 can be made to collide: a signature with it may be that of another
	// certificate.
	if f := cert.Signature.Format; f == ssh.KeyAlgoRSA || f == "ssh-dss" {
		return fmt.Errorf("signed with %s, which is not safe", f)
	}
	checker := ssh.CertChecker{
		SupportedCriticalOptions: []string{optionForceCommand, optionSourceAddress},
		Clock:                    func() time.Time { return now },
	}
	return checker.CheckCert(principals[named], cert)
}

// sourceAllowed matches the list of a source-address option: addresses and
// networks in CIDR notation, as ssh-keygen(1) has it. What cannot be read matches
// nothing.
func sourceAllowed(list string, remote netip.Addr) bool {
	remote = remote.Unmap().WithZone("")
	if !remote.IsValid() {
		return false
	}
	for entry := range strings.SplitSeq(list, ",") {
		entry = strings.TrimSpace(entry)
		if network, err := netip.ParsePrefix(entry); err == nil {
			if network.Contains(remote) {
				return true
			}
			continue
		}
		if addr, err := netip.ParseAddr(entry); err == nil && addr.Unmap() == remote {
			return true
		}
	}
	return false
}
