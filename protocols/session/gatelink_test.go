package session_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/protocols/session"
)

// TestQuestionsLookBehindLinks: a hook for a directory is asked about what comes there
// through a link, too, whose name it does not know.
func TestQuestionsLookBehindLinks(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("real/f", "abc")
	r.symlink("real", "way")
	r.symlink("real/f", "link")
	s := r.open()
	r.asks(agree, actions.UploadCheck, actions.UploadVerify, actions.DownloadCheck, actions.DeleteCheck)
	must(t, upload(s, "/way/new", "x", put, nil), upload(s, "/link", "x", put, nil), upload(s, "/real/new", "x", put, nil))
	must(t, read(s, "/link"), s.Remove(t.Context(), "/link"), s.Remove(t.Context(), "/way/f"))
	var got []string
	for _, e := range r.asked() {
		got = append(got, string(e.Kind)+" "+e.Object.Name+" "+e.Object.Behind)
	}
	want := []string{
		"upload.check /way/new /real/new", "upload.verify /way/new /real/new",
		"upload.check /link /real/f", "upload.verify /link /real/f",
		"upload.check /real/new ", "upload.verify /real/new ",
		"download.check /link /real/f", "delete.check /link ", "delete.check /way/f /real/f",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
