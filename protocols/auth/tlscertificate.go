package auth

import (
	"context"
	"errors"
	"time"

	"sftpgo/dataprovider"
)

var (
	errNoCertificate    = errors.New("no client certificate")
	errCertificateUnfit = errors.New("the account takes no client certificates")
	errOtherCertificate = errors.New("the client certificate is of another name")
)

// byCertificate lets in who has a certificate of the name of the account.
func (p *Provider) byCertificate(ctx context.Context, a Attempt) (Identity, error) {
	if a.CommonName == "" {
		return Identity{}, reject(errNoCertificate)
	}
	u, rev, err := p.user(ctx, a.User)
	switch {
	case err != nil:
		return Identity{}, err
	case u.Filters.TLSUsername != dataprovider.TLSUsernameCommonName:
		return Identity{}, reject(errCertificateUnfit)
	case a.CommonName != u.Username:
		return Identity{}, reject(errOtherCertificate)
	}
	if err := u.LoginAllowed(a.Protocol, a.Method(), a.Remote, time.Now()); err != nil {
		return Identity{}, reject(err)
	}
	return Identity{User: u, Revision: rev, Method: a.Method()}, nil
}
