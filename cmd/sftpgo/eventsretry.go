package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"sftpgo/dataprovider"
)

func newEventsRetryCommand(open storeOpener) *cobra.Command {
	var which chosen
	cmd := &cobra.Command{
		Use:   "retry [ID...]",
		Short: "Deliver now: dead letters, and what rests until its next try",
		Long: `Deliver now: dead letters, which start anew but are no longer in order with other
events of the file, and what rests until its next try. What is on its way or
waits for an earlier event of the file is left as it is.`,
	}
	which.register(cmd)
	cmd.RunE = runWithOutbox(open, func(cmd *cobra.Command, args []string, o dataprovider.Outbox) error {
		ids, err := which.ids(cmd.Context(), o, args)
		if err != nil {
			return err
		}
		var errs []error
		revived := 0
		for _, id := range ids {
			switch err := o.Revive(cmd.Context(), id); {
			case err == nil:
				revived++
			case len(args) == 0 && (errors.Is(err, dataprovider.ErrConflict) || errors.Is(err, dataprovider.ErrNotFound)):
				// It goes its way, or has gone, since it was listed.
			case errors.Is(err, dataprovider.ErrConflict):
				errs = append(errs, fmt.Errorf("delivery %d is on its way or waits for an earlier event of the file", id))
			default:
				errs = append(errs, err)
			}
		}
		fmt.Fprintf(cmd.OutOrStdout(), "to be delivered now: %d\n", revived)
		return errors.Join(errs...)
	})
	return cmd
}

func newEventsDropCommand(open storeOpener) *cobra.Command {
	var which chosen
	cmd := &cobra.Command{
		Use:   "drop [ID...]",
		Short: "Forget deliveries, dead or waiting: the hook will not be told",
	}
	which.register(cmd)
	cmd.RunE = runWithOutbox(open, func(cmd *cobra.Command, args []string, o dataprovider.Outbox) error {
		ids, err := which.ids(cmd.Context(), o, args)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if len(args) > 0 {
				if _, err := find(cmd.Context(), o, id); err != nil {
					return err
				}
			}
			if err := o.Done(cmd.Context(), id); err != nil {
				return err
			}
		}
		fmt.Fprintf(cmd.OutOrStdout(), "dropped: %d\n", len(ids))
		return nil
	})
	return cmd
}
