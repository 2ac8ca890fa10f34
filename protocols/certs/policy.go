package certs

import (
	"crypto/tls"
	"slices"
)

// Suites returns the cipher suites of TLS 1.2 for their Go names, and the names
// that are unknown or unsafe. No names are nil, the default of Go. TLS 1.3 has
// none to choose from.
func Suites(names []string) (ids []uint16, unknown []string) {
	for _, name := range names {
		at := slices.IndexFunc(tls.CipherSuites(), func(s *tls.CipherSuite) bool { return s.Name == name })
		if at < 0 {
			unknown = append(unknown, name)
			continue
		}
		ids = append(ids, tls.CipherSuites()[at].ID)
	}
	return ids, unknown
}

// MinVersion returns the version for the settings 12 and 13; 0 is 12, any other
// number is none.
func MinVersion(setting int) (version uint16, ok bool) {
	switch setting {
	case 0, 12:
		return tls.VersionTLS12, true
	case 13:
		return tls.VersionTLS13, true
	}
	return 0, false
}

// ClientAuth returns what client_auth_type asks of clients: 0 no certificate, 1 one
// that is valid, 2 one that is valid if there is any.
func ClientAuth(setting int) (t tls.ClientAuthType, ok bool) {
	switch setting {
	case 0:
		return tls.NoClientCert, true
	case 1:
		return tls.RequireAndVerifyClientCert, true
	case 2:
		return tls.VerifyClientCertIfGiven, true
	}
	return tls.NoClientCert, false
}
