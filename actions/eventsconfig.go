package actions

import (
	"errors"
	"fmt"
	"time"
)

// EventsConfig is the section "events": what counts for the events of all hooks.
type EventsConfig struct {
	// KeepHours is how long delivered events are kept, with what the hooks said to
	// them, so that they can be looked at and delivered again (0: not at all).
	KeepHours int `json:"keep_hours"`
	// KeepCount is how many delivered events are kept at most, of all hooks together.
	KeepCount int `json:"keep_count"`
	// HighWater is what happens when too many events wait for a hook. It counts for
	// common.actions, and for entries of hooks that say nothing of their own.
	HighWater HighWater `json:"high_water"`
}

// DefaultEventsConfig returns the built-in values.
func DefaultEventsConfig() EventsConfig { return EventsConfig{KeepHours: 24, KeepCount: 1000} }

// Keep is KeepHours as a duration.
func (c EventsConfig) Keep() time.Duration { return time.Duration(c.KeepHours) * time.Hour }

// Keeps reports whether delivered events are kept at all.
func (c EventsConfig) Keeps() bool { return c.KeepHours > 0 && c.KeepCount > 0 }

// Validate returns all faults.
func (c EventsConfig) Validate() error {
	var errs []error
	if c.KeepHours < 0 || c.KeepHours > 24*366*10 {
		errs = append(errs, fmt.Errorf("keep_hours: %d is not between 0 and ten years", c.KeepHours))
	}
	if c.KeepCount < 0 || c.KeepCount > 10_000_000 {
		errs = append(errs, fmt.Errorf("keep_count: %d is not between 0 and 10 million", c.KeepCount))
	}
	if err := c.HighWater.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("high_water.%w", err))
	}
	return errors.Join(errs...)
}

// HighWater is what happens to uploads while more events wait for a hook than it
// should have.
type HighWater struct {
	// Events is the number of waiting events from which on the policy counts (0:
	// none).
	Events int `json:"events"`
	// Policy: spill (also when empty) keeps storing events and warns in the log; slow
	// has each new upload that the hook is to be told of wait until fewer are there,
	// two seconds at most; refuse answers such uploads with an error.
	Policy string `json:"policy"`
}

// The policies of HighWater.
const (
	PolicySpill  = "spill"
	PolicySlow   = "slow"
	PolicyRefuse = "refuse"
)

// Set reports whether anything is said at all.
func (h HighWater) Set() bool { return h != HighWater{} }

// Validate returns the first fault.
func (h HighWater) Validate() error {
	switch h.Policy {
	case "", PolicySpill, PolicySlow, PolicyRefuse:
	default:
		return fmt.Errorf("policy: %q is not spill, slow or refuse", h.Policy)
	}
	if h.Events < 0 {
		return fmt.Errorf("events: %d is negative", h.Events)
	}
	if h.Policy != "" && h.Events == 0 {
		return fmt.Errorf("events: 0, so that the policy %q never counts", h.Policy)
	}
	return nil
}

// ErrOverloaded: an upload is refused because too many events wait for a hook. It
// passes.
var ErrOverloaded = errors.New("too many events wait for a hook")
