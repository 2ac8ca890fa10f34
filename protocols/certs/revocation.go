package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
)

// ErrRevoked is the answer to a certificate that a list names.
var ErrRevoked = errors.New("the certificate was revoked")

func (f Files) revocationLists() ([]*x509.RevocationList, error) {
	var all []*x509.RevocationList
	for _, name := range f.Revoked {
		data, err := os.ReadFile(f.within(name))
		if err != nil {
			return nil, fmt.Errorf("revocation list: %w", err)
		}
		lists, err := parseRevocationLists(data)
		if err != nil {
			return nil, fmt.Errorf("revocation list %q: %w", name, err)
		}
		all = append(all, lists...)
	}
	return all, nil
}

func parseRevocationLists(data []byte) ([]*x509.RevocationList, error) {
	var all []*x509.RevocationList
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "X509 CRL" {
			continue
		}
		list, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, list)
	}
	if len(all) > 0 {
		return all, nil
	}
	list, err := x509.ParseRevocationList(data)
	if err != nil {
		return nil, err
	}
	return []*x509.RevocationList{list}, nil
}

// Check is for tls.Config.VerifyConnection, which is called for resumed sessions
// too. It returns ErrRevoked if a list that the issuer of a certificate of the
// client signed names that certificate, however old the list is: nobody takes a
// revocation back.
func (l *Loaded) Check(state tls.ConnectionState) error {
	for _, chain := range state.VerifiedChains {
		for i := range len(chain) - 1 {
			if l.isRevoked(chain[i], chain[i+1]) {
				return ErrRevoked
			}
		}
	}
	return nil
}

func (l *Loaded) isRevoked(cert, issuer *x509.Certificate) bool {
	for _, list := range l.revoked {
		if !bytes.Equal(list.RawIssuer, issuer.RawSubject) {
			continue
		}
		for _, entry := range list.RevokedCertificateEntries {
			if entry.SerialNumber.Cmp(cert.SerialNumber) == 0 && list.CheckSignatureFrom(issuer) == nil {
				return true
			}
		}
	}
	return false
}
