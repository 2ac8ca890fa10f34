package sshd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"

	"sftpgo/dataprovider"
	"sftpgo/protocols"
	"sftpgo/protocols/auth"
	"sftpgo/protocols/session"
	"sftpgo/protocols/sshd/sftp"
)

// program is what a channel runs once its client is told that it may begin. ctx
// ends when the client has closed the channel or is gone. It returns the exit
// status.
type program func(ctx context.Context) uint32

// channel serves one channel to its end.
func (c *connection) channel(open ssh.NewChannel, n int) {
	defer c.leave()
	defer c.srv.contain("channel")
	ch, requests, err := open.Accept()
	if err != nil {
		return // the connection has ended
	}
	st := newStream(ch, func() { c.tcp.Close() })
	p := c.start(st, requests, n)
	if p == nil {
		ch.Close()
		ssh.DiscardRequests(requests)
		return
	}
	// What runs may go on when the server stops; the session manager ends it.
	ctx, cancel := context.WithCancel(context.WithoutCancel(c.ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cancel()
		st.attend(requests)
	}()
	c.execute(ctx, st, p)
	// The channel counts until the client has closed its side too: only then the
	// transport forgets it.
	<-done
	if st.isEvicted() {
		c.closeUnused()
	}
}

// execute runs p and ends the channel the way RFC 4254, 6.10 wants it.
func (c *connection) execute(ctx context.Context, ch *stream, p program) {
	c.run(1)
	defer c.run(-1)
	defer ch.Close()
	defer c.srv.contain("channel")
	status := p(ctx)
	// An error means that the connection has ended.
	_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
}

// start waits for the request that says what to run. It returns nil when none
// comes.
func (c *connection) start(ch *stream, requests <-chan *ssh.Request, n int) program {
	timer := time.AfterFunc(channelTimeout, func() { ch.Close() })
	defer timer.Stop()
	terminal := false // refused, as by OpenSSH: clients go on without
	for req := range requests {
		var p program
		switch req.Type {
		case "subsystem":
			p = c.subsystem(ch, req.Payload, n)
		case "pty-req":
			terminal = true
		case "exec":
			p = c.exec(ch, req.Payload, n)
		case "shell":
			p = c.shell(ch, n, terminal)
		}
		if req.WantReply {
			if err := req.Reply(p != nil, nil); err != nil {
				p = nil
			}
		}
		if p != nil {
			return p
		}
	}
	return nil
}

func (c *connection) subsystem(ch *stream, payload []byte, n int) program {
	var request struct{ Name string }
	if err := ssh.Unmarshal(payload, &request); err != nil || request.Name != "sftp" {
		return nil
	}
	if !admits(c.identity, sftpCommand) {
		return c.refuse(ch, textForced)
	}
	return func(ctx context.Context) uint32 {
		s := c.open(ch, protocols.SFTP, n)
		if s == nil {
			return 1
		}
		defer s.Close()
		if err := c.srv.sftp.Serve(ctx, ch.Channel, s, string(c.ssh.ClientVersion())); err != nil {
			if errors.Is(err, sftp.ErrPacket) {
				s.Log().Warn("session ended: the client broke the protocol", "error", err)
			} else {
				s.Log().Debug("connection lost", "error", err)
			}
			return 1
		}
		return 0
	}
}

// open starts a session, or tells the client why not.
func (c *connection) open(ch *stream, protocol string, n int) *session.Session {
	id := fmt.Sprintf("%s_%x_%d", protocol, c.ssh.SessionID(), n)
	var s *session.Session
	err := errPanic
	// The store needs a deep stack, and the channel is there for long.
	c.srv.aside(func() { s, err = c.session(ch, protocol, id) })
	if err == nil {
		return s
	}
	c.srv.log.Warn("no session", "connection_id", id, "username", c.identity.User.Username,
		"client_ip", c.remote.String(), "error", err)
	text := protocols.StatusOf(err).Text
	if errors.Is(err, auth.ErrRejected) {
		text = "login refused"
	}
	c.tell(ch, text+"\n")
	return nil
}

// session opens one for the user of the connection. The login may be long ago, and
// the account closed since.
func (c *connection) session(ch *stream, protocol, id string) (*session.Session, error) {
	if err := c.srv.logins.Recheck(c.ctx, dataprovider.ProtocolSSH, c.remote, c.identity); err != nil {
		return nil, err
	}
	return c.srv.sessions.Open(c.ctx, c.identity.User, session.Peer{
		Protocol: protocol, ID: id, Remote: c.remote, Method: c.identity.Method,
		Disconnect: func() { c.disconnect(ch) },
	})
}
