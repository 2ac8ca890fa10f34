package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newUserUpdateCommand(open storeOpener) *cobra.Command {
	var asJSON bool
	flags := &userFlags{}
	cmd := &cobra.Command{
		Use:   "update NAME",
		Short: "Change an account",
		Long: `Change an account. Only what is given changes; a flag that holds a list replaces
the whole list, and one empty value empties it. With --from-json the keys of a
JSON object are put over the record. Sessions that are open keep the rules they
began with.`,
		Example: `  sftpgo user update alice --status disabled
  sftpgo user update alice --expires 2027-12-31 --quota-size 0
  echo '{"filters":{"denied_protocols":["FTP"]}}' | sftpgo user update alice --from-json -`,
		Args: oneArgument("the name of the account"),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the stored record as JSON")
	flags.register(cmd)
	cmd.RunE = runWithAccounts(open, func(cmd *cobra.Command, args []string, a *accounts) error {
		old, rev, err := a.get(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		u := old
		if err := flags.apply(cmd, &u); err != nil {
			return err
		}
		if u.Username != old.Username {
			return fmt.Errorf("the record names %q: an account cannot be renamed", u.Username)
		}
		u.ID = old.ID
		if _, err := a.put(cmd.Context(), u, rev); err != nil {
			return err
		}
		if !asJSON {
			fmt.Fprintf(cmd.OutOrStdout(), "updated %s\n", u.Username)
			return nil
		}
		shown, err := a.shown(cmd.Context(), u.Username)
		if err != nil {
			return err
		}
		return printJSON(cmd.OutOrStdout(), shown)
	})
	return cmd
}
