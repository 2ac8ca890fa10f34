package actions_test

import (
	"strings"
	"testing"
	"time"

	"sftpgo/actions"
)

func TestEventsConfig(t *testing.T) {
	builtin := actions.DefaultEventsConfig()
	if err := builtin.Validate(); err != nil || !builtin.Keeps() || builtin.Keep() != 24*time.Hour || builtin.HighWater.Set() {
		t.Errorf("built-in: %+v %v", builtin, err)
	}
	for text, change := range map[string]func(*actions.EventsConfig){
		"keep_hours: -1 is not":          func(c *actions.EventsConfig) { c.KeepHours = -1 },
		"keep_count: 20000000 is not":    func(c *actions.EventsConfig) { c.KeepCount = 20_000_000 },
		`high_water.policy: "block" is`:  func(c *actions.EventsConfig) { c.HighWater = actions.HighWater{Events: 1, Policy: "block"} },
		"high_water.events: -5 is":       func(c *actions.EventsConfig) { c.HighWater = actions.HighWater{Events: -5} },
		"high_water.events: 0, so that ": func(c *actions.EventsConfig) { c.HighWater = actions.HighWater{Policy: actions.PolicySlow} },
	} {
		c := builtin
		change(&c)
		if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, none := range []actions.EventsConfig{{KeepHours: 1}, {KeepCount: 1}, {}} {
		if none.Keeps() || none.Validate() != nil {
			t.Errorf("%+v keeps something, or is a fault", none)
		}
	}
}
