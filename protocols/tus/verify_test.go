package tus_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/dataprovider"
)

// only answers one kind of question, and agrees with the rest.
func (r *rig) onContent(answer func(e *actions.Event) (actions.Verdict, error)) {
	r.hooks.mu.Lock()
	r.hooks.verifies = true
	r.hooks.mu.Unlock()
	r.hooks.answers(func(e *actions.Event) (actions.Verdict, error) {
		if e.Kind != actions.UploadVerify {
			return actions.Verdict{}, nil
		}
		staged, err := os.ReadFile(e.Transfer.Staged)
		if err != nil || string(staged) != "0123456789" || len(e.Transfer.Checksums["sha256"]) != 64 || e.Transfer.ID == "" {
			r.t.Errorf("staged %q, %v, %+v", staged, err, e.Transfer)
		}
		return answer(e)
	})
}

// inPlace has the server keep data where they are.
func (r *rig) keepInPlace() {
	r.t.Helper()
	if err := r.stop(); err != nil {
		r.t.Fatal(err)
	}
	r.inPlace = true
	r.start()
}

// files are the names of files in the home that are no directories of the server.
func (r *rig) files() string {
	r.t.Helper()
	found, err := filepath.Glob(filepath.Join(r.home, "[^.]*"))
	if err != nil {
		r.t.Fatal(err)
	}
	var names []string
	for _, f := range found {
		names = append(names, filepath.Base(f))
	}
	return strings.Join(names, " ")
}

// TestContentGate: what a hook says of the content of a resumable upload, in requests
// and at once, staged and in place.
func TestContentGate(t *testing.T) {
	for _, inPlace := range []bool{false, true} {
		for _, whole := range []bool{false, true} {
			r := newRig(t)
			if inPlace {
				r.keepInPlace()
			}
			// last sends the request after which all is there; it returns the answer and
			// where the upload is.
			last := func(name string) (reply, string) {
				if whole && !inPlace {
					got := r.call("POST", "/files", "0123456789", "Upload-Length: 10", metadata("filename", name))
					return got, got.header.Get("Location")
				}
				url := r.begin(10, name)
				r.patch(url, 0, "01234")
				return r.call("PATCH", url, "56789", "Upload-Offset: 5"), url
			}
			r.onContent(func(*actions.Event) (actions.Verdict, error) {
				return actions.Verdict{}, &actions.Denial{Hook: "scan", Status: 422, Body: "virus"}
			})
			if got, url := last("a"); got.status != 422 || got.body != "virus" {
				t.Errorf("refused: %d %q", got.status, got.body)
			} else if url != "" {
				r.want(410, "HEAD", url, "-")
			}
			if got := r.files(); got != "" {
				t.Errorf("refused, but there is %s", got)
			}
			if got := r.usage(); got != (dataprovider.Amount{}) {
				t.Errorf("usage %v", got)
			}
			r.onContent(func(*actions.Event) (actions.Verdict, error) {
				return actions.Verdict{Decision: actions.Quarantine, Name: "/q/x", Denial: &actions.Denial{Hook: "scan", Body: "held"}}, nil
			})
			if got, _ := last("a"); got.status < 400 || got.body != "held" {
				t.Errorf("quarantine: %d %q", got.status, got.body)
			}
			if got := r.content("q/x"); got != "0123456789" {
				t.Errorf("in quarantine: %q", got)
			}
			r.onContent(func(*actions.Event) (actions.Verdict, error) {
				return actions.Verdict{Decision: actions.Rename, Name: "/b"}, nil
			})
			got, url := last("a")
			if got.status >= 300 || r.content("b") != "0123456789" || r.content("a") != "-" {
				t.Errorf("moved: %d %q, there is %s", got.status, got.body, r.files())
			} else if got := r.want(200, "GET", url, "-"); got.body != "0123456789" {
				t.Errorf("moved: %q", got.body)
			}
			if inPlace || whole {
				continue
			}
			r.onContent(func(*actions.Event) (actions.Verdict, error) { return actions.Verdict{}, actions.ErrUnanswered })
			got, url = last("c")
			if got.status != 500 || r.content("c") != "-" {
				t.Errorf("no answer: %d %q", got.status, got.body)
			}
			r.onContent(func(*actions.Event) (actions.Verdict, error) { return actions.Verdict{}, nil })
			r.want(204, "PATCH", url, "", "Upload-Offset: 10")
			if r.content("c") != "0123456789" {
				t.Errorf("asked again: %s", r.files())
			}
		}
	}
}

// patient is a store that notices what is saved with less time than there would be if
// nobody had been asked.
type patient struct {
	dataprovider.Store
	mu       sync.Mutex
	answered time.Time
	short    int
}

func (p *patient) Uploads() dataprovider.Uploads { return patientUploads{p.Store.Uploads(), p} }

func (p *patient) look(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if end, ok := ctx.Deadline(); ok && !p.answered.IsZero() && end.Before(p.answered.Add(30*time.Second)) {
		p.short++
	}
}

type patientUploads struct {
	dataprovider.Uploads
	p *patient
}

func (u patientUploads) Add(ctx context.Context, up dataprovider.Upload) error {
	u.p.look(ctx)
	return u.Uploads.Add(ctx, up)
}

func (u patientUploads) Save(ctx context.Context, up dataprovider.Upload) error {
	u.p.look(ctx)
	return u.Uploads.Save(ctx, up)
}

// TestSlowHook: the time that a hook takes is not taken from what comes after it, so that
// what it has agreed to is recorded.
func TestSlowHook(t *testing.T) {
	for _, inPlace := range []bool{false, true} {
		for _, agrees := range []bool{false, true} {
			r := newRig(t)
			if err := r.stop(); err != nil {
				t.Fatal(err)
			}
			p := &patient{Store: r.store}
			r.store, r.inPlace = p, inPlace
			r.start()
			r.onContent(func(*actions.Event) (actions.Verdict, error) {
				p.mu.Lock()
				defer p.mu.Unlock()
				p.answered = time.Now()
				if !agrees {
					return actions.Verdict{}, &actions.Denial{Hook: "scan", Status: 422, Body: "virus"}
				}
				return actions.Verdict{}, nil
			})
			url := r.begin(10, "a")
			r.patch(url, 0, "01234")
			r.call("PATCH", url, "56789", "Upload-Offset: 5")
			p.mu.Lock()
			p.answered = time.Time{}
			p.mu.Unlock()
			r.call("POST", "/files", "0123456789", "Upload-Length: 10", metadata("filename", "b"))
			if p.mu.Lock(); p.short > 0 {
				t.Errorf("in place %v, agrees %v: %d records with the time that the hook has left", inPlace, agrees, p.short)
			}
			p.mu.Unlock()
		}
	}
}

// TestHeldContentIsNotRead: nobody gets content by its upload before a hook has seen it.
func TestHeldContentIsNotRead(t *testing.T) {
	for _, inPlace := range []bool{false, true} {
		r := newRig(t)
		if inPlace {
			r.keepInPlace()
		}
		url := r.begin(10, "a")
		r.patch(url, 0, "01234")
		r.want(200, "GET", url, "-")
		r.onContent(func(*actions.Event) (actions.Verdict, error) { return actions.Verdict{}, actions.ErrUnanswered })
		r.want(403, "GET", url, "-")
		r.want(500, "PATCH", url, "56789", "Upload-Offset: 5")
		r.want(403, "GET", url, "-")
		r.onContent(func(*actions.Event) (actions.Verdict, error) { return actions.Verdict{}, nil })
		r.want(204, "PATCH", url, "", "Upload-Offset: 10")
		r.want(200, "GET", url, "-")
	}
}

// TestMovedUploadIsDescribed: the end of an upload that a hook has put elsewhere is told
// with all that is known of it, and behind its beginning.
func TestMovedUploadIsDescribed(t *testing.T) {
	r := newRig(t)
	r.onContent(func(*actions.Event) (actions.Verdict, error) {
		return actions.Verdict{Decision: actions.Rename, Name: "/b"}, nil
	})
	url := r.begin(10, "a")
	r.patch(url, 0, "01234")
	r.patch(url, 5, "56789")
	events := r.take()
	if len(events) == 0 {
		t.Fatal("nothing is told")
	}
	e := events[len(events)-1]
	if e.Kind != actions.UploadDone || e.Object.Name != "/b" || e.Request == nil || e.Request.Method != "PATCH" {
		t.Errorf("%+v", e)
	}
	if tr := e.Transfer; tr.ID != filepath.Base(url) || tr.Length == nil || *tr.Length != 10 || tr.Offset != 10 || tr.Metadata["filename"] != "a" {
		t.Errorf("%+v", tr)
	}
	if d := cmp.Diff([]string{filepath.Join(r.home, "b"), filepath.Join(r.home, "a")}, e.Keys()); d != "" {
		t.Error(d)
	}
}
