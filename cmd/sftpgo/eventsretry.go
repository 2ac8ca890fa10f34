package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"sftpgo/dataprovider"
)

func newEventsRetryCommand(open storeOpener) *cobra.Command {
	var which chosen
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "retry [ID...]",
		Short: "Deliver now: dead letters, and what rests until its next try",
		Long: `Deliver now: dead letters, which start anew but are no longer in order with other
events of the file, and what rests until its next try. What is on its way or
waits for an earlier event of the file is left as it is. An ID is that of a
delivery or of an event.`,
	}
	which.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the number as JSON")
	cmd.RunE = runWithOutbox(open, func(cmd *cobra.Command, args []string, o dataprovider.Outbox) error {
		if err := which.check(); err != nil {
			return err
		}
		ids, err := which.ids(args, which.waiting(cmd.Context(), o))
		if err != nil {
			return err
		}
		var c changes
		c.each(cmd.Context(), ids, len(args) > 0, func(ctx context.Context, id int64) error { return revive(ctx, o, id) })
		return c.report(cmd, "to be delivered now", asJSON)
	})
	return cmd
}

func revive(ctx context.Context, o dataprovider.Outbox, id int64) error {
	err := o.Revive(ctx, id)
	if errors.Is(err, dataprovider.ErrConflict) {
		return explained{fmt.Sprintf("delivery %d is on its way or waits for an earlier event of the file", id), dataprovider.ErrConflict}
	}
	if errors.Is(err, dataprovider.ErrNotFound) {
		if _, kept := o.Delivery(ctx, id); kept == nil {
			return explained{fmt.Sprintf("delivery %d was delivered; sftpgo events replay delivers it again", id), dataprovider.ErrNotFound}
		}
		return explained{fmt.Sprintf("delivery %d: not found", id), dataprovider.ErrNotFound}
	}
	return err
}

func newEventsReplayCommand(open storeOpener) *cobra.Command {
	var which chosen
	var asJSON, dry bool
	cmd := &cobra.Command{
		Use:   "replay [ID...]",
		Short: "Deliver again: what was delivered, and dead letters",
		Long: `Deliver again what was delivered, as long as it is kept, and dead letters. The
hook gets the same event with the same event id; the delivery has a new id. It
takes its place behind what waits for the same file. An ID is that of a delivery
or of an event.`,
		Example: `  sftpgo events replay --target hooks.index --since 2h
  sftpgo events replay --path '/in/*.pdf' --event upload --since 2026-11-20 --until 2026-11-21`,
	}
	which.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the number as JSON")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only list what would be delivered again")
	cmd.RunE = runWithOutbox(open, func(cmd *cobra.Command, args []string, o dataprovider.Outbox) error {
		if err := which.check(); err != nil {
			return err
		}
		ctx := cmd.Context()
		ids, err := which.ids(args, which.delivered(ctx, o), which.deadOnes(ctx, o))
		if err != nil {
			return err
		}
		var c changes
		c.each(ctx, ids, len(args) > 0, func(ctx context.Context, id int64) error {
			if dry {
				return printDelivery(cmd, o, id)
			}
			return replay(ctx, o, id)
		})
		what := "to be delivered again"
		if dry {
			what = "would be delivered again"
		}
		return c.report(cmd, what, asJSON)
	})
	return cmd
}

// replay has a delivery made again, whether it was delivered or is dead.
func replay(ctx context.Context, o dataprovider.Outbox, id int64) error {
	d, err := o.Delivery(ctx, id)
	if err != nil {
		return err
	}
	switch d.State {
	case dataprovider.DeliveryDone:
		_, err := o.Replay(ctx, id)
		return err
	case dataprovider.DeliveryDead:
		return o.Revive(ctx, id)
	}
	return explained{fmt.Sprintf("delivery %d has yet to be delivered: it is %s", id, d.State), dataprovider.ErrConflict}
}

func printDelivery(cmd *cobra.Command, o dataprovider.Outbox, id int64) error {
	d, err := o.Delivery(cmd.Context(), id)
	if err != nil {
		return err
	}
	kind, path := describe(d)
	_, err = fmt.Fprintln(cmd.OutOrStdout(), d.ID, d.Target, d.State, d.EventID, kind, path)
	return err
}

func newEventsDropCommand(open storeOpener) *cobra.Command {
	var which chosen
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "drop [ID...]",
		Short: "Forget deliveries, dead or waiting: the hook will not be told",
	}
	which.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the number as JSON")
	cmd.RunE = runWithOutbox(open, func(cmd *cobra.Command, args []string, o dataprovider.Outbox) error {
		if err := which.check(); err != nil {
			return err
		}
		ids, err := which.ids(args, which.waiting(cmd.Context(), o))
		if err != nil {
			return err
		}
		var c changes
		c.each(cmd.Context(), ids, len(args) > 0, func(ctx context.Context, id int64) error {
			d, err := o.Delivery(ctx, id)
			if err == nil && d.State == dataprovider.DeliveryDone {
				err = explained{fmt.Sprintf("delivery %d was delivered", id), dataprovider.ErrNotFound}
			}
			if err != nil {
				return err
			}
			return o.Done(ctx, id)
		})
		return c.report(cmd, "dropped", asJSON)
	})
	return cmd
}
