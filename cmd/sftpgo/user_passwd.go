package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"sftpgo/dataprovider"
)

func newUserPasswdCommand(open storeOpener) *cobra.Command {
	secret := &passwordFlags{}
	cmd := &cobra.Command{
		Use:   "passwd NAME",
		Short: "Set the password of an account",
		Example: `  sftpgo user passwd alice
  sftpgo user passwd alice --generate-password
  sftpgo user passwd alice --password-stdin < secret.txt`,
		Args: oneArgument("the name of the account"),
	}
	secret.register(cmd)
	cmd.RunE = runWithAccounts(open, func(cmd *cobra.Command, args []string, a *accounts) error {
		u, rev, err := a.get(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		generated, err := secret.set(cmd, a.hasher, &u)
		if errors.Is(err, errNoPasswordGiven) {
			return fmt.Errorf("%w: use --password-stdin or --generate-password, or run it on a terminal to be asked", err)
		}
		if err != nil {
			return err
		}
		if _, err := a.put(cmd.Context(), u, rev); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "password of %s set\n", u.Username)
		printGenerated(cmd.OutOrStdout(), generated)
		if u.Status != dataprovider.StatusEnabled {
			fmt.Fprintf(cmd.ErrOrStderr(), "note: %s is disabled and cannot log in\n", u.Username)
		}
		return nil
	})
	return cmd
}
