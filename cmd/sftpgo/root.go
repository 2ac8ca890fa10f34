package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// run executes one command line and returns the exit status: 0, or 1 after the
// reason was told on stderr, one line for each.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	for line := range strings.SplitSeq(strings.TrimSpace(err.Error()), "\n") {
		fmt.Fprintf(stderr, "sftpgo: %s\n", line)
	}
	return 1
}

// newRootCommand is the list of commands.
func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "sftpgo",
		Short:         "File transfer server: SFTP, SCP, FTP, WebDAV and resumable uploads over one tree",
		Version:       thisBuild().String(),
		Args:          noArgument,
		SilenceUsage:  true,
		SilenceErrors: true,
		// The nearest of these hooks wins: a command that has one of its own calls
		// setFromEnvironment, too.
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return setFromEnvironment(cmd) },
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.Flags().BoolP("version", "v", false, "print the version")
	root.CompletionOptions.DisableDefaultCmd = true // gen completion
	root.SetFlagErrorFunc(wrongFlag)
	var accounts configFlags
	users := newUserCommand(accounts.open)
	accounts.register(users.PersistentFlags())
	events := newEventsCommand(accounts.open)
	accounts.register(events.PersistentFlags())
	root.AddCommand(
		newServeCommand(),
		newTusCommand(),
		users,
		newHooksCommand(),
		events,
		newInitProviderCommand(),
		newStartSubsysCommand(),
		newConfineCommand(),
		newGenCommand(root),
	)
	return root
}
