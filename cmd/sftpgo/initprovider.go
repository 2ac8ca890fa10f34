package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"sftpgo/config"
	"sftpgo/dataprovider"
)

// newInitProviderCommand makes the command that creates or updates the data
// store, for installations where the server may not (update_mode 1).
func newInitProviderCommand() *cobra.Command {
	var flags configFlags
	cmd := &cobra.Command{
		Use:   "initprovider",
		Short: "Create the data store, or update its schema",
		Long: "Create the data store that the configuration names, or update its schema.\n" +
			"The server does so by itself unless data_provider.update_mode is 1.\n" +
			"A store that is up to date is left as it is.",
		Args: noArgument,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, report, err := flags.load()
			if err != nil {
				return err
			}
			for _, warning := range report.Warnings {
				cmd.PrintErrln("sftpgo: warning: " + warning)
			}
			return initProvider(cmd, cfg)
		},
	}
	flags.register(cmd.Flags())
	return cmd
}

func initProvider(cmd *cobra.Command, cfg config.Config) error {
	p := &cfg.DataProvider // of this copy
	if p.Driver == dataprovider.DriverMemory {
		fmt.Fprintln(cmd.OutOrStdout(), "data store in memory: nothing to create")
		return nil
	}
	p.UpdateMode = 1
	state := "is up to date"
	store, err := openStore(cmd.Context(), cfg, shared)
	if err != nil {
		p.UpdateMode, state = 0, "is ready"
		store, err = openStore(cmd.Context(), cfg, shared)
	}
	if err != nil {
		return err
	}
	if err := errors.Join(store.Ping(cmd.Context()), store.Close()); err != nil {
		return err
	}
	name := p.Name
	if p.ConnectionString != "" {
		name = p.Driver // the string may have a password
	}
	fmt.Fprintf(cmd.OutOrStdout(), "data store %s %s\n", name, state)
	return nil
}
