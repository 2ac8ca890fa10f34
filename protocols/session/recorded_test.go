package session_test

import (
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/protocols/session"
	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

// counted notes for how many events it is told that they were recorded.
type counted struct {
	*hooks
	n map[string]int
}

func (c counted) Recorded(targets []string) {
	for _, t := range targets {
		c.n[t]++
	}
}

// TestRecordedIsWhatWaits: what hooks count as waiting is what was recorded, and not what
// was only looked at, such as who would hear of the beginning of an upload.
func TestRecordedIsWhatWaits(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	r.hooks.all = true
	c := counted{r.hooks, map[string]int{}}
	log := slog.New(slog.DiscardHandler)
	r.manager = session.NewManager(r.store, c, []vfs.Factory{localfs.NewFactory(log)}, r.metrics, log, 1, session.Config{UploadMode: 1})
	s := r.open()
	must(t, upload(s, "/f", "abc", put, nil), s.Mkdir(t.Context(), "/d"), s.Rename(t.Context(), "/f", "/d/f"))
	if d := cmp.Diff(map[string]int{"hook": len(r.events())}, c.n); d != "" {
		t.Error(d)
	}
}
