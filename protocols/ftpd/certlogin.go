package ftpd

import (
	"crypto/tls"

	"sftpgo/dataprovider"
	"sftpgo/protocols/auth"
)

// commonName is that of the client certificate that the control connection was
// made with, verified; "" if there is none.
func (t *control) commonName() string {
	conn, ok := (*t.stream.Load()).(*tls.Conn)
	if !ok {
		return ""
	}
	state := conn.ConnectionState() // the handshake is over: a command was read
	if len(state.VerifiedChains) == 0 {
		return ""
	}
	return state.PeerCertificates[0].Subject.CommonName
}

// user takes USER. A client whose certificate suffices gets 230 (RFC 2228, section
// 3). The library knows one way to log in only, so it is given a password that the
// client did not send, and its question for one stays here. Whatever else the
// certificate amounts to, the answer is the same as without one.
func (t *control) user(name string, line []byte) []byte {
	t.c.proven = nil
	cn := t.commonName()
	if cn == "" {
		return line
	}
	id, err := t.c.authenticate(auth.Attempt{
		Protocol: dataprovider.ProtocolFTP, Remote: t.c.remote, User: name,
		Credential: auth.Certificate{}, CommonName: cn,
	})
	if err != nil {
		t.c.log.Debug("the client certificate does not suffice", "error", err)
		return line
	}
	t.c.proven = &id
	t.suppress(331)
	return append(line[:len(line):len(line)], "PASS\r\n"...)
}
