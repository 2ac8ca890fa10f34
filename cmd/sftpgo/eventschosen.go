package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/spf13/cobra"

	"sftpgo/actions"
	"sftpgo/dataprovider"
)

// chosen are the deliveries that a command is about.
type chosen struct {
	target, state string
	user, kind    string
	path          string
	since, until  string

	from, to time.Time // of since and until
}

const stateWords = "ready, claimed, resting, blocked, dead or delivered"

func (c *chosen) register(cmd *cobra.Command) {
	c.registerAbout(cmd)
	f := cmd.Flags()
	f.StringVar(&c.state, "state", "", "only those that are "+stateWords)
	f.StringVar(&c.since, "since", "", "only those recorded since then: 2006-01-02T15:04:05Z, or 90m ago")
	f.StringVar(&c.until, "until", "", "only those recorded before: 2006-01-02T15:04:05Z, or 90m ago")
}

// registerAbout adds the flags about what is told to whom.
func (c *chosen) registerAbout(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&c.target, "target", "", "only those for this hook: common.actions, or hooks. and its name")
	f.StringVar(&c.user, "user", "", "only those of what this user did")
	f.StringVar(&c.kind, "event", "", "only those of one kind, like upload.done; upload stands for all that begin so")
	f.StringVar(&c.path, "path", "", "only those of this path as users see it, or of a pattern like /in/*.pdf or *.pdf, as in filters of hooks")
}

func (c *chosen) any() bool {
	return c.target != "" || c.state != "" || c.user != "" || c.kind != "" || c.path != "" || c.since != "" || c.until != ""
}

// check reads the flags.
func (c *chosen) check() (err error) {
	states := []dataprovider.DeliveryState{
		dataprovider.DeliveryReady, dataprovider.DeliveryClaimed, dataprovider.DeliveryResting, dataprovider.DeliveryBlocked,
		dataprovider.DeliveryDead, dataprovider.DeliveryDone,
	}
	if c.state != "" && !slices.Contains(states, dataprovider.DeliveryState(c.state)) {
		return fmt.Errorf("--state: %q is not %s", c.state, stateWords)
	}
	if _, err := path.Match(c.path, ""); err != nil {
		return fmt.Errorf("--path: %w", err)
	}
	if c.kind != "" && !slices.ContainsFunc(recordedKinds(), c.matchKind) {
		return fmt.Errorf("--event: %q is none of %s, nor the first word of one", c.kind, joinKinds(recordedKinds()))
	}
	now := time.Now()
	if c.from, err = moment(c.since, now); err != nil {
		return fmt.Errorf("--since: %w", err)
	}
	if c.to, err = moment(c.until, now); err != nil {
		return fmt.Errorf("--until: %w", err)
	}
	return nil
}

// recordedKinds are the kinds of events that are told. Questions are not: they are
// asked once, and nothing of them waits.
func recordedKinds() []actions.Kind {
	return []actions.Kind{
		actions.UploadOpen, actions.UploadPart, actions.UploadDone, actions.UploadFailed, actions.DownloadDone,
		actions.DeleteDone, actions.RenameDone, actions.MkdirDone, actions.RmdirDone, actions.CopyDone, actions.SSHCommand,
		actions.UserAdded, actions.UserUpdated, actions.UserDeleted,
	}
}

func joinKinds(kinds []actions.Kind) string {
	words := make([]string, len(kinds))
	for i, kind := range kinds {
		words[i] = string(kind)
	}
	return strings.Join(words, ", ")
}

func (c *chosen) matchKind(kind actions.Kind) bool {
	return string(kind) == c.kind || strings.HasPrefix(string(kind), c.kind+".")
}

// moment reads a time, or how long ago it was.
func moment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	ago, err := time.ParseDuration(strings.TrimSpace(strings.TrimSuffix(text, "ago")))
	if err == nil {
		return now.Add(-ago.Abs()), nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02"} {
		if at, err := time.ParseInLocation(form, text, time.Local); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is neither a time like 2006-01-02T15:04:05Z nor a duration like 90m", text)
}

// match reports whether a delivery is one of the chosen.
func (c *chosen) match(d dataprovider.QueuedDelivery) bool {
	switch {
	case c.target != "" && d.Target != c.target,
		c.state != "" && string(d.State) != c.state,
		!c.from.IsZero() && d.Settled.Before(c.from),
		!c.to.IsZero() && !d.Settled.Before(c.to):
		return false
	case c.user == "" && c.kind == "" && c.path == "":
		return true
	}
	e, ok := eventOf(d)
	return ok && c.matchEvent(e)
}

func (c *chosen) matchEvent(e actions.Event) bool {
	switch {
	case c.user != "" && e.Session.User != c.user,
		c.kind != "" && !c.matchKind(e.Kind):
		return false
	case c.path == "" || c.path == e.Object.Name || c.path == e.Object.Target:
		return true
	}
	filter := actions.HookFilters{Paths: []string{c.path}} // check has seen the pattern
	return filter.Reason(&e) == ""
}

// waiting yields what is queued or dead and was chosen; delivered, what was
// delivered.
func (c *chosen) waiting(ctx context.Context, o dataprovider.Outbox) iter.Seq2[dataprovider.QueuedDelivery, error] {
	return c.only(o.Queue(ctx, 0))
}

func (c *chosen) delivered(ctx context.Context, o dataprovider.Outbox) iter.Seq2[dataprovider.QueuedDelivery, error] {
	// Nothing is delivered before it is recorded.
	return c.only(o.Delivered(ctx, c.from))
}

// deadOnes yields dead letters that were chosen.
func (c *chosen) deadOnes(ctx context.Context, o dataprovider.Outbox) iter.Seq2[dataprovider.QueuedDelivery, error] {
	return func(yield func(dataprovider.QueuedDelivery, error) bool) {
		for d, err := range c.waiting(ctx, o) {
			if (err != nil || d.State == dataprovider.DeliveryDead) && !yield(d, err) {
				return
			}
		}
	}
}

func (c *chosen) only(all iter.Seq2[dataprovider.QueuedDelivery, error]) iter.Seq2[dataprovider.QueuedDelivery, error] {
	return func(yield func(dataprovider.QueuedDelivery, error) bool) {
		for d, err := range all {
			if (err != nil || c.match(d)) && !yield(d, err) {
				return
			}
		}
	}
}

// ids returns the deliveries that the arguments name by their ids or by those of
// their events, or those that match; of is where to look for them.
func (c *chosen) ids(args []string, of ...iter.Seq2[dataprovider.QueuedDelivery, error]) ([]int64, error) {
	switch {
	case len(args) == 0 && !c.any():
		return nil, errors.New("name deliveries by their ids, or choose them with --target, --state and so on")
	case len(args) > 0 && c.any():
		return nil, errors.New("give either ids or --target, --state and so on")
	}
	var ids []int64
	var events []string
	for _, arg := range args {
		if _, err := ulid.ParseStrict(arg); err == nil {
			events = append(events, arg)
			continue
		}
		id, err := deliveryID(arg)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	if len(args) > 0 && len(events) == 0 {
		return ids, nil
	}
	found := map[string]bool{}
	for _, all := range of {
		for d, err := range all {
			if err != nil {
				return nil, err
			}
			if len(args) == 0 || slices.Contains(events, d.EventID) {
				ids = append(ids, d.ID)
				found[d.EventID] = true
			}
		}
	}
	for _, id := range events {
		if !found[id] {
			return nil, fmt.Errorf("event %s: %w", id, dataprovider.ErrNotFound)
		}
	}
	return ids, nil
}
