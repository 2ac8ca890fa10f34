package sqlstore_test

import (
	"maps"
	"slices"
	"time"
)

// modelTargets are told of events, of some one of them, of some both.
var modelTargets = []string{"hook", "other"}

// modelDelivery is a delivery as the model knows it.
type modelDelivery struct {
	event, target string
	keys          []string // none: it is out of line
	state         modelState
	id            int64     // 0: not seen yet
	due           time.Time // of one that is claimed or resting
	history       bool      // it was acknowledged, and is kept
}

type modelState int

const (
	modelWaiting modelState = iota
	modelClaimed
	modelResting
	modelDead
	modelDone
)

func (d *modelDelivery) alive() bool { return d.state < modelDead }

// model is an outbox of which only the rules are there.
type model struct {
	deliveries []*modelDelivery // in settle order
	pending    map[int64]string
	files      int64 // usage
}

func (m *model) clone() *model {
	c := &model{pending: maps.Clone(m.pending), files: m.files}
	for _, d := range m.deliveries {
		copied := *d
		c.deliveries = append(c.deliveries, &copied)
	}
	return c
}

// held reports whether an earlier one of the same target shares a key.
func (m *model) held(i int) bool {
	d := m.deliveries[i]
	for _, earlier := range m.deliveries[:i] {
		if earlier.target != d.target || !earlier.alive() {
			continue
		}
		for _, k := range d.keys {
			if slices.Contains(earlier.keys, k) {
				return true
			}
		}
	}
	return false
}

// due returns what a claim must return.
func (m *model) due(target string, n int, now time.Time) (due []*modelDelivery) {
	for i, d := range m.deliveries {
		switch {
		case d.target != target || len(due) == n:
		case d.state == modelWaiting && !m.held(i):
			due = append(due, d)
		case (d.state == modelClaimed || d.state == modelResting) && !d.due.After(now):
			due = append(due, d)
		}
	}
	return due
}

func (m *model) in(states ...modelState) (list []*modelDelivery) {
	for _, d := range m.deliveries {
		if slices.Contains(states, d.state) {
			list = append(list, d)
		}
	}
	return list
}

func modelNames(list []*modelDelivery) (names []string) {
	for _, d := range list {
		names = append(names, d.target+" "+d.event)
	}
	return names
}
