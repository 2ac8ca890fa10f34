package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"sftpgo/actions"
	"sftpgo/actions/outbox"
	"sftpgo/config"
)

// newHooksCommand returns `sftpgo hooks` with its subcommands.
func newHooksCommand() *cobra.Command {
	var where configFlags
	cmd := &cobra.Command{
		Use:   "hooks",
		Short: "The hooks of the configuration",
		Args:  noArgument,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	where.register(cmd.PersistentFlags())
	cmd.AddCommand(newHooksListCommand(&where), newHooksTestCommand(&where))
	return cmd
}

func newHooksListCommand(where *configFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the hooks of the configuration",
		Args:  noArgument,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, _, err := where.load()
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tFORMAT\tEVENTS\tTARGET")
			for _, h := range configured(cfg) {
				events := strings.Join(h.events, ",")
				switch {
				case events != "":
				case h.single || h.users:
					events = "none"
				default:
					events = "all"
				}
				dialect := h.entry.Dialect()
				if h.users {
					dialect = "users"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", h.name, dialect, events, actions.RedactURL(h.entry.Target))
			}
			return w.Flush()
		},
	}
}

// configuredHook is a hook of one of the sections.
type configuredHook struct {
	name   string // of the target in the store
	entry  actions.Hook
	events []string
	single bool // common.actions, which has no name of its own
	users  bool // data_provider.actions
}

func configured(cfg config.Config) []configuredHook {
	var hooks []configuredHook
	if section := cfg.Common.Actions; section.Hook != "" {
		hooks = append(hooks, configuredHook{
			name: outbox.ActionsTarget, events: section.ExecuteOn, single: true,
			entry: actions.Hook{Target: section.Hook, Format: actions.FormatSFTPGo},
		})
	}
	for _, h := range cfg.Hooks {
		hooks = append(hooks, configuredHook{name: outbox.TargetOf(h), entry: h, events: h.Events})
	}
	if users := cfg.DataProvider.Actions; users.Hook != "" {
		hooks = append(hooks, configuredHook{
			name: outbox.UsersTarget, events: users.ExecuteOn, users: true, entry: actions.Hook{Target: users.Hook},
		})
	}
	return hooks
}

// findHook returns the hook of a name, with or without the name of the section.
func findHook(cfg config.Config, name string) (configuredHook, error) {
	var names []string
	for _, h := range configured(cfg) {
		if h.name == name || h.name == "hooks."+name {
			return h, nil
		}
		names = append(names, h.name)
	}
	if len(names) == 0 {
		return configuredHook{}, errors.New("the configuration has no hook")
	}
	return configuredHook{}, fmt.Errorf("there is no hook %q; there are %s", name, strings.Join(names, ", "))
}
