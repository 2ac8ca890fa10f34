package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sftpgo/dataprovider"
)

// shownDelivery is the JSON of a delivery.
type shownDelivery struct {
	ID       int64           `json:"id"`
	EventID  string          `json:"event_id"`
	Target   string          `json:"target"`
	State    string          `json:"state"`
	Tries    int             `json:"tries"`
	Recorded time.Time       `json:"recorded"`
	Due      *time.Time      `json:"due,omitempty"`
	Cause    string          `json:"cause,omitempty"`
	Event    json.RawMessage `json:"event"`
}

func shownOf(d dataprovider.QueuedDelivery) shownDelivery {
	s := shownDelivery{
		ID: d.ID, EventID: d.EventID, Target: d.Target, State: string(d.State), Tries: d.Attempt,
		Recorded: d.Settled.UTC(), Cause: d.Cause, Event: d.Event,
	}
	if !d.Due.IsZero() {
		due := d.Due.UTC()
		s.Due = &due
	}
	if !json.Valid(d.Event) {
		s.Event = json.RawMessage("null")
	}
	return s
}

func newEventsListCommand(open storeOpener) *cobra.Command {
	var which chosen
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List what waits, oldest first",
		Long: `List what waits, oldest first. A delivery is ready, claimed (on its way), resting
(failed, to be tried again), blocked (an earlier event of the file is not done)
or dead.`,
		Args: cobra.NoArgs,
	}
	which.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object per line")
	cmd.RunE = runWithOutbox(open, func(cmd *cobra.Command, _ []string, o dataprovider.Outbox) error {
		if asJSON {
			enc := json.NewEncoder(cmd.OutOrStdout())
			return which.each(cmd.Context(), o, func(d dataprovider.QueuedDelivery) error { return enc.Encode(shownOf(d)) })
		}
		return listEvents(cmd, o, which)
	})
	return cmd
}

func listEvents(cmd *cobra.Command, o dataprovider.Outbox, which chosen) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tTARGET\tSTATE\tTRIES\tRECORDED\tEVENT\tPATH\tCAUSE")
	err := which.each(cmd.Context(), o, func(d dataprovider.QueuedDelivery) error {
		kind, path := describe(d)
		_, err := fmt.Fprintf(w, "%d\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", d.ID, d.Target, d.State, d.Attempt,
			d.Settled.Format("2006-01-02 15:04:05"), kind, path, shortCause(d.Cause))
		return err
	})
	if err != nil {
		return err
	}
	return w.Flush()
}

func newEventsShowCommand(open storeOpener) *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show a delivery with its event, as JSON",
		Args:  cobra.ExactArgs(1),
		RunE: runWithOutbox(open, func(cmd *cobra.Command, args []string, o dataprovider.Outbox) error {
			id, err := deliveryID(args[0])
			if err != nil {
				return err
			}
			d, err := find(cmd.Context(), o, id)
			if err != nil {
				return err
			}
			return printIndented(cmd.OutOrStdout(), shownOf(d))
		}),
	}
}

func printIndented(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
