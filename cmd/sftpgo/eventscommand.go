package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"sftpgo/actions"
	"sftpgo/dataprovider"
)

// newEventsCommand returns `sftpgo events` with its subcommands.
func newEventsCommand(open storeOpener) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Events for hooks: what waits, what was delivered, and dead letters",
		Long: `Events for hooks: what waits, what was delivered (as long as it is kept), and dead
letters, which a hook did not take after all tries. A running server acts on a
change within a second.`,
		Args: noArgument,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		newEventsListCommand(open),
		newEventsShowCommand(open),
		newEventsTailCommand(open),
		newEventsRetryCommand(open),
		newEventsReplayCommand(open),
		newEventsDropCommand(open),
	)
	return cmd
}

// runWithOutbox makes the RunE of a command: it opens the store, runs do and closes
// the store. An error is one line for each fault.
func runWithOutbox(open storeOpener, do func(cmd *cobra.Command, args []string, o dataprovider.Outbox) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		store, cfg, err := open(cmd.Context())
		if err != nil {
			return oneLine(err)
		}
		if cfg.Driver == dataprovider.DriverMemory {
			err = errors.New(`data_provider.driver is "memory": events wait in the serving process, where no command sees them`)
		} else {
			err = do(cmd, args, store.Outbox())
		}
		return errors.Join(err, store.Close())
	}
}

func deliveryID(arg string) (int64, error) {
	id, err := strconv.ParseInt(arg, 10, 64)
	if err != nil || id <= 0 {
		return 0, fmt.Errorf("%q is not the id of a delivery; sftpgo events list shows them", arg)
	}
	return id, nil
}

// eventOf is what a delivery tells of.
func eventOf(d dataprovider.QueuedDelivery) (e actions.Event, ok bool) {
	err := json.Unmarshal(d.Event, &e)
	return e, err == nil
}

// describe says what a delivery tells of. The names are those of clients, so they
// are quoted.
func describe(d dataprovider.QueuedDelivery) (kind, path string) {
	e, ok := eventOf(d)
	if !ok {
		return "unreadable", ""
	}
	path = strconv.Quote(e.Object.Path)
	if e.Object.TargetPath != "" {
		path += " to " + strconv.Quote(e.Object.TargetPath)
	}
	return string(e.Kind), path
}

// shortCause is the first line of a cause, for a table.
func shortCause(cause string) string {
	cause, _, _ = strings.Cut(cause, "\n")
	if r := []rune(cause); len(r) > 200 {
		cause = string(r[:199]) + "…"
	}
	return cause
}

// changes is what became of a command that changes deliveries.
type changes struct {
	done int64
	errs []error
}

// each applies do to deliveries. When they were chosen by what they are (and not
// by their ids), one that has moved on meanwhile is no error.
func (c *changes) each(ctx context.Context, ids []int64, chosenByID bool, do func(ctx context.Context, id int64) error) {
	for _, id := range ids {
		switch err := do(ctx, id); {
		case err == nil:
			c.done++
		case !chosenByID && (errors.Is(err, dataprovider.ErrConflict) || errors.Is(err, dataprovider.ErrNotFound)):
		default:
			c.errs = append(c.errs, err)
		}
	}
}

// explained is an error in words for whoever typed the command.
type explained struct {
	text string
	error
}

func (e explained) Error() string { return e.text }
func (e explained) Unwrap() error { return e.error }

// report prints how many were changed, and returns what went wrong.
func (c *changes) report(cmd *cobra.Command, what string, asJSON bool) error {
	var err error
	if asJSON {
		err = json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]int64{"changed": c.done})
	} else {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d\n", what, c.done)
	}
	return errors.Join(append(c.errs, err)...)
}
