// Package auth turns a login attempt into an identity, or refuses it. An
// identity is the result of a verified proof and never changes afterwards.
package auth

import (
	"context"
	"errors"
	"net/netip"

	"sftpgo/dataprovider"
)

// ErrRejected is the one answer to every failed login, whatever the reason:
// unknown user, wrong credential, disabled account. The wrapped reason is for
// the log only and never goes to a client.
var ErrRejected = errors.New("login refused")

// Attempt is one try to log in.
type Attempt struct {
	Protocol   string // dataprovider.ProtocolSSH, ProtocolFTP or ProtocolDAV
	Remote     netip.Addr
	User       string
	Credential Credential
}

// Credential is a Password or a PublicKey.
type Credential interface{ method() string }

// Password is a plain password as the client sent it.
type Password string

// PublicKey is a key blob in SSH wire format. Authenticate tells whether the
// account may log in with that key; that the client holds the private part is
// proved by the signature, which the SSH transport verifies afterwards.
type PublicKey []byte

func (Password) method() string  { return dataprovider.LoginPassword }
func (PublicKey) method() string { return dataprovider.LoginPublicKey }

// Identity is a user who proved who they are. It is immutable.
type Identity struct {
	User     dataprovider.User // as of the login
	Revision dataprovider.Revision
	Method   string // login method, as filters and hooks name it
}

// Authenticator checks attempts against the data provider.
type Authenticator interface {
	// Authenticate returns the identity, or an error that wraps ErrRejected, or
	// dataprovider.ErrUnavailable when the store cannot tell.
	Authenticate(ctx context.Context, a Attempt) (Identity, error)
}

// Rechecker is for connections that outlive their login and begin something new
// much later, such as another channel of SSH.
type Rechecker interface {
	// Recheck tells whether the account that id stands for could still log in from
	// remote, by its record of now; the credential is not looked at again. Its
	// errors are those of Authenticate.
	Recheck(ctx context.Context, protocol string, remote netip.Addr, id Identity) error
}

// Recorder takes note of how logins end: log, metrics, time of the last login.
//
// Authenticate does so itself for passwords. A public key is different: clients
// offer several, most of which are refused without anything being wrong, and one
// that is accepted still has to sign. So Authenticate only answers for keys, and
// the front-end calls LoggedIn once the signature is verified, or LoginFailed
// once when the client gives up. A front-end that turns a client away after a
// correct credential (too many sessions) calls LoginFailed as well.
type Recorder interface {
	// LoggedIn notes a login that succeeded.
	LoggedIn(ctx context.Context, a Attempt, id Identity)
	// LoginFailed notes one that did not. An attempt without a Credential stands
	// for a client that left without trying any.
	LoginFailed(ctx context.Context, a Attempt, err error)
}
