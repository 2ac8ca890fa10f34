package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/password"
)

// storeOpener opens the store that the configuration names, for one command. The
// command closes it.
type storeOpener func(ctx context.Context) (dataprovider.Store, dataprovider.Config, error)

// newUserCommand returns `sftpgo user` with its subcommands.
func newUserCommand(open storeOpener) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "user",
		Short: "Manage the accounts",
		Long: `Manage the accounts in the data store. A running server sees every change at the
next login. No secret is ever taken from the command line, where others could
read it: passwords come from standard input, from a prompt or are generated.`,
		Args: noArgument,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		newUserAddCommand(open),
		newUserListCommand(open),
		newUserShowCommand(open),
		newUserUpdateCommand(open),
		newUserDeleteCommand(open),
		newUserPasswdCommand(open),
	)
	for _, sub := range append(cmd.Commands(), cmd) {
		sub.SilenceUsage = true // one clear line tells what is wrong
	}
	return cmd
}

// accounts is what a user command works with.
type accounts struct {
	store  dataprovider.Store
	config dataprovider.Config
	hasher *password.Hasher
}

// runWithAccounts makes the RunE of a command: it opens the store, runs do and
// closes the store. An error is one line.
func runWithAccounts(open storeOpener, do func(cmd *cobra.Command, args []string, a *accounts) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		store, cfg, err := open(cmd.Context())
		if err != nil {
			return oneLine(err)
		}
		a := &accounts{store: store, config: cfg, hasher: password.NewHasher(cfg.PasswordHashing.Argon2Options)}
		err = a.refuseMemory()
		if err == nil {
			err = do(cmd, args, a)
		}
		return oneLine(errors.Join(err, store.Close()))
	}
}

// refuseMemory: what is done to a store in memory is gone when the command ends.
func (a *accounts) refuseMemory() error {
	if a.config.Driver != dataprovider.DriverMemory {
		return nil
	}
	return errors.New(`data_provider.driver is "memory": the accounts live in the serving process and nothing would be kept; ` +
		`set the driver to sqlite, or edit the dump that data_provider.name names and send SIGHUP to the server`)
}

func (a *accounts) get(ctx context.Context, name string) (dataprovider.User, dataprovider.Revision, error) {
	return a.store.Users().Get(ctx, name)
}

// put validates and stores. Revision 0 adds.
func (a *accounts) put(ctx context.Context, u dataprovider.User, rev dataprovider.Revision) (dataprovider.User, error) {
	u, err := u.Prepared(ctx, a.config.UsersBaseDir, a.hasher)
	if err != nil {
		return u, err
	}
	_, err = a.store.Users().Put(ctx, u, rev)
	return u, err
}

// shown reads a record back in the form that may be shown.
func (a *accounts) shown(ctx context.Context, name string) (dataprovider.User, error) {
	u, _, err := a.get(ctx, name)
	if err != nil {
		return u, err
	}
	return a.withUsage(ctx, u)
}

func (a *accounts) withUsage(ctx context.Context, u dataprovider.User) (dataprovider.User, error) {
	usage, err := a.store.Usage().Get(ctx, u.Username)
	if err != nil {
		return u, err
	}
	return u.Redacted().WithUsage(usage), nil
}

// lineError shows an error with several causes on one line.
type lineError struct{ error }

func oneLine(err error) error {
	if err == nil {
		return nil
	}
	return lineError{err}
}

func (e lineError) Error() string { return strings.ReplaceAll(e.error.Error(), "\n", "; ") }

func (e lineError) Unwrap() error { return e.error }
