// Package auth turns a login attempt into an identity, or refuses it. An
// identity is the result of a verified proof and never changes afterwards.
package auth

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"sftpgo/dataprovider"
)

// ErrRejected is the one answer to every failed login, whatever the reason:
// unknown user, wrong credential, disabled account. The wrapped reason is for
// the log only and never goes to a client.
var ErrRejected = errors.New("login refused")

// ErrBusy: more logins are being checked than the machine can take, and the
// attempt was not looked at. It is a dataprovider.ErrUnavailable, not held
// against the client.
var ErrBusy = fmt.Errorf("too many logins are being checked: %w", dataprovider.ErrUnavailable)

// Attempt is one try to log in.
type Attempt struct {
	Protocol   string // dataprovider.ProtocolSSH, ProtocolFTP or ProtocolDAV
	Remote     netip.Addr
	User       string
	Credential Credential
	// CommonName is that of the client certificate which TLS has verified, for
	// attempts with a Password or a Certificate; empty if there is none.
	CommonName string
	// First is the step that this attempt completes, of a login in two steps; nil
	// in all others.
	First *Incomplete
}

// Method returns the name of the method, as filters, logs and hooks use it.
func (a Attempt) Method() string {
	method := LoginMethod(a.Credential)
	if a.First != nil {
		return dataprovider.LoginPublicKey + "+" + method
	}
	return method
}

// Credential is a Password, a PublicKey, a Certificate or a Dialogue.
type Credential interface{ method() string }

// Password is a plain password as the client sent it.
type Password string

// PublicKey is the blob of a key or a certificate in SSH wire format.
// Authenticate tells whether the account may log in with it; that the client
// holds the private part is proved by the signature, which the SSH transport
// verifies afterwards.
type PublicKey []byte

// Certificate is the client certificate of Attempt.CommonName alone. It is for
// accounts whose tls_username is CommonName; with a Password the same certificate is
// a second proof, which such an account demands of clients that have one.
type Certificate struct{}

// Dialogue puts questions to the client and returns as many answers. What it
// shows goes to the client as it is.
type Dialogue func(ctx context.Context, instruction string, questions []Question) (answers []string, err error)

// Question is one of a Dialogue.
type Question struct {
	Text string
	Echo bool // the answer may be seen while it is typed
}

func (Password) method() string  { return dataprovider.LoginPassword }
func (PublicKey) method() string { return dataprovider.LoginPublicKey }
func (Dialogue) method() string  { return dataprovider.LoginKeyboardInteractive }

func (Certificate) method() string { return dataprovider.LoginTLSCertificate }

// LoginMethod returns the name of the method that a credential alone stands for.
func LoginMethod(c Credential) string {
	if c == nil {
		return methodNone
	}
	return c.method()
}

// methodNone is spelled as log filters expect it.
const methodNone = "no_auth_tryed"

// Identity is a user who proved who they are. It is immutable.
type Identity struct {
	User     dataprovider.User // as of the login
	Revision dataprovider.Revision
	Method   string // login method, as filters and hooks name it
	// Key is how logs name the key or certificate that the client has; empty if
	// there is none.
	Key string
	// ForceCommand is the one command that the certificate admits; empty: any.
	ForceCommand string
}

// Incomplete is the error of Authenticate for a key that is right and does not
// suffice. It goes into Attempt.First of the second step, once the client has
// signed with the key. It is not an ErrRejected.
type Incomplete struct {
	// Next are the second steps that would do: dataprovider.LoginPassword,
	// LoginKeyboardInteractive.
	Next []string

	user string
	id   int64 // of the account
	key  PublicKey
}

func (*Incomplete) Error() string { return "a second step of the login is needed" }

// Authenticator checks attempts against the data provider.
type Authenticator interface {
	// Authenticate returns the identity, or an error that wraps ErrRejected, or
	// dataprovider.ErrUnavailable when the store cannot tell, or is *Incomplete.
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
// Authenticate does so itself for passwords and dialogues. A public key is
// different: clients offer several, most of which are refused without anything
// being wrong, and one that is accepted still has to sign. A certificate alone is
// tried before anybody knows whether a password will follow. So Authenticate only
// answers for these, and the front-end calls LoggedIn once the signature is
// verified, or LoginFailed once when the client gives up. A front-end that turns
// a client away after a correct credential (too many sessions) calls LoginFailed
// as well.
type Recorder interface {
	// LoggedIn notes a login that succeeded.
	LoggedIn(ctx context.Context, a Attempt, id Identity)
	// LoginFailed notes one that did not. An attempt without a Credential stands
	// for a client that left without trying any.
	LoginFailed(ctx context.Context, a Attempt, err error)
}
