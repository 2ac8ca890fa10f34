package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"sftpgo/actions"
	"sftpgo/actions/execsink"
	"sftpgo/actions/format"
	"sftpgo/actions/httpsink"
	"sftpgo/actions/outbox"
	"sftpgo/dataprovider"
)

// addHooks makes the receivers of events and what delivers to them.
func (s *server) addHooks(dir string) error {
	// Another server may be the one that delivers, and its clients do not wait here.
	if peers, ok := s.store.(dataprovider.Peers); ok && peers.Orphans() != nil && len(s.cfg.Common.Actions.SyncKinds()) > 0 {
		return errors.New("common.actions.execute_sync needs a data store of one server, not one that several may share; " +
			"verify in the section hooks works with any")
	}
	client, err := httpsink.NewClient(s.cfg.HTTP, dir)
	if err != nil {
		return fmt.Errorf("http: %w", err)
	}
	s.http = client
	settings := outbox.DefaultConfig().WithEvents(s.cfg.Events)
	if s.hooks, err = outbox.NewHooks(s.cfg.Common.Actions, s.cfg.Hooks, transports(client, s.cfg.Common.Actions, s.log), settings, s.log); err != nil {
		return err
	}
	open := func(hook string) (outbox.Receiver, error) { return openUserHook(client, hook) }
	if err := s.hooks.AddUsers(s.cfg.DataProvider.Actions, open, settings, s.log); err != nil {
		return err
	}
	s.events, err = outbox.New(s.store.Outbox(), s.hooks, s.metrics, s.log, settings)
	return err
}

// summary says which hooks there are, one line for each.
func (s *server) summary() []string {
	if len(s.hooks.Summary) > 0 {
		return s.hooks.Summary
	}
	actions := s.cfg.Common.Actions
	switch {
	case len(actions.ExecuteOn) > 0:
		return []string{"no hook (common.actions.hook is empty)"}
	case actions.Hook != "":
		return []string{"no hook (common.actions.execute_on is empty)"}
	}
	return []string{"no hook"}
}

// transports are the ways to receivers. common.actions gets exactly what its
// contract says; entries of the list may differ.
func transports(client *httpsink.Client, section actions.Config, log *slog.Logger) outbox.Transports {
	contract := format.SFTPGo{Extended: section.Extended}
	return outbox.Transports{
		Program: func(path string) (outbox.Receiver, error) {
			return execsink.New(path, contract, execsink.DefaultConfig())
		},
		Endpoint: func(url string) (outbox.Receiver, error) {
			return httpsink.New(client, url, contract, httpsink.Options{})
		},
		Entry: func(h actions.Hook) (outbox.Receiver, error) { return openHook(client, h, log) },
	}
}

// userHookLimit is how long a program may take that hears of a change of an account.
const userHookLimit = 15 * time.Second

// openUserHook makes the receiver of data_provider.actions.
func openUserHook(client *httpsink.Client, hook string) (outbox.Receiver, error) {
	if (actions.UserConfig{Hook: hook}).HookIsURL() {
		return httpsink.New(client, hook, format.UserAction{}, httpsink.Options{})
	}
	cfg := execsink.DefaultConfig()
	cfg.Timeout = userHookLimit
	return execsink.New(hook, format.UserAction{}, cfg)
}

// openHook makes the receiver of an entry of the list.
func openHook(client *httpsink.Client, h actions.Hook, log *slog.Logger) (outbox.Receiver, error) {
	dialect, err := format.New(h.Dialect())
	if err != nil {
		return nil, err
	}
	f := seen{dialect, h}
	if h.IsBroker() {
		return openBroker(h, f, log)
	}
	if h.IsURL() {
		keys := make([][]byte, len(h.Secrets))
		for i, secret := range h.Secrets {
			if keys[i], err = actions.DecodeSecret(secret); err != nil {
				return nil, fmt.Errorf("secrets.%d: %w", i, err)
			}
		}
		return httpsink.New(client, h.Target, f, httpsink.Options{Timeout: h.Limit(), Keys: keys, Proxied: h.ProxyHeaders})
	}
	cfg := execsink.DefaultConfig()
	cfg.Stdin = execsink.StdinBody
	if h.Timeout > 0 {
		cfg.Timeout = h.Limit()
	}
	if h.Environment == actions.EnvironmentClean {
		cfg.Inherit = execsink.CleanEnvironment(os.Environ())
	}
	if h.Missing == actions.MissingIgnore {
		cfg.Missing = execsink.MissingAccepts
	}
	if execsink.IsDirectory(h.Target) {
		return execsink.NewDirectory(h.Target, f, cfg)
	}
	return execsink.New(h.Target, f, cfg)
}

// seen renders what a hook may know of an event.
type seen struct {
	actions.Format
	hook actions.Hook
}

// Render implements actions.Format.
func (s seen) Render(e *actions.Event) (actions.Call, error) { return s.Format.Render(s.hook.View(e)) }
