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

var errNoTLS = errors.New("TLS is not available")

// GetSettings is asked once, before the greeting.
func (c *client) GetSettings() (*ftpserver.Settings, error) {
	s := &ftpserver.Settings{
		Listener:                &onceListener{conn: c.control},
		PublicHost:              c.srv.binding.ForcePassiveIP,
		IdleTimeout:             -1, // the session knows who is idle
		ConnectionTimeout:       dataWait,
		ActiveTransferPortNon20: c.srv.cfg.ActiveTransfersPortNon20,
		DisableActiveMode:       c.srv.cfg.DisableActiveMode,
		DefaultTransferType:     ftpserver.TransferTypeBinary,
		DisableASCIIConversion:  true, // bytes arrive as they left
		ActiveConnectionsCheck:  ftpserver.IPMatchRequired,
		PasvConnectionsCheck:    ftpserver.IPMatchRequired,
	}
	if r := c.srv.cfg.PassivePortRange; r.Start > 0 && r.End > r.Start {
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
func (c *client) PreAuthUser(ftpserver.ClientContext, string) error {
	if c.loggedIn() {
		return &refusal{503, "Already logged in"}
	}
	if c.srv.binding.TLSMode == tlsRequired && !c.control.isSecure() {
		return &refusal{421, "TLS is required"}
	}
	return nil
}

func (c *client) loggedIn() bool { return c.current() != nil }

// AuthUser is called for PASS.
func (c *client) AuthUser(cc ftpserver.ClientContext, user, pass string) (d ftpserver.ClientDriver, err error) {
	defer c.rescue("login", &err)
	if err := c.PreAuthUser(cc, user); err != nil {
		return nil, err
	}
	c.attempted = true
	attempt := auth.Attempt{
		Protocol: dataprovider.ProtocolFTP, Remote: c.remote, User: user, Credential: auth.Password(pass),
	}
	who, err := c.authenticate(attempt)
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

// GetTLSConfig is for data connections; those of a client use the same
// configuration as its control connection, so that they can resume its session.
func (c *client) GetTLSConfig() (*tls.Config, error) {
	if c.tls == nil {
		return nil, &refusal{ftpserver.StatusActionNotTaken, errNoTLS.Error()}
	}
	return c.tls, nil
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
	return passiveListener{Listener: l, c: c}, nil
}
