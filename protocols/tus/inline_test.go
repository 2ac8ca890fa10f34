package tus_test

import (
	"context"
	"testing"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/protocols/tus"
)

// Expect implements actions.Inliner.
func (h *hooks) Expect(e *actions.Event) actions.Awaited {
	if h.inLine == nil || e.Kind != actions.UploadDone {
		return nil
	}
	return inLine{h, e}
}

type inLine struct {
	h *hooks
	e *actions.Event
}

func (inLine) Decides() bool                { return true }
func (inLine) Forget()                      {}
func (w inLine) Wait(context.Context) error { return w.h.inLine(w.e) }

// An upload whose hook fails in line is gone, with what was reserved for it, however it
// came; and the client can begin another one.
func TestInLineFailure(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		status int
	}{
		"refused": {&actions.Denial{Hook: "hook", Status: 418, Body: "the archive is full"}, 418},
		"away":    {actions.ErrUnanswered, 500},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(_ *tus.Config, u *dataprovider.User) { u.QuotaFiles, u.QuotaSize = 1, 10 })
			calls := 0
			r.hooks.inLine = func(*actions.Event) error {
				if calls++; calls <= 3 {
					return c.err
				}
				return nil
			}
			url := r.begin(10, "f")
			r.patch(url, 0, "12345")
			r.want(c.status, "PATCH", url, "67890", "Upload-Offset: 5")
			if got := r.record(url); got.State != dataprovider.UploadGone || !got.Reserved.IsZero() {
				t.Errorf("record %+v", got)
			}
			r.want(410, "HEAD", url, "-")
			header := []string{"Upload-Length: 10", "Content-Type: application/offset+octet-stream", metadata("filename", "f")}
			r.want(c.status, "POST", "/files", "1234567890", header...)
			if got := r.content("f"); got != "-" {
				t.Errorf("file %q", got)
			}
			if got := r.usage(); !got.IsZero() {
				t.Errorf("usage %+v", got)
			}
			r.want(c.status, "POST", "/files", "1234567890", header...)
			r.want(201, "POST", "/files", "1234567890", header...)
			if got := r.content("f"); got != "1234567890" {
				t.Errorf("file %q", got)
			}
			if got, want := r.usage(), (dataprovider.Amount{Files: 1, Bytes: 10}); got != want {
				t.Errorf("usage %+v", got)
			}
		})
	}
}

// While the hook is asked the record says that the file may be there: that is what the
// next server goes by if this one is killed.
func TestInLineRecord(t *testing.T) {
	r := newRig(t)
	url := r.begin(5, "f")
	r.hooks.inLine = func(*actions.Event) error {
		if got := r.record(url); got.State != dataprovider.UploadVerifying || got.FileID == "" {
			t.Errorf("record %+v", got)
		}
		if got := r.content("f"); got != "12345" {
			t.Errorf("file %q", got)
		}
		return nil
	}
	r.patch(url, 0, "12345")
	if got := r.record(url); got.State != dataprovider.UploadComplete {
		t.Errorf("record %+v", got)
	}
}
