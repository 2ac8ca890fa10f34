package tus_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

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
