package main

import (
	"errors"

	"github.com/spf13/cobra"

	"sftpgo/protocols/sshd/system"
	"sftpgo/protocols/sshd/system/confine"
)

// newConfineCommand is what the server calls to run git and rsync. It is of no use
// to anybody else: it gets what to do from open files.
func newConfineCommand() *cobra.Command {
	return &cobra.Command{
		Use:                system.HelperCommand,
		Short:              "Run a program confined, for the server",
		Hidden:             true,
		DisableFlagParsing: true,
		PersistentPreRunE:  func(*cobra.Command, []string) error { return nil },
		RunE: func(*cobra.Command, []string) error {
			confine.Main()
			return errNotConfined // the server was told why
		},
	}
}

var errNotConfined = errors.New("this command is for the server only")
