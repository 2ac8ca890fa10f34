package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// checkShared looks at the names that all clients use. Which content a name must
// have nobody can tell, but one that is complete, was sent to it, and was not
// replaced for sure.
func (g *siege) checkShared() error {
	if g.mode == 0 {
		return nil // writers in place may mix
	}
	var errs []error
	for n := range sharedNames {
		errs = append(errs, g.checkName(fmt.Sprintf("/shared/a%d", n)), g.checkComplete(fmt.Sprintf("/shared/b%d", n)))
	}
	return errors.Join(errs...)
}

// checkComplete holds that a file that was renamed many times is one whole upload.
func (g *siege) checkComplete(name string) error {
	got, err := pieceOf(g.path(name))
	if err != nil || got == nothing {
		return err
	}
	for _, o := range g.shared.all {
		if o.verb == doPut && o.piece == got {
			return nil
		}
	}
	return fmt.Errorf("%s: nobody uploaded %+v, or not all of it has arrived", name, got)
}

// checkName finds the operation that left what there is, and holds that no
// acknowledged one began after it had ended.
func (g *siege) checkName(name string) error {
	got, err := pieceOf(g.path(name))
	if err != nil {
		return err
	}
	history := []*operation{{verb: doDelete, name: name, piece: nothing, outcome: acked}}
	if o := g.final[name]; o != nil {
		history[0] = o
	}
	for _, o := range g.shared.all {
		if o.name == name && o.start > history[0].end {
			history = append(history, o)
		}
	}
	for _, o := range history {
		if o.verb == doCut || o.outcome == refused || !same(o.piece, got) || superseded(o, history) {
			continue
		}
		now := g.tick()
		g.final[name] = &operation{verb: o.verb, name: name, piece: got, outcome: acked, start: now, end: now}
		return nil
	}
	return fmt.Errorf("%s: the disk has %+v, but the history says otherwise: %v", name, got, history)
}

// superseded reports whether o was undone for sure. One without an answer may have
// come into effect at any time before the kill.
func superseded(o *operation, history []*operation) bool {
	if o.outcome == unknown {
		return false
	}
	return slices.ContainsFunc(history, func(later *operation) bool { return later.outcome == acked && later.start > o.end })
}

// checkEvents compares all that the hook was told with all that was done.
func (g *siege) checkEvents() error {
	g.hook.mu.Lock()
	defer g.hook.mu.Unlock()
	var errs []error
	for _, fault := range g.hook.faults {
		errs = append(errs, errors.New(fault))
	}
	ids := slices.Sorted(maps.Keys(g.hook.events)) // in the order in which it happened
	for _, c := range g.clients {
		var own []arrival
		for _, id := range ids {
			if e := g.hook.events[id]; strings.HasPrefix(e.Path, g.path(c.dir)+"/") {
				own = append(own, e)
			}
		}
		errs = append(errs, c.checkStory(own), checkOrder(own))
	}
	return errors.Join(append(errs, g.checkSharedEvents())...)
}

// checkStory compares what the hook was told of the own names of a client with what
// it did, one by one.
func (c *loadClient) checkStory(events []arrival) error {
	for i, o := range c.log {
		told := len(events) > 0 && c.tells(events[0], o)
		switch {
		case told && (o.outcome == acked || o.done != "no"):
			events = events[1:]
		case o.outcome == acked || o.done == "yes":
			next := "none"
			if len(events) > 0 {
				next = fmt.Sprintf("%+v", events[0])
			}
			return fmt.Errorf("the hook was not told of operation %d of %s: %v; the next event is %s", i, c.dir, o, next)
		}
	}
	if len(events) > 0 {
		return fmt.Errorf("%d events of %s tell of nothing that happened, first %+v", len(events), c.dir, events[0])
	}
	return nil
}

// tells reports whether e is the event of o.
func (c *loadClient) tells(e arrival, o *operation) bool {
	want := hookEvent{
		Action: string(o.verb), Username: siegeUser, Path: c.siege.path(o.name), FileSize: e.FileSize, Status: 1, Protocol: c.protocol,
	}
	switch {
	case o.verb == doRename:
		want.TargetPath = c.siege.path(o.target)
	case o.verb == doPut && (o.outcome == acked || e.Status == 1):
		want.FileSize = int64(o.piece.size)
	case o.verb == doPut: // the server died over it
		want.Status = 0
	}
	return e.hookEvent == want
}

// checkOrder holds that the events of one file came in the order in which they
// happened.
func checkOrder(events []arrival) error {
	last := map[string]arrival{}
	for _, e := range events {
		for _, path := range []string{e.Path, e.TargetPath} {
			if before := last[path]; path != "" && before.order > e.order {
				return fmt.Errorf("%+v came before %+v", e, before)
			}
			last[path] = e
		}
	}
	return nil
}

// checkSharedEvents counts: each acknowledged operation has an event, and each
// event an operation.
func (g *siege) checkSharedEvents() error {
	type key struct {
		verb         verb
		name, target string
		size         int64
	}
	sure, perhaps, told := map[key]int{}, map[key]int{}, map[key]int{}
	// What is written in place is told under the name that it has at the end, and
	// those of b are renamed among each other.
	upload := func(path string) string {
		if all := g.path("/shared/b"); g.mode == 0 && strings.HasPrefix(path, all) {
			return all
		}
		return path
	}
	for _, o := range g.shared.all {
		k := key{verb: o.verb, name: g.path(o.name)}
		if o.verb == doPut {
			k.name = upload(k.name)
		}
		switch {
		case o.verb == doPut && g.mode == 1: // in place, others may change the size meanwhile
			k.size = int64(o.piece.size)
		case o.verb == doRename:
			k.target = g.path(o.target)
		}
		if o.verb == doCut {
			continue // told with status 0, if it had begun
		}
		switch o.outcome {
		case acked:
			sure[k]++
		case unknown:
			perhaps[k]++
		}
	}
	for _, e := range g.hook.events {
		if !strings.HasPrefix(e.Path, g.path("/shared")) || e.Status != 1 {
			continue
		}
		k := key{verb: verb(e.Action), name: e.Path, target: e.TargetPath}
		if k.verb == doPut {
			k.name = upload(k.name)
		}
		if g.mode == 1 && k.verb == doPut {
			k.size = e.FileSize
		}
		told[k]++
	}
	var errs []error
	all := maps.Clone(sure)
	maps.Copy(all, told)
	keys := slices.SortedFunc(maps.Keys(all), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.verb, b.verb), cmp.Compare(a.target, b.target), cmp.Compare(a.size, b.size))
	})
	for _, k := range keys {
		if told[k] < sure[k] || told[k] > sure[k]+perhaps[k] {
			errs = append(errs, fmt.Errorf("%+v: %d acknowledged, %d without answer, %d events", k, sure[k], perhaps[k], told[k]))
		}
	}
	return errors.Join(errs...)
}
