package sftp

import (
	"os"
	"slices"
	"testing"
	"time"
)

// sparse makes a file that takes longer to copy than any test.
func (r *rig) sparse(name string) {
	r.t.Helper()
	r.write(name, "")
	must(r.t, os.Truncate(r.path(name), 1<<40))
}

// TestCopyCutShort: the CLOSE behind a copy that ended with the client must not
// make what was copied so far an upload.
func TestCopyCutShort(t *testing.T) {
	for _, mode := range []int{0, 1} {
		r := newRig(t, func(s *setup) { s.session.UploadMode = mode })
		r.sparse("big")
		p := r.dial()
		src, dst := p.openFile("/big", openRead), p.openFile("/copy", openWrite|openCreate|openTrunc)
		late := p.openFile("/late", openWrite|openCreate|openTrunc)
		p.send(
			frame(typeExtended, 10, "copy-data", src, uint64(0), uint64(0), dst, uint64(0)),
			frame(typeExtended, 11, "copy-data", src, uint64(0), uint64(5), late, uint64(0)),
			frame(typeClose, 12, dst), frame(typeClose, 13, late))
		eventually(t, "the copy begins", func() bool {
			for _, dir := range []string{".", "copy"} { // staged files are in the home, too
				list, _ := os.ReadDir(r.path(dir))
				for _, entry := range list {
					if info, err := entry.Info(); err == nil && entry.Name() != "big" && info.Size() > 0 {
						return true
					}
				}
			}
			return false
		})
		must(t, p.conn.Close())
		<-p.done
		got := r.events()
		slices.Sort(got)
		want := []string{"download.done /big 0", "upload.failed /copy 0", "upload.failed /late 0"}
		if mode == 0 { // what was copied so far stays
			want = []string{"download.done /big 0", "upload.failed /late 0", "upload.part /copy 0"}
		}
		if !slices.Equal(got, want) {
			t.Errorf("upload mode %d: %q, want %q", mode, got, want)
		}
		if mode == 1 && r.content("copy") != "-" {
			t.Error("what was copied so far was published")
		}
	}
}

// TestEndOfClient: what takes long ends with the client, though its requests are
// still in front of the end of the stream.
func TestEndOfClient(t *testing.T) {
	r := newRig(t)
	r.sparse("big")
	p := r.dial()
	src := p.openFile("/big", openRead)
	for id := range maxQueued {
		p.send(frame(typeExtended, 10+id, "check-file-handle", src, "sha1", uint64(0), uint64(0), 0))
	}
	// The loop reads no further than this one, which finds no room in the lane.
	p.send(frame(typeExtended, 9, "check-file-handle", src, "sha1", uint64(0), uint64(0), 0))
	r.leave()
	must(t, p.conn.Close())
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		t.Error("the server works for nobody")
	}
}

// TestAppendAfterOtherChanges: what was copied or cut through the handle counts
// for the end to which is appended.
func TestAppendAfterOtherChanges(t *testing.T) {
	r := newRig(t)
	r.write("src", "source")
	r.write("log", "0123456789")
	p := r.dial()
	src, log := p.openFile("/src", openRead), p.openFile("/log", openWrite|openAppend)
	for _, step := range []struct {
		request []byte
		want    string
	}{
		{frame(typeExtended, 9, "copy-data", src, uint64(0), uint64(0), log, uint64(0)), "0123456789source"},
		{frame(typeWrite, 9, log, uint64(0), "A"), "0123456789sourceA"},
		{frame(typeExtended, 9, "copy-data", src, uint64(0), uint64(3), log, uint64(0)), "0123456789sourceAsou"},
		{frame(typeWrite, 9, log, uint64(1), "B"), "0123456789sourceAsouB"},
		{frame(typeFsetstat, 9, log, attrSize, uint64(4)), "0123"},
		{frame(typeWrite, 9, log, uint64(2), "C"), "0123C"},
	} {
		p.send(step.request)
		if got := p.wait(9).status(); got != "" {
			t.Fatal(got)
		}
		if got := r.content("log"); got != step.want {
			t.Errorf("%q, want %q", got, step.want)
		}
	}
	if got := p.ask(typeClose, log).status(); got != "" {
		t.Error(got)
	}

	log = p.openFile("/log", openWrite|openAppend)
	if got := p.ask(typeExtended, "copy-data", src, uint64(0), uint64(0), log, uint64(3)).status(); got == "" {
		t.Error("a copy into what was there before is not refused")
	}
	if got := r.content("log"); got != "0123C" {
		t.Errorf("%q", got)
	}
}
