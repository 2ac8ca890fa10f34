// Package sshd is the SSH front-end: transport, login and channels. What runs in
// a channel is in its sub-packages sftp and scp.
package sshd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"sftpgo/protocols"
	"sftpgo/protocols/session"
	"sftpgo/protocols/sshd/command"
	"sftpgo/protocols/sshd/sftp"
	"sftpgo/protocols/waiting"
)

// Limits that no peer can change.
const (
	// loginTimeout is from the TCP connection to the end of the login.
	loginTimeout = 2 * time.Minute
	// maxWaiting and maxWaitingPerPeer cap the connections that are not logged in.
	maxWaiting        = 1000
	maxWaitingPerPeer = 50
	// maxChannels caps the channels of one connection; OpenSSH's clients share a
	// connection between ten sessions.
	maxChannels = 32
	// channelTimeout is from the opening of a channel to its command.
	channelTimeout = time.Minute
)

// Server is the SSH front-end. It is safe for concurrent use; one Server serves
// any number of listeners.
type Server struct {
	logins      Logins
	sessions    *session.Manager
	idle        time.Duration
	log         *slog.Logger
	password    bool
	interactive bool
	commands    map[string]command.Command // that clients may run
	ssh         ssh.ServerConfig           // copied for each connection
	waiting     *waiting.Room
	buffers     sync.Pool // of burstConn
	parts       sync.Pool // of joinedConn
	sftp        sftp.Server
}

var _ protocols.Server = (*Server)(nil)

// New makes a server: it loads the host keys, relative to configDir, or makes
// them. A connection in which nothing runs is closed after idle; 0 is never.
func New(cfg Config, logins Logins, sessions *session.Manager, idle time.Duration,
	version, configDir string, log *slog.Logger,
) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Server{
		logins: logins, sessions: sessions, idle: idle,
		log:         log.With("sender", "sshd"),
		password:    cfg.PasswordAuthentication,
		interactive: cfg.KeyboardInteractiveAuthentication,
		waiting:     waiting.NewRoom(maxWaiting, maxWaitingPerPeer),
	}
	var err error
	if s.ssh, err = cfg.transport(configDir, s.log); err != nil {
		return nil, err
	}
	s.ssh.ServerVersion = "SSH-2.0-" + cfg.Banner
	if cfg.Banner == "" {
		s.ssh.ServerVersion = "SSH-2.0-SFTPGo_" + version
	}
	if text := s.loginBanner(configDir, cfg.LoginBannerFile); text != "" {
		s.ssh.BannerCallback = func(ssh.ConnMetadata) string { return text }
	}
	s.enable(cfg.EnabledSSHCommands, commands(cfg.EnabledSSHCommands, s.log))
	return s, nil
}

// loginBanner reads the text shown before the login. Without it the server is
// as good as with it.
func (s *Server) loginBanner(dir, file string) string {
	if file == "" {
		return ""
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		s.log.Warn("login banner not shown", "error", err)
	}
	return string(text)
}

// Serve answers clients of l until ctx is done. Then it stops accepting, closes
// connections in which nothing runs, waits for the others (the session manager
// ends them) and returns nil.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	defer l.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	pause := time.Duration(0)
	for {
		nc, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			// Here, in the order of arrival: who is oldest must not depend on which
			// goroutine happens to run first.
			out := s.waiting.Enter(remoteOf(nc), func() { nc.Close() })
			wg.Go(func() {
				if c := s.admit(ctx, nc, out); c != nil {
					wg.Go(c.serve)
				}
			})
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept: %w", err)
		default:
			// Out of descriptors, or the client has gone already.
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			s.log.Warn("accept", "error", err)
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
	}
}
