package ftpd

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"github.com/fclairamb/ftpserverlib"

	"sftpgo/dataprovider"
	"sftpgo/protocols"
	"sftpgo/protocols/auth"
	"sftpgo/protocols/session"
)

// dataWait is how long, in seconds, the library waits for a data connection.
const dataWait = 20

var (
	_ ftpserver.MainDriver                         = (*client)(nil)
	_ ftpserver.MainDriverExtensionUserVerifier    = (*client)(nil)
	_ ftpserver.MainDriverExtensionPostAuthMessage = (*client)(nil)
	_ ftpserver.MainDriverExtensionPassiveWrapper  = (*client)(nil)
)

// GetSettings is asked once, before the greeting.
func (c *client) GetSettings() (*ftpserver.Settings, error) {
	s := &ftpserver.Settings{
		Listener:                &onceListener{conn: c.control},
		PublicIPResolver:        c.passiveAddress,
		IdleTimeout:             -1, // the session knows who is idle
		ConnectionTimeout:       dataWait,
		ActiveTransferPortNon20: c.srv.cfg.ActiveTransfersPortNon20,
		DisableActiveMode:       c.srv.cfg.DisableActiveMode,
		DefaultTransferType:     ftpserver.TransferTypeBinary,
		DisableASCIIConversion:  true, // bytes arrive as they left
		ActiveConnectionsCheck:  ftpserver.IPMatchRequired,
		PasvConnectionsCheck:    ftpserver.IPMatchRequired,
	}
	if c.srv.binding.PassiveConnectionsSecurity == passiveFromAnywhere {
		s.PasvConnectionsCheck = ftpserver.IPMatchDisabled
	}
	if r := c.srv.cfg.PassivePortRange; r.used() {
		s.PassiveTransferPortRange = ftpserver.PortRange{Start: r.Start, End: r.End}
	}
	if c.srv.binding.TLSMode == tlsImplicit {
		s.TLSRequired = ftpserver.ImplicitEncryption
	}
	return s, nil
}

// ClientConnected returns the greeting.
func (c *client) ClientConnected(cc ftpserver.ClientContext) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cc = cc
	return c.srv.banner, nil
}

// ClientDisconnected is called when the last command has been read.
func (c *client) ClientDisconnected(ftpserver.ClientContext) {
	c.hangup.Lock()
	defer c.hangup.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cc = nil
	c.gone = true
	if c.passive != nil {
		_ = c.passive.Close() // closed before is fine
	}
	if c.calls == 0 {
		close(c.quiet)
	}
	close(c.ended)
}

// PreAuthUser is called for USER. It answers what the library cannot know,
// because control has taken the TLS handshake from it.
func (c *client) PreAuthUser(cc ftpserver.ClientContext, _ string) error {
	c.logout(cc)
	if c.srv.binding.TLSMode == tlsRequired && !c.control.isSecure() {
		return &refusal{421, "TLS is required"}
	}
	return nil
}

func (c *client) loggedIn() bool { return c.current() != nil }

// logout ends the session of a client that begins to log in anew (RFC 959, 4.1.1:
// USER at any point). The library has waited for its transfers.
func (c *client) logout(cc ftpserver.ClientContext) {
	if !c.loggedIn() {
		return
	}
	c.closeSession()
	c.mu.Lock()
	c.session = nil
	c.mu.Unlock()
	c.control.limitLogin()
	cc.SetPath("/")
}

// AuthUser is called for PASS.
func (c *client) AuthUser(cc ftpserver.ClientContext, user, pass string) (d ftpserver.ClientDriver, err error) {
	defer c.rescue("login", &err)
	if err := c.PreAuthUser(cc, user); err != nil { // control lets nobody here who has logged in
		return nil, err
	}
	c.attempted = true
	attempt := auth.Attempt{
		Protocol: dataprovider.ProtocolFTP, Remote: c.remote, User: user, Credential: auth.Password(pass),
		CommonName: c.control.commonName(),
	}
	if c.proven != nil {
		attempt.Credential = auth.Certificate{}
	}
	who, err := c.prove(attempt)
	if err != nil {
		return nil, loginRefusal(err)
	}
	s, err := c.srv.sessions.Open(c.ctx, who.User, session.Peer{
		Protocol:   protocols.FTP,
		ID:         c.id,
		Remote:     c.remote,
		Method:     who.Method,
		Disconnect: c.disconnect,
	})
	if err != nil {
		c.srv.logins.LoginFailed(c.ctx, attempt, err)
		return nil, loginRefusal(err)
	}
	if c.srv.binding.TLSMode == tlsRequired {
		err = cc.SetTLSRequirement(ftpserver.MandatoryEncryption) // of data connections
	}
	c.mu.Lock()
	c.session = s // closed at the end of the client
	c.mu.Unlock()
	if err != nil {
		return nil, refuse(err)
	}
	c.out()
	c.control.keep()
	c.log.Debug("logged in", "username", user, "tls", c.control.isSecure())
	return &driver{c: c, s: s}, nil
}

// prove is authenticate, unless the certificate of the client was enough.
func (c *client) prove(a auth.Attempt) (auth.Identity, error) {
	if who := c.proven; who != nil {
		c.proven = nil
		c.srv.logins.LoggedIn(c.ctx, a, *who)
		return *who, nil
	}
	return c.authenticate(a)
}

// authenticate does not go on for a client that has been sent away, nor for ever:
// hashes are dear, and others wait for theirs.
func (c *client) authenticate(a auth.Attempt) (auth.Identity, error) {
	ctx, cancel := context.WithTimeout(c.ctx, loginTime)
	defer cancel()
	return c.srv.logins.Authenticate(ctx, a)
}

// loginRefusal is one text for every wrong credential, and one more for each
// reason that says nothing about the account to a stranger.
func loginRefusal(err error) error {
	if errors.Is(err, auth.ErrRejected) {
		return &refusal{ftpserver.StatusNotLoggedIn, "Authentication error"}
	}
	return &refusal{ftpserver.StatusServiceNotAvailable, protocols.StatusOf(err).Text}
}

// PostAuthMessage is the text of the reply to PASS; "" is the library's own.
func (c *client) PostAuthMessage(_ ftpserver.ClientContext, _ string, err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

// GetTLSConfig is for data connections, which can resume the session of the
// control connection, or have to.
func (c *client) GetTLSConfig() (*tls.Config, error) { return c.tls.data, nil }

// passiveAddress is what the library shows in the reply to PASV.
func (c *client) passiveAddress(ftpserver.ClientContext) (string, error) {
	addr, err := c.srv.binding.passiveAddress(c.ctx, c.remote, addressOf(c.control.LocalAddr()))
	if err != nil {
		c.log.Warn("PASV refused", "error", err)
		return "", &refusal{ftpserver.StatusCannotOpenDataConnection, "PASV has no address for you, use EPSV"}
	}
	return addr.String(), nil
}

// WrapPassiveListener keeps the listener, because the library forgets it when
// PORT follows PASV, or when its address cannot be told.
func (c *client) WrapPassiveListener(l net.Listener) (net.Listener, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.passive != nil {
		_ = c.passive.Close() // closed before is fine
		c.passive = nil
	}
	if c.gone {
		_ = l.Close() // never used
		return nil, refuse(session.ErrClosed)
	}
	c.passive = l
	secure := c.srv.binding.TLSMode == tlsImplicit || c.cc != nil && c.cc.HasTLSForTransfers()
	return passiveListener{Listener: l, c: c, secure: secure}, nil
}
