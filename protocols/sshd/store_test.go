package sshd_test

import (
	"encoding/json"
	"time"

	"sftpgo/actions"
)

// target is where all events go.
const target = "test"

// hooks is a dispatcher that wants every event.
type hooks struct{ actions.Nobody }

// Wants is true, but for what tests here are not about.
func (hooks) Wants(k actions.Kind) bool {
	switch k {
	case actions.UploadOpen, actions.MkdirDone, actions.RmdirDone, actions.CopyDone:
		return false
	}
	return true
}

func (hooks) Route(*actions.Event) []string { return []string{target} }

// event is the part of an event that a client can bring about.
type event struct {
	Kind           actions.Kind
	Protocol, Name string
	Target         string
	Status         actions.Status
	Size           int64
}

// events returns what was recorded since the last call.
func (r *rig) events() []event {
	r.t.Helper()
	list := []event{}
	for {
		// A later event of a file is held back until the earlier one is done.
		deliveries, err := r.store.Outbox().Claim(r.t.Context(), target, 100, time.Minute)
		must(r.t, err)
		if len(deliveries) == 0 {
			return list
		}
		for _, d := range deliveries {
			var e actions.Event
			must(r.t, json.Unmarshal(d.Event, &e))
			list = append(list, event{e.Kind, e.Session.Protocol, e.Object.Name, e.Object.Target, e.Result.Status, e.Result.Size})
			must(r.t, r.store.Outbox().Done(r.t.Context(), d.ID))
		}
	}
}
