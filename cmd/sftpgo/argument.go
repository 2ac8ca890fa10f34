package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"sftpgo/config/spelling"
)

// noArgument checks that a command has none. What stands behind one that has
// commands of its own was meant for one of them.
func noArgument(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case !cmd.HasSubCommands():
		return fmt.Errorf("%q is too much: %s", args[0], cmd.UseLine())
	}
	var names []string
	for _, sub := range cmd.Commands() {
		if !sub.Hidden {
			names = append(names, sub.Name())
		}
	}
	hint := "see " + cmd.CommandPath() + " --help"
	if near := spelling.Nearest(args[0], names); near != "" {
		hint = "did you mean " + near + "?"
	}
	return fmt.Errorf("unknown command %q for %q; %s", args[0], cmd.CommandPath(), hint)
}

// wrongFlag says where the flags of a command are told.
func wrongFlag(cmd *cobra.Command, err error) error {
	return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
}

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
