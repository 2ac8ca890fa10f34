package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// oneArgument checks that a command has one argument; what says what it is, with
// its article.
func oneArgument(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch len(args) {
		case 0:
			return fmt.Errorf("%s is missing: %s", what, cmd.UseLine())
		case 1:
			return nil
		}
		return fmt.Errorf("%q is too much: %s", args[1], cmd.UseLine())
	}
}
