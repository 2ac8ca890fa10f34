package outbox

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"sftpgo/actions"
)

// Config sets how deliveries are made. It is not part of the configuration file.
type Config struct {
	// ProgramWorkers and EndpointWorkers are the deliveries at the same time to
	// one program or URL.
	ProgramWorkers  int
	EndpointWorkers int
	// AskLimit is the deadline of a question, all gates together: the client waits.
	AskLimit time.Duration
	// Drain is how long running deliveries may go on after the context of Run
	// ended.
	Drain time.Duration
	// Poll is how often deliveries that have become due are looked for.
	Poll time.Duration
	// Unreachable has the pauses after failed attempts on a receiver that is away.
	// After one attempt more than there are pauses the delivery is given up.
	Unreachable []time.Duration
	// Rejected has the pauses for a receiver that got the event and refused it
	// (actions.ErrRejected). During the first Hold of them the next event of the
	// same file waits, as it does for a receiver that is away; afterwards it passes.
	Rejected []time.Duration
	Hold     int
	// History says which delivered events are kept.
	History History
	// HighWater counts for targets that say nothing of their own.
	HighWater actions.HighWater
}

// History says which delivered events are kept, at most; the zero value keeps
// none.
type History struct {
	Age   time.Duration
	Count int
}

// Keeps reports whether any are kept.
func (h History) Keeps() bool { return h.Age > 0 && h.Count > 0 }

// WithEvents adds what the section "events" says.
func (c Config) WithEvents(e actions.EventsConfig) Config {
	c.History = History{Age: e.Keep(), Count: e.KeepCount}
	c.HighWater = e.HighWater
	return c
}

// DefaultConfig returns the built-in values. A receiver may be away for a day.
func DefaultConfig() Config {
	quick := []time.Duration{time.Second, 5 * time.Second, 30 * time.Second}
	return Config{
		ProgramWorkers:  4,
		EndpointWorkers: 16,
		AskLimit:        30 * time.Second,
		Drain:           10 * time.Second,
		Poll:            time.Second,
		Unreachable: slices.Concat(quick,
			[]time.Duration{2 * time.Minute, 10 * time.Minute, 30 * time.Minute},
			slices.Repeat([]time.Duration{time.Hour}, 23)),
		Rejected: slices.Concat(quick, []time.Duration{
			2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour,
		}),
		Hold: len(quick),
	}
}

// Validate returns all faults.
func (c Config) Validate() error {
	var errs []error
	if c.ProgramWorkers <= 0 || c.EndpointWorkers <= 0 {
		errs = append(errs, fmt.Errorf("workers: %d and %d must be positive", c.ProgramWorkers, c.EndpointWorkers))
	}
	if c.AskLimit <= 0 || c.Poll <= 0 {
		errs = append(errs, fmt.Errorf("ask limit %v and poll %v must be positive", c.AskLimit, c.Poll))
	}
	if c.Drain < 0 {
		errs = append(errs, fmt.Errorf("drain: %v is negative", c.Drain))
	}
	for _, d := range slices.Concat(c.Unreachable, c.Rejected) {
		if d < 0 {
			errs = append(errs, fmt.Errorf("schedule: %v is negative", d))
		}
	}
	return errors.Join(errs...)
}
