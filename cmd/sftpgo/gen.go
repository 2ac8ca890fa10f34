package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"sftpgo/config"
	"sftpgo/docs"
)

// newGenCommand makes the commands that write files for packagers and the
// curious. root is what is described.
func newGenCommand(root *cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gen",
		Short: "Write a configuration file, its reference, shell completion or manual pages",
		Args:  noArgument,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(genConfig(), genReference(), genCompletion(root), genMan(root))
	return cmd
}

func genConfig() *cobra.Command {
	return &cobra.Command{
		Use:   "config",
		Short: "Print a configuration file with the built-in values",
		Args:  noArgument,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := config.Default().JSON()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
}

func genReference() *cobra.Command {
	return &cobra.Command{
		Use:   "config-reference",
		Short: "Print the reference of the configuration, in Markdown",
		Args:  noArgument,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(cmd.OutOrStdout(), docs.Configuration)
			return err
		},
	}
}

func genCompletion(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:       "completion bash|zsh|fish|powershell",
		Short:     "Print a completion script for a shell",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(out, true)
			case "zsh":
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, true)
			default:
				return root.GenPowerShellCompletionWithDesc(out)
			}
		},
	}
}

func genMan(root *cobra.Command) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "man",
		Short: "Write manual pages",
		Args:  noArgument,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return fmt.Errorf("manual pages: %w", err)
			}
			root.DisableAutoGenTag = true
			header := &doc.GenManHeader{Section: "1", Manual: "User Commands", Source: "SFTPGo " + version}
			if err := doc.GenManTree(root, header, dir); err != nil {
				return fmt.Errorf("manual pages: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&dir, "dir", "d", "man", "directory to write to, created if missing")
	return cmd
}
