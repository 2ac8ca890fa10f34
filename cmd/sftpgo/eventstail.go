package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sftpgo/dataprovider"
)

const (
	// tailPause is the time between two looks into the store.
	tailPause = 500 * time.Millisecond
	// tailQueue is up to how long a queue each look reads all of it. Of a longer one
	// only what is new and what was delivered is told.
	tailQueue = 20000
	// tailOverlap is how far each look at what was delivered goes back: several
	// servers have several clocks.
	tailOverlap = 5 * time.Second
)

func newEventsTailCommand(open storeOpener) *cobra.Command {
	var which chosen
	var asJSON bool
	var count int
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Follow what happens to events: recorded, failed, dead, delivered",
		Long: `Follow what happens to events until Ctrl-C: a line when one is recorded, when a try
has failed, when it is a dead letter, when it was delivered and when it has gone
(dropped, or delivered and not kept).`,
		Args: noArgument,
	}
	which.registerAbout(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object per line")
	cmd.Flags().IntVar(&count, "count", 0, "end after this many lines (0: never)")
	cmd.RunE = runWithOutbox(open, func(cmd *cobra.Command, _ []string, o dataprovider.Outbox) error {
		if err := which.check(); err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		t := &tailer{cmd: cmd, outbox: o, which: which, asJSON: asJSON, left: count}
		return t.run(ctx)
	})
	return cmd
}

// tailer compares what it sees with what it saw before.
type tailer struct {
	cmd    *cobra.Command
	outbox dataprovider.Outbox
	which  chosen
	asJSON bool
	left   int // lines; 0 is no end

	queue     map[int64]dataprovider.QueuedDelivery // as it was seen last
	delivered map[int64]time.Time
	since     time.Time
	last      int64 // highest id
	long      bool  // the queue is too long to be read each time
	ended     bool
}

func (t *tailer) run(ctx context.Context) error {
	t.queue, t.delivered, t.since = nil, map[int64]time.Time{}, time.Now()
	tick := time.NewTicker(tailPause)
	defer tick.Stop()
	for {
		err := t.look(ctx)
		switch {
		case ctx.Err() != nil: // Ctrl-C
			return nil
		case err != nil || t.ended:
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// look tells what has changed since the last look. The first one tells nothing.
func (t *tailer) look(ctx context.Context) error {
	begin := time.Now()
	now, err := t.readQueue(ctx)
	if err != nil {
		return err
	}
	done, err := t.readDelivered(ctx)
	if err != nil {
		return err
	}
	if t.queue != nil {
		t.compare(now, done)
	}
	for id := range now {
		t.last = max(t.last, id)
	}
	t.queue, t.since = now, begin
	return nil
}

// compare tells what has changed.
func (t *tailer) compare(now map[int64]dataprovider.QueuedDelivery, done []dataprovider.QueuedDelivery) {
	for _, id := range slices.Sorted(maps.Keys(now)) {
		t.follow(now[id])
	}
	for _, d := range done {
		t.follow(d)
	}
	for _, id := range slices.Sorted(maps.Keys(t.queue)) {
		_, still := now[id]
		if _, told := t.delivered[id]; !still && !told && !t.long {
			t.tell("gone", t.queue[id], "")
		}
	}
}

// follow tells of one delivery what has happened since it was seen last. What
// happened between two looks is told, too.
func (t *tailer) follow(d dataprovider.QueuedDelivery) {
	before, known := t.queue[d.ID]
	if !known && d.ID > t.last {
		t.tell("recorded", d, "")
	}
	var seen time.Time
	if n := len(before.Tries); n > 0 {
		seen = before.Tries[n-1].Began
	}
	for i, try := range d.Tries {
		last := i == len(d.Tries)-1
		switch {
		case !known && d.ID <= t.last && !last || !try.Began.After(seen):
		case last && d.State == dataprovider.DeliveryDead:
			t.tell("dead", d, try.Answer)
		case last && d.State == dataprovider.DeliveryDone:
			t.tell("delivered", d, try.Answer)
		default:
			t.tell("failed", d, try.Answer)
		}
	}
}

// readQueue returns what waits, without what was not chosen.
func (t *tailer) readQueue(ctx context.Context) (map[int64]dataprovider.QueuedDelivery, error) {
	backlog, err := t.outbox.Backlog(ctx)
	if err != nil {
		return nil, err
	}
	var n int64
	for _, b := range backlog {
		n += b.Queued + b.Dead
	}
	after, long := int64(0), n > tailQueue
	if long {
		after = t.last
		if !t.long {
			fmt.Fprintf(t.cmd.ErrOrStderr(), "%d events wait or are dead: only new ones and delivered ones are told of\n", n)
		}
	}
	t.long = long
	queue := map[int64]dataprovider.QueuedDelivery{}
	for d, err := range t.outbox.Queue(ctx, after) {
		if err != nil {
			return nil, err
		}
		if t.which.match(d) {
			queue[d.ID] = d
		}
	}
	return queue, nil
}

// readDelivered returns what was delivered since the last look.
func (t *tailer) readDelivered(ctx context.Context) (list []dataprovider.QueuedDelivery, err error) {
	from := t.since.Add(-tailOverlap)
	for id, at := range t.delivered {
		if at.Before(from) {
			delete(t.delivered, id)
		}
	}
	for d, err := range t.outbox.Delivered(ctx, from) {
		if err != nil {
			return nil, err
		}
		if _, told := t.delivered[d.ID]; told {
			continue
		}
		t.delivered[d.ID] = d.Due
		if t.which.match(d) {
			list = append(list, d)
		}
	}
	return list, nil
}

// tell prints one line.
func (t *tailer) tell(what string, d dataprovider.QueuedDelivery, answer string) {
	if t.ended {
		return
	}
	out := t.cmd.OutOrStdout()
	if t.asJSON {
		line := struct {
			At   time.Time `json:"at"`
			What string    `json:"what"`
			shownDelivery
		}{time.Now().UTC(), what, shownOf(d)}
		_ = json.NewEncoder(out).Encode(line)
	} else {
		kind, path := describe(d)
		line := fmt.Sprintf("%s %-9s %d %s %s %s %s %s", time.Now().Format("15:04:05"), what, d.ID, d.Target, d.EventID, kind, path, shortCause(answer))
		fmt.Fprintln(out, strings.TrimRight(line, " "))
	}
	if t.left > 0 {
		t.left--
		t.ended = t.left == 0
	}
}
