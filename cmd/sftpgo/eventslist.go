package main

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sftpgo/dataprovider"
)

// shownDelivery is the JSON of a delivery.
type shownDelivery struct {
	ID        int64           `json:"id"`
	EventID   string          `json:"event_id"`
	Target    string          `json:"target"`
	State     string          `json:"state"`
	Tries     int             `json:"tries"`
	Recorded  time.Time       `json:"recorded"`
	Due       *time.Time      `json:"due,omitempty"`
	Delivered *time.Time      `json:"delivered,omitempty"`
	Cause     string          `json:"cause,omitempty"`
	History   []shownTry      `json:"history,omitempty"`
	Event     json.RawMessage `json:"event"`
}

// shownTry is the JSON of a try.
type shownTry struct {
	Began  time.Time `json:"began"`
	Took   float64   `json:"took_ms"`
	OK     bool      `json:"ok"`
	Answer string    `json:"answer,omitempty"`
	Output string    `json:"output,omitempty"`
}

func shownOf(d dataprovider.QueuedDelivery) shownDelivery {
	s := shownDelivery{
		ID: d.ID, EventID: d.EventID, Target: d.Target, State: string(d.State), Tries: d.Attempt,
		Recorded: d.Settled.UTC(), Cause: d.Cause, Event: d.Event,
	}
	for _, t := range d.Tries {
		s.History = append(s.History, shownTry{
			Began: t.Began.UTC(), Took: float64(t.Took.Microseconds()) / 1000, OK: !t.Failed, Answer: t.Answer, Output: t.Output,
		})
	}
	switch due := d.Due.UTC(); {
	case d.Due.IsZero():
	case d.State == dataprovider.DeliveryDone:
		s.Delivered = &due
	default:
		s.Due = &due
	}
	if !json.Valid(d.Event) {
		s.Event = json.RawMessage("null")
	}
	return s
}

func newEventsListCommand(open storeOpener) *cobra.Command {
	var which chosen
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List what waits, oldest first; with --all also what was delivered",
		Long: `List what waits, oldest first. A delivery is ready, claimed (on its way), resting
(failed, to be tried again), blocked (an earlier event of the file is not done),
dead or delivered. Those that were delivered are listed with --all, in front of
the others, or with --state delivered.`,
		Args: noArgument,
	}
	which.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object per line")
	cmd.Flags().BoolVar(&all, "all", false, "also those that were delivered")
	cmd.RunE = runWithOutbox(open, func(cmd *cobra.Command, _ []string, o dataprovider.Outbox) error {
		if err := which.check(); err != nil {
			return err
		}
		var lists []iter.Seq2[dataprovider.QueuedDelivery, error]
		if all || which.state == string(dataprovider.DeliveryDone) {
			lists = append(lists, which.delivered(cmd.Context(), o))
		}
		if which.state != string(dataprovider.DeliveryDone) {
			lists = append(lists, which.waiting(cmd.Context(), o))
		}
		if asJSON {
			enc := json.NewEncoder(cmd.OutOrStdout())
			return eachOf(lists, func(d dataprovider.QueuedDelivery) error { return enc.Encode(shownOf(d)) })
		}
		return listEvents(cmd, lists)
	})
	return cmd
}

func eachOf(lists []iter.Seq2[dataprovider.QueuedDelivery, error], do func(dataprovider.QueuedDelivery) error) error {
	for _, list := range lists {
		for d, err := range list {
			if err != nil {
				return err
			}
			if err := do(d); err != nil {
				return err
			}
		}
	}
	return nil
}

func listEvents(cmd *cobra.Command, lists []iter.Seq2[dataprovider.QueuedDelivery, error]) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tTARGET\tSTATE\tTRIES\tRECORDED\tEVENT\tPATH\tCAUSE")
	err := eachOf(lists, func(d dataprovider.QueuedDelivery) error {
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
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show a delivery with its event and what became of its tries, as JSON",
		Long: `Show a delivery with its event and what became of its tries, as JSON. The ID of an
event shows all of its deliveries, one to each hook.`,
		Args: oneArgument("the id of a delivery or event"),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "on one line")
	cmd.RunE = runWithOutbox(open, func(cmd *cobra.Command, args []string, o dataprovider.Outbox) error {
		var any chosen
		ids, err := any.ids(args, any.delivered(cmd.Context(), o), any.waiting(cmd.Context(), o))
		if err != nil {
			return err
		}
		for _, id := range ids {
			d, err := o.Delivery(cmd.Context(), id)
			if err != nil {
				return err
			}
			if asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(shownOf(d))
			} else {
				err = printIndented(cmd.OutOrStdout(), shownOf(d))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return cmd
}

func printIndented(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
