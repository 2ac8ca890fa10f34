package sshd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"

	"golang.org/x/crypto/ssh"

	"sftpgo/dataprovider"
	"sftpgo/protocols/auth"
)

// Logins checks credentials and takes note of how logins end.
type Logins interface {
	auth.Authenticator
	auth.Rechecker
	auth.Recorder
}

var (
	errNoAttempt    = errors.New("client ended without a login attempt")
	errNoSignature  = errors.New("client offered a key and did not sign with it")
	errNoSecondStep = errors.New("client signed with a key and ended without the second step")
	errNotOffered   = fmt.Errorf("%w: the second step of the account is not offered by this server", auth.ErrRejected)
	errNoIdentity   = errors.New("login without identity")
)

// identityKey is where the identity travels in ssh.Permissions. The permissions
// that end up in the connection are those of the attempt that succeeded: for a
// public key, of the key that signed, never of one that was only offered.
type identityKey struct{}

// stepKey is where the first step of a login in two travels until the client has
// signed. Permissions with it never have an identity.
type stepKey struct{}

// login is the authentication of one connection.
type login struct {
	srv    *Server
	ctx    context.Context // ends with the login deadline
	tcp    net.Conn
	remote netip.Addr
	client string // the software that it says it is
	told   bool   // that a signature of the client is not taken

	user   string // as last given
	secret bool   // a password or dialogue was tried; Authenticate has noted how that ended
	key    auth.Attempt
	keyErr error // of the last key; nil: none was offered, or it led to what came after
}

// config returns the server's configuration with the callbacks of this login.
func (l *login) config() *ssh.ServerConfig {
	c := l.srv.ssh
	c.PublicKeyCallback = l.publicKey
	c.VerifiedPublicKeyCallback = l.signed
	first := l.callbacks([]string{dataprovider.LoginPassword, dataprovider.LoginKeyboardInteractive}, nil)
	c.PasswordCallback = first.PasswordCallback
	c.KeyboardInteractiveCallback = first.KeyboardInteractiveCallback
	c.AuthLogCallback = func(meta ssh.ConnMetadata, _ string, err error) {
		l.user = meta.User()
		l.unsigned(err)
	}
	return &c
}

// callbacks returns those of the methods that the server offers, for a login that
// begins or that goes on after a first step.
func (l *login) callbacks(methods []string, first *auth.Incomplete) ssh.ServerAuthCallbacks {
	var c ssh.ServerAuthCallbacks
	for _, method := range methods {
		switch {
		case method == dataprovider.LoginPassword && l.srv.password:
			c.PasswordCallback = func(meta ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
				return l.try(meta, auth.Password(password), first)
			}
		case method == dataprovider.LoginKeyboardInteractive && l.srv.interactive:
			c.KeyboardInteractiveCallback = func(meta ssh.ConnMetadata, challenge ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
				return l.try(meta, l.dialogue(challenge), first)
			}
		}
	}
	return c
}

// publicKey is asked for each key that the client offers, before and without a
// proof that it has the private part. It looks up and does nothing else.
func (l *login) publicKey(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	l.key = l.attempt(meta, auth.PublicKey(key.Marshal()))
	id, err := l.srv.logins.Authenticate(l.ctx, l.key)
	var first *auth.Incomplete
	if errors.As(err, &first) {
		if err = l.offers(first); err == nil {
			l.keyErr = errNoSignature
			return &ssh.Permissions{ExtraData: map[any]any{stepKey{}: first}}, nil
		}
	}
	if err != nil {
		l.keyErr = err
		return nil, err
	}
	l.keyErr = errNoSignature
	return permissions(id), nil
}

// offers tells whether the client could take the second step here.
func (l *login) offers(first *auth.Incomplete) error {
	if next := l.callbacks(first.Next, first); next.PasswordCallback == nil && next.KeyboardInteractiveCallback == nil {
		return errNotOffered
	}
	return nil
}

// signed is called when the client has proved that it has the key; p is what
// publicKey returned for it.
func (l *login) signed(meta ssh.ConnMetadata, key ssh.PublicKey, p *ssh.Permissions, _ string) (*ssh.Permissions, error) {
	a := l.attempt(meta, auth.PublicKey(key.Marshal()))
	if p != nil {
		if first, ok := p.ExtraData[stepKey{}].(*auth.Incomplete); ok {
			l.key, l.keyErr = a, errNoSecondStep
			return nil, &ssh.PartialSuccessError{Next: l.callbacks(first.Next, first)}
		}
	}
	id, err := identity(p)
	if err == nil && id.User.Username != meta.User() {
		err = errNoIdentity // what was offered under another name
	}
	if err != nil {
		return nil, err
	}
	l.srv.logins.LoggedIn(l.ctx, a, id)
	return p, nil
}

// try checks a password or dialogue, alone or after a first step.
func (l *login) try(meta ssh.ConnMetadata, c auth.Credential, first *auth.Incomplete) (*ssh.Permissions, error) {
	l.secret = true
	a := l.attempt(meta, c)
	if a.First = first; first != nil {
		l.keyErr = nil
	}
	id, err := l.srv.logins.Authenticate(l.ctx, a)
	if err != nil {
		return nil, err
	}
	return permissions(id), nil
}

// dialogue is the credential of keyboard-interactive. The library cannot stop
// waiting for an answer, so a dialogue that takes too long ends the connection.
func (l *login) dialogue(challenge ssh.KeyboardInteractiveChallenge) auth.Dialogue {
	return func(ctx context.Context, instruction string, questions []auth.Question) ([]string, error) {
		texts, echos := make([]string, len(questions)), make([]bool, len(questions))
		for i, q := range questions {
			texts[i], echos[i] = q.Text, q.Echo
		}
		defer context.AfterFunc(ctx, func() { l.tcp.Close() })()
		return challenge("", instruction, texts, echos)
	}
}

func (l *login) attempt(meta ssh.ConnMetadata, c auth.Credential) auth.Attempt {
	return auth.Attempt{Protocol: dataprovider.ProtocolSSH, Remote: l.remote, User: meta.User(), Credential: c}
}

func permissions(id auth.Identity) *ssh.Permissions {
	return &ssh.Permissions{ExtraData: map[any]any{identityKey{}: id}}
}

// identity returns who has logged in. Without a proof there is nobody.
func identity(p *ssh.Permissions) (auth.Identity, error) {
	if p != nil {
		if id, ok := p.ExtraData[identityKey{}].(auth.Identity); ok {
			return id, nil
		}
	}
	return auth.Identity{}, errNoIdentity
}

// failed takes note of a connection that did not come to a login. Of the keys
// that were refused only the last one counts: offering several is normal.
func (l *login) failed(err error) {
	var unauthenticated *ssh.ServerAuthError
	var negotiation *ssh.AlgorithmNegotiationError
	switch {
	case l.keyErr != nil:
		l.srv.logins.LoginFailed(l.ctx, l.key, l.keyErr)
	case l.secret:
	case errors.As(err, &unauthenticated):
		l.srv.logins.LoginFailed(l.ctx, auth.Attempt{Protocol: dataprovider.ProtocolSSH, Remote: l.remote, User: l.user}, errNoAttempt)
	case errors.As(err, &negotiation):
		// What an old device needs is worth knowing to whoever runs the server.
		l.srv.log.LogAttrs(l.ctx, slog.LevelWarn, "no common algorithm with the client", append([]slog.Attr{
			slog.String("client_ip", l.remote.String()), slog.String("client", l.client),
		}, mismatch(negotiation)...)...)
		return
	}
	l.srv.log.Debug("connection ended before login", "client_ip", l.remote.String(), "error", err)
}

// welcome logs what was negotiated.
func (l *login) welcome(conn *ssh.ServerConn, id auth.Identity) {
	attrs := []slog.Attr{
		slog.String("client_ip", l.remote.String()),
		slog.String("username", id.User.Username),
		slog.String("method", id.Method),
		slog.String("client", string(conn.ClientVersion())),
	}
	if m, ok := conn.Conn.(ssh.AlgorithmsConnMetadata); ok {
		a := m.Algorithms()
		attrs = append(attrs, slog.String("kex", a.KeyExchange), slog.String("host_key", a.HostKey),
			slog.String("cipher_in", a.Read.Cipher), slog.String("mac_in", a.Read.MAC),
			slog.String("cipher_out", a.Write.Cipher), slog.String("mac_out", a.Write.MAC))
	}
	l.srv.log.LogAttrs(l.ctx, slog.LevelInfo, "client logged in", attrs...)
}
