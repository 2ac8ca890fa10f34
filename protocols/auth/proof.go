package auth

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/crypto/ssh"

	"sftpgo/dataprovider"
)

// proof is what a key or certificate amounts to, once the client has signed
// with it.
type proof struct {
	name         string // for the log
	forceCommand string
	line         *dataprovider.AuthorizedKey // of the record that let it in; nil: the server trusts the authority
}

// prove tells whether u may log in with the offered key from remote at now, by
// everything that does not concern the account itself.
func (t *trust) prove(u dataprovider.User, offered ssh.PublicKey, remote netip.Addr, now time.Time) (proof, error) {
	if t.revoked.has(offered) {
		return proof{}, fmt.Errorf("%s is revoked", offeredName(offered))
	}
	if cert, ok := offered.(*ssh.Certificate); ok {
		return t.proveCertificate(u, cert, remote, now)
	}
	line, err := usableLine(u, offered, remote, now)
	if err != nil {
		return proof{}, err
	}
	return proof{name: keyID(*line), line: line}, nil
}

// usableLine finds the line of the record that lets the key, or exactly this
// certificate, in. The same key may be there several times with different
// restrictions.
func usableLine(u dataprovider.User, offered ssh.PublicKey, remote netip.Addr, now time.Time) (*dataprovider.AuthorizedKey, error) {
	return findLine(u, offered, func(line dataprovider.AuthorizedKey) error {
		if line.Authority {
			return errors.New("is that of an authority, which lets nobody in by itself")
		}
		return line.Allowed(remote, now)
	})
}

// findLine returns the first line with the key that is usable.
func findLine(u dataprovider.User, key ssh.PublicKey, usable func(dataprovider.AuthorizedKey) error) (*dataprovider.AuthorizedKey, error) {
	blob := key.Marshal()
	reason := fmt.Errorf("%s is not among those of the account", offeredName(key))
	for _, text := range u.PublicKeys {
		line, err := dataprovider.ParseAuthorizedKey(text)
		if err != nil || !bytes.Equal(line.Key.Marshal(), blob) {
			continue
		}
		if err := usable(line); err != nil {
			reason = fmt.Errorf("%s: %w", keyID(line), err)
			continue
		}
		return &line, nil
	}
	return nil, reason
}

// keyID is how logs name a key of a record.
func keyID(k dataprovider.AuthorizedKey) string {
	id := offeredName(k.Key)
	if k.Comment != "" {
		id += ":" + k.Comment
	}
	return id
}

// offeredName is how logs name a key that a client shows. The id of a certificate
// is its maker's, who may be anybody.
func offeredName(key ssh.PublicKey) string {
	cert, ok := key.(*ssh.Certificate)
	if !ok {
		return ssh.FingerprintSHA256(key)
	}
	return fmt.Sprintf("%s ID %q serial %d CA %s", ssh.FingerprintSHA256(cert.Key), shorten(cert.KeyId), cert.Serial,
		ssh.FingerprintSHA256(cert.SignatureKey))
}
