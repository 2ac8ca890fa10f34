package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"sftpgo/dataprovider"
)

func newUserAddCommand(open storeOpener) *cobra.Command {
	var username string
	var asJSON bool
	flags := &userFlags{}
	secret := &passwordFlags{}
	cmd := &cobra.Command{
		Use:   "add [NAME]",
		Short: "Add an account",
		Long: `Add an account. Without --permissions it may do everything below its home.
With --from-json the whole record comes from a file or standard input, in the
form that "user show --json" prints, plus password; the other flags are put over
it.`,
		Example: `  sftpgo user add alice --generate-password --quota-size 10GiB
  echo "$PASSWORD" | sftpgo user add bob --password-stdin --permissions /=list,download --permissions '/in=*'
  sftpgo user add carol --public-key ~/.ssh/id_ed25519.pub --home /srv/carol`,
		Args: cobra.MaximumNArgs(1),
	}
	cmd.Flags().StringVarP(&username, "username", "u", "", "name of the account; the same as NAME")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the stored record as JSON")
	flags.register(cmd)
	secret.register(cmd)
	cmd.RunE = runWithAccounts(open, func(cmd *cobra.Command, args []string, a *accounts) error {
		u, err := newRecord(cmd, flags, append(args, username))
		if err != nil {
			return err
		}
		generated, err := secret.fill(cmd, a.hasher, &u)
		if err != nil {
			return err
		}
		stored, err := a.put(cmd.Context(), u, 0)
		if err != nil {
			return err
		}
		if stored.Status == dataprovider.StatusDisabled && !cmd.Flags().Changed("status") {
			fmt.Fprintf(cmd.ErrOrStderr(), "note: %s has status 0 and cannot log in\n", stored.Username)
		}
		return a.printAdded(cmd, stored, generated, asJSON)
	})
	return cmd
}

// newRecord puts the flags over the record from JSON, or over the defaults.
func newRecord(cmd *cobra.Command, flags *userFlags, names []string) (dataprovider.User, error) {
	u := dataprovider.User{
		Status:      dataprovider.StatusEnabled,
		Permissions: map[string][]string{"/": {dataprovider.PermAny}},
	}
	if flags.fromJSON != "" {
		// In a record, as everywhere it is exchanged, a missing status is 0.
		u = dataprovider.User{}
	}
	if err := flags.apply(cmd, &u); err != nil {
		return u, err
	}
	for _, name := range names {
		if name == "" {
			continue
		}
		if u.Username != "" && u.Username != name {
			return u, fmt.Errorf("two names are given: %q and %q", u.Username, name)
		}
		u.Username = name
	}
	if u.Username == "" {
		return u, errors.New("the name of the account is missing")
	}
	u.ID = 0
	return u, nil
}

func (a *accounts) printAdded(cmd *cobra.Command, u dataprovider.User, generated string, asJSON bool) error {
	if asJSON {
		shown, err := a.shown(cmd.Context(), u.Username)
		if err != nil {
			return err
		}
		shown.Password = generated // absent if there is none
		return printJSON(cmd.OutOrStdout(), shown)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "added %s, home %s\n", u.Username, u.HomeDir)
	printGenerated(cmd.OutOrStdout(), generated)
	return nil
}
