package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/protocols"
	"sftpgo/protocols/auth"
	"sftpgo/protocols/session"
	"sftpgo/protocols/sshd"
)

// subsystem is one SFTP session on standard input and output.
type subsystem struct {
	username string
	spools   []*spool // the first is that of the session
	log      *slog.Logger
	stop     func(ctx context.Context, grace time.Duration) // ends the deliveries
}

// run serves the client until it ends the stream, which is nil, or ctx is done.
// What it was uploading then has failed, and the hooks are told so.
func (s *subsystem) run(ctx context.Context, rw io.ReadWriteCloser) error {
	s.stop = deliver(s.spools)
	core := s.spools[0].server
	if err := s.count(ctx, core); err != nil {
		return err
	}
	client, err := s.open(ctx, core, rw)
	if err != nil {
		return err
	}
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	housekeeping := make(chan struct{})
	go func() {
		defer close(housekeeping)
		core.sessions.Run(background)
	}()
	served := make(chan error, 1)
	go func() { served <- sshd.ServeSubsystem(rw, client) }()
	select {
	case err = <-served:
	case <-ctx.Done():
		err = fmt.Errorf("ended: %w", context.Cause(ctx))
		_ = client.Close() // outcomes are recorded, and logged there
		_ = rw.Close()     // nobody reads any more
		select {
		case <-served:
		case <-time.After(time.Second): // a terminal: its reads cannot be interrupted
		}
	}
	err = errors.Join(err, client.Close())
	cancel()
	<-housekeeping
	over, end := context.WithCancel(context.WithoutCancel(ctx))
	end()
	core.sessions.Shutdown(over) // records what the store did not take at once
	return err
}

// open starts the session: sshd has proved who the client is, the record still has
// to allow it.
func (s *subsystem) open(ctx context.Context, core *server, rw io.Closer) (*session.Session, error) {
	u, rev, err := core.store.Users().Get(ctx, s.username)
	if err != nil {
		return nil, err
	}
	method, err := sshMethod(os.Getenv)
	if err != nil {
		s.log.Warn("login method not known", "error", err)
	}
	remote := sshClient(os.Getenv)
	id := auth.Identity{User: u, Revision: rev, Method: method}
	if err := core.logins.Recheck(ctx, dataprovider.ProtocolSSH, remote, id); err != nil {
		return nil, err
	}
	client, err := core.sessions.Open(ctx, u, session.Peer{
		Protocol: protocols.SFTP, ID: protocols.SFTP + "_" + rand.Text() + "_0", Remote: remote, Method: method,
		Disconnect: func() { rw.Close() },
	})
	if err != nil {
		return nil, err
	}
	core.logins.LoggedIn(ctx, auth.Attempt{Protocol: dataprovider.ProtocolSSH, Remote: remote, User: s.username}, id)
	return client, nil
}

// count counts the files of a user with a quota: no other process keeps account
// of them for this one.
func (s *subsystem) count(ctx context.Context, core *server) error {
	u, _, err := core.store.Users().Get(ctx, s.username)
	if err != nil || u.QuotaFiles == 0 && u.QuotaSize == 0 {
		return err
	}
	_, err = core.sessions.Scan(ctx, s.username)
	return err
}

// close ends the deliveries, up to the grace time, and closes the spools.
func (s *subsystem) close(ctx context.Context, grace time.Duration) error {
	if s.stop != nil {
		s.stop(ctx, grace)
	}
	var errs []error
	for _, sp := range s.spools {
		errs = append(errs, sp.hooks.Close(), sp.close(ctx))
	}
	return errors.Join(errs...)
}
