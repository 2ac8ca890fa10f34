package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newUserDeleteCommand(open storeOpener) *cobra.Command {
	return &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete an account; its files stay",
		Args:  oneArgument("the name of the account"),
		RunE: runWithAccounts(open, func(cmd *cobra.Command, args []string, a *accounts) error {
			u, _, err := a.get(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if err := a.store.Users().Delete(cmd.Context(), u.Username); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "deleted %s; the files in %s were kept\n", u.Username, u.HomeDir)
			return nil
		}),
	}
}
