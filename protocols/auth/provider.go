package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"golang.org/x/crypto/ssh"

	"sftpgo/dataprovider"
)

// Passwords verifies passwords against stored hashes. Any error is a denial.
type Passwords interface {
	Verify(ctx context.Context, stored, plain string) (bool, error)
	// VerifyDummy does the work of a Verify that fails.
	VerifyDummy(ctx context.Context, plain string) error
}

// Provider is the Authenticator over a data store. Every attempt reads the
// record of the user anew, so a change takes effect at once. It is safe for
// concurrent use.
//
// The answers to an unknown user, a wrong password and an account that may not
// log in cost the same work: whatever happens, one password hash is computed
// before the conditions of the account are looked at.
type Provider struct {
	users     dataprovider.Collection[dataprovider.User]
	passwords Passwords
	verified  *verifiedCache
	record    *recorder
}

var (
	_ Authenticator = (*Provider)(nil)
	_ Recorder      = (*Provider)(nil)
	_ Rechecker     = (*Provider)(nil)
)

// New returns a Provider over store, which the caller closes.
func New(store dataprovider.Store, passwords Passwords, metrics Metrics, log *slog.Logger) *Provider {
	return &Provider{
		users:     store.Users(),
		passwords: passwords,
		verified:  newVerifiedCache(),
		record:    newRecorder(store.Usage(), metrics, log),
	}
}

// Authenticate implements Authenticator.
func (p *Provider) Authenticate(ctx context.Context, a Attempt) (Identity, error) {
	switch c := a.Credential.(type) {
	case Password:
		id, cached, err := p.byPassword(ctx, a, string(c))
		switch {
		case err != nil:
			p.record.LoginFailed(ctx, a, err)
		case !cached || a.Protocol != dataprovider.ProtocolDAV:
			// WebDAV clients log in with every request; there one record each five
			// minutes says it all.
			p.record.LoggedIn(ctx, a, id)
		}
		return id, err
	case PublicKey:
		return p.byPublicKey(ctx, a, c)
	}
	return Identity{}, reject(errors.New("no credential"))
}

// Recheck implements Rechecker.
func (p *Provider) Recheck(ctx context.Context, protocol string, remote netip.Addr, id Identity) error {
	u, _, err := p.user(ctx, id.User.Username)
	if err != nil {
		return err
	}
	if u.ID != id.User.ID {
		return reject(errors.New("another account of the same name"))
	}
	if err := u.LoginAllowed(protocol, id.Method, remote, time.Now()); err != nil {
		return reject(err)
	}
	return nil
}

// LoggedIn implements Recorder.
func (p *Provider) LoggedIn(ctx context.Context, a Attempt, id Identity) {
	p.record.LoggedIn(ctx, a, id)
}

// LoginFailed implements Recorder.
func (p *Provider) LoginFailed(ctx context.Context, a Attempt, err error) {
	p.record.LoginFailed(ctx, a, err)
}

var (
	errUnknownUser   = errors.New("unknown user")
	errWrongPassword = errors.New("wrong password")
	errNoPassword    = errors.New("the account has no password")
)

func reject(reason error) error { return fmt.Errorf("%w: %w", ErrRejected, reason) }

// byPassword also reports whether the password was known to be right.
func (p *Provider) byPassword(ctx context.Context, a Attempt, plain string) (_ Identity, cached bool, _ error) {
	u, rev, err := p.user(ctx, a.User)
	if err == nil && u.Password == "" {
		err = reject(errNoPassword)
	}
	if errors.Is(err, ErrRejected) {
		return Identity{}, false, p.denyAtCost(ctx, plain, err)
	}
	if err != nil {
		return Identity{}, false, err
	}
	key := p.verified.key(u, rev, plain)
	if cached = p.verified.has(key); !cached {
		ok, err := p.passwords.Verify(ctx, u.Password, plain)
		if err != nil {
			return Identity{}, false, reject(err)
		}
		if !ok {
			return Identity{}, false, reject(errWrongPassword)
		}
	}
	if err := u.LoginAllowed(a.Protocol, LoginMethod(a.Credential), a.Remote, time.Now()); err != nil {
		if cached {
			err = p.denyAtCost(ctx, plain, err)
		}
		return Identity{}, false, reject(err)
	}
	// Only what led to a login is remembered, or the time would tell whether the
	// password of a disabled account is right.
	p.verified.add(key)
	return Identity{User: u, Revision: rev, Method: LoginMethod(a.Credential)}, cached, nil
}

// denyAtCost returns err after the work that a wrong password costs.
func (p *Provider) denyAtCost(ctx context.Context, plain string, err error) error {
	if dummyErr := p.passwords.VerifyDummy(ctx, plain); dummyErr != nil {
		return fmt.Errorf("%w (%w)", err, dummyErr)
	}
	return err
}

func (p *Provider) byPublicKey(ctx context.Context, a Attempt, blob PublicKey) (Identity, error) {
	u, rev, err := p.user(ctx, a.User)
	if err != nil {
		return Identity{}, err
	}
	offered, err := ssh.ParsePublicKey(blob)
	if err != nil {
		return Identity{}, reject(errors.New("unreadable public key"))
	}
	if cert, ok := offered.(*ssh.Certificate); ok {
		return Identity{}, reject(fmt.Errorf("certificate %q (serial %d) offered: certificates are not supported by this version",
			cert.KeyId, cert.Serial))
	}
	key, err := usableKey(u, offered, a)
	if err != nil {
		return Identity{}, reject(err)
	}
	if err := u.LoginAllowed(a.Protocol, LoginMethod(a.Credential), a.Remote, time.Now()); err != nil {
		return Identity{}, reject(err)
	}
	p.record.ignoredOptions(ctx, u, key)
	return Identity{User: u, Revision: rev, Method: LoginMethod(a.Credential)}, nil
}

// usableKey finds the line of the record that lets the client in. The same key
// may be there several times with different restrictions.
func usableKey(u dataprovider.User, offered ssh.PublicKey, a Attempt) (dataprovider.AuthorizedKey, error) {
	blob := offered.Marshal()
	reason := fmt.Errorf("key %s is not among those of the account", ssh.FingerprintSHA256(offered))
	for _, line := range u.PublicKeys {
		key, err := dataprovider.ParseAuthorizedKey(line)
		if err != nil || !bytes.Equal(key.Key.Marshal(), blob) {
			continue
		}
		if err := key.Allowed(a.Remote, time.Now()); err != nil {
			reason = fmt.Errorf("%s: %w", keyID(key), err)
			continue
		}
		return key, nil
	}
	return dataprovider.AuthorizedKey{}, reason
}

// user reads the record. A name that no account can have is not looked up.
func (p *Provider) user(ctx context.Context, name string) (dataprovider.User, dataprovider.Revision, error) {
	if dataprovider.CheckUsername(name) != nil {
		return dataprovider.User{}, 0, reject(errUnknownUser)
	}
	u, rev, err := p.users.Get(ctx, name)
	switch {
	case errors.Is(err, dataprovider.ErrNotFound):
		return dataprovider.User{}, 0, reject(errUnknownUser)
	case errors.Is(err, dataprovider.ErrUnavailable):
		return dataprovider.User{}, 0, err
	case err != nil:
		return dataprovider.User{}, 0, fmt.Errorf("%w: %w", dataprovider.ErrUnavailable, err)
	}
	return u, rev, nil
}

// LoginMethod returns the name of the method that a credential stands for, as
// filters, logs and hooks use it.
func LoginMethod(c Credential) string {
	if c == nil {
		return methodNone
	}
	return c.method()
}

// methodNone is spelled as log filters expect it.
const methodNone = "no_auth_tryed"
