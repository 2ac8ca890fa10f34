package memstore

import (
	"container/heap"
	"slices"
	"time"

	"sftpgo/dataprovider"
)

// queue is what the outbox holds. The lock of the store guards it.
type queue struct {
	lastPending int64
	pending     map[int64][]byte

	lastDelivery int64
	deliveries   map[int64]*delivery
	targets      map[string]*line
	delivered    []*kept // in order of when
}

// line is what waits for one target. A delivery is in ready, in timed, or, while
// it waits for a key, in neither.
type line struct {
	keys  map[string][]*delivery // in order; the first holds the key
	ready deliveryHeap           // in order of id
	timed deliveryHeap           // in order of due: leased or given back
}

type delivery struct {
	dataprovider.Delivery
	keys   []string
	waits  int // number of keys that an earlier delivery holds
	due    time.Time
	leased bool
	dead   bool
	tries  []dataprovider.Try
	heap   *deliveryHeap // that it is in
	index  int           // there
}

func newQueue() queue {
	return queue{
		pending: map[int64][]byte{}, deliveries: map[int64]*delivery{}, targets: map[string]*line{},
	}
}

func (q *queue) line(target string) *line {
	l := q.targets[target]
	if l == nil {
		l = &line{
			keys:  map[string][]*delivery{},
			ready: deliveryHeap{less: func(a, b *delivery) bool { return a.ID < b.ID }},
			timed: deliveryHeap{less: func(a, b *delivery) bool { return a.due.Before(b.due) }},
		}
		q.targets[target] = l
	}
	return l
}

// add queues an event behind those that hold its keys.
func (q *queue) add(target string, s dataprovider.Settlement, now time.Time) *delivery {
	q.lastDelivery++
	d := &delivery{Delivery: dataprovider.Delivery{
		ID: q.lastDelivery, EventID: s.EventID, Event: slices.Clone(s.Event), Target: target, Settled: now,
	}}
	q.deliveries[d.ID] = d
	l := q.line(target)
	for _, k := range s.Keys {
		if slices.Contains(d.keys, k) {
			continue
		}
		d.keys = append(d.keys, k)
		if len(l.keys[k]) > 0 {
			d.waits++
		}
		l.keys[k] = append(l.keys[k], d)
	}
	if d.waits == 0 {
		l.ready.put(d)
	}
	return d
}

// claim takes the oldest that are due.
func (q *queue) claim(target string, n int, now time.Time, ttl time.Duration) (out []dataprovider.Delivery) {
	l := q.targets[target]
	if l == nil {
		return nil
	}
	for l.timed.Len() > 0 && !l.timed.all[0].due.After(now) {
		d := l.timed.all[0]
		l.timed.take(d)
		d.leased = false
		l.ready.put(d)
	}
	for len(out) < n && l.ready.Len() > 0 {
		d := l.ready.all[0]
		l.ready.take(d)
		d.Attempt++
		d.due, d.leased = now.Add(ttl), true
		l.timed.put(d)
		c := d.Delivery
		c.Event = slices.Clone(c.Event)
		out = append(out, c)
	}
	return out
}

// state says what a delivery waits for, and until when.
func (q *queue) state(d *delivery, now time.Time) (dataprovider.DeliveryState, time.Time) {
	switch {
	case d.dead:
		return dataprovider.DeliveryDead, d.due
	case d.waits > 0:
		return dataprovider.DeliveryBlocked, time.Time{}
	case d.heap != &q.targets[d.Target].timed || !d.due.After(now):
		return dataprovider.DeliveryReady, time.Time{}
	case d.leased:
		return dataprovider.DeliveryClaimed, d.due
	}
	return dataprovider.DeliveryResting, d.due
}

// revive makes a delivery due at once.
func (q *queue) revive(d *delivery, now time.Time) error {
	l := q.line(d.Target)
	switch state, _ := q.state(d, now); state {
	case dataprovider.DeliveryDead: // it left the line when it died
		d.dead, d.waits, d.Attempt = false, 0, 0
		l.ready.put(d)
	case dataprovider.DeliveryResting:
		l.timed.take(d)
		l.ready.put(d)
	case dataprovider.DeliveryBlocked, dataprovider.DeliveryClaimed:
		return dataprovider.ErrConflict
	}
	return nil
}

// leave takes a delivery out of the line and lets those move up that waited
// behind it.
func (q *queue) leave(d *delivery) {
	l := q.targets[d.Target]
	if d.heap != nil {
		d.heap.take(d)
	}
	for _, k := range d.keys {
		waiting := l.keys[k]
		first := waiting[0] == d
		if first {
			waiting = waiting[1:]
		} else {
			waiting = slices.DeleteFunc(waiting, func(o *delivery) bool { return o == d })
		}
		if len(waiting) == 0 {
			delete(l.keys, k)
			continue
		}
		l.keys[k] = waiting
		if first {
			next := waiting[0]
			if next.waits--; next.waits == 0 {
				l.ready.put(next)
			}
		}
	}
	d.keys = nil
}

// deliveryHeap is a heap whose members know where they are.
type deliveryHeap struct {
	all  []*delivery
	less func(a, b *delivery) bool
}

func (h *deliveryHeap) put(d *delivery) {
	d.heap = h
	heap.Push(h, d)
}

func (h *deliveryHeap) take(d *delivery) {
	heap.Remove(h, d.index)
	d.heap = nil
}

func (h *deliveryHeap) Len() int           { return len(h.all) }
func (h *deliveryHeap) Less(i, j int) bool { return h.less(h.all[i], h.all[j]) }
func (h *deliveryHeap) Swap(i, j int) {
	h.all[i], h.all[j] = h.all[j], h.all[i]
	h.all[i].index, h.all[j].index = i, j
}

func (h *deliveryHeap) Push(x any) {
	d := x.(*delivery)
	d.index = len(h.all)
	h.all = append(h.all, d)
}

func (h *deliveryHeap) Pop() any {
	d := h.all[len(h.all)-1]
	h.all[len(h.all)-1] = nil
	h.all = h.all[:len(h.all)-1]
	return d
}
