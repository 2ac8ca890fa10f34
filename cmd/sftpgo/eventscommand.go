package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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
		Short: "Events that wait for hooks, and dead letters",
		Long: `Events that wait for hooks, and dead letters: what a hook did not take after all
tries. A running server acts on a change within a second.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		newEventsListCommand(open),
		newEventsShowCommand(open),
		newEventsRetryCommand(open),
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

// states are the words of the flag --state.
func states() []dataprovider.DeliveryState {
	return []dataprovider.DeliveryState{
		dataprovider.DeliveryReady, dataprovider.DeliveryClaimed, dataprovider.DeliveryResting, dataprovider.DeliveryBlocked,
		dataprovider.DeliveryDead,
	}
}

// chosen are the deliveries that a command is about.
type chosen struct {
	target string
	state  string
}

func (c *chosen) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.target, "target", "", "only those for this hook: common.actions, or hooks. and its name")
	cmd.Flags().StringVar(&c.state, "state", "", "only those that are ready, claimed, resting, blocked or dead")
}

func (c *chosen) any() bool { return c.target != "" || c.state != "" }

func (c *chosen) check() error {
	if c.state == "" || slices.Contains(states(), dataprovider.DeliveryState(c.state)) {
		return nil
	}
	return fmt.Errorf("--state: %q is not ready, claimed, resting, blocked or dead", c.state)
}

// each calls do with the deliveries that match.
func (c *chosen) each(ctx context.Context, o dataprovider.Outbox, do func(d dataprovider.QueuedDelivery) error) error {
	if err := c.check(); err != nil {
		return err
	}
	for d, err := range o.Queue(ctx, 0) {
		if err != nil {
			return err
		}
		if (c.target != "" && d.Target != c.target) || (c.state != "" && string(d.State) != c.state) {
			continue
		}
		if err := do(d); err != nil {
			return err
		}
	}
	return nil
}

// ids returns the deliveries that the arguments name, or those that match.
func (c *chosen) ids(ctx context.Context, o dataprovider.Outbox, args []string) ([]int64, error) {
	switch {
	case len(args) == 0 && !c.any():
		return nil, errors.New("name deliveries by their ids, or choose them with --target and --state")
	case len(args) > 0 && c.any():
		return nil, errors.New("give either ids or --target and --state")
	}
	var ids []int64
	for _, arg := range args {
		id, err := deliveryID(arg)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	if len(args) > 0 {
		return ids, nil
	}
	err := c.each(ctx, o, func(d dataprovider.QueuedDelivery) error {
		ids = append(ids, d.ID)
		return nil
	})
	return ids, err
}

func deliveryID(arg string) (int64, error) {
	id, err := strconv.ParseInt(arg, 10, 64)
	if err != nil || id <= 0 {
		return 0, fmt.Errorf("%q is not the id of a delivery; sftpgo events list shows them", arg)
	}
	return id, nil
}

// find returns one delivery, or dataprovider.ErrNotFound.
func find(ctx context.Context, o dataprovider.Outbox, id int64) (dataprovider.QueuedDelivery, error) {
	for d, err := range o.Queue(ctx, id-1) {
		if err != nil {
			return d, err
		}
		if d.ID == id {
			return d, nil
		}
		break
	}
	return dataprovider.QueuedDelivery{}, fmt.Errorf("delivery %d: %w", id, dataprovider.ErrNotFound)
}

// describe says what a delivery tells of. The names are those of clients, so they
// are quoted.
func describe(d dataprovider.QueuedDelivery) (kind, path string) {
	var e actions.Event
	if err := json.Unmarshal(d.Event, &e); err != nil {
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
