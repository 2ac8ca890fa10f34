package sftp

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// openCase is one way to open a file: what lies there, the flags, and what
// happens to three bytes written at off.
type openCase struct {
	flags int
	off   uint64
	open  string // the answer to OPEN
	write string // to WRITE
	read  string // the content through the handle, or the answer to READ
	close string
	want  string // the file afterwards; "-" is none
}

const (
	rd, wr, ap, cr, tr, ex = openRead, openWrite, openAppend, openCreate, openTrunc, openExcl

	denied = "3 permission denied"
	floor6 = "4 Invalid write offset: 2 minimum valid value: 6"
)

// openTable says what each combination of flags does, whatever the upload mode.
// "old-ld" lies at existing files and behind existing links.
func openTable() map[string][]openCase {
	return map[string][]openCase{
		"absent": {
			{rd, 0, "2 no such file or directory", "", "", "", "-"},
			{0, 0, "2 no such file or directory", "", "", "", "-"},
			{wr, 0, "", "", denied, "", "NEW"},
			{wr | cr, 0, "", "", denied, "", "NEW"},
			{wr | cr | tr, 2, "", "", denied, "", "\x00\x00NEW"},
			{wr | cr | ex, 0, "", "", denied, "", "NEW"},
			{wr | cr | tr | ex, 0, "", "", denied, "", "NEW"},
			{wr | ap, 0, "", "", denied, "", "NEW"},
			{wr | cr | ap, 0, "", "", denied, "", "NEW"},
			{ap, 0, "", "", denied, "", "NEW"},
			{rd | wr | cr, 0, "", "", "NEW", "", "NEW"},
			{rd | wr | cr | tr, 1, "", "", "\x00NEW", "", "\x00NEW"},
			{rd | wr | cr | ex, 0, "", "", "NEW", "", "NEW"},
			{rd | cr, 0, "", denied, "1 end of file", "", ""},
		},
		"file": {
			{rd, 0, "", denied, "old-ld", "", "old-ld"},
			{0, 0, "", denied, "old-ld", "", "old-ld"},
			{wr, 1, "", "", denied, "", "oNEWld"},
			{wr, 6, "", "", denied, "", "old-ldNEW"},
			{wr | cr, 4, "", "", denied, "", "old-NEW"},
			{wr | tr, 0, "", "", denied, "", "NEW"},
			{wr | cr | tr, 0, "", "", denied, "", "NEW"},
			{wr | cr | ex, 0, "4 already exists", "", "", "", "old-ld"},
			{wr | cr | tr | ex, 0, "4 already exists", "", "", "", "old-ld"},
			{wr | ex, 1, "", "", denied, "", "oNEWld"},
			{wr | ap, 6, "", "", denied, "", "old-ldNEW"},
			{wr | ap, 8, "", "", denied, "", "old-ld\x00\x00NEW"},
			{wr | ap, 0, "", "", denied, "", "old-ldNEW"},
			{wr | ap, 2, "", floor6, floor6, floor6, "old-ld"}, // a failed transfer stays one
			{wr | cr | ap, 6, "", "", denied, "", "old-ldNEW"},
			{wr | ap | tr, 0, "", "", denied, "", "NEW"},
			{ap, 6, "", "", denied, "", "old-ldNEW"},
			{rd | wr, 1, "", "", "oNEWld", "", "oNEWld"},
			{rd | wr | cr, 6, "", "", "old-ldNEW", "", "old-ldNEW"},
			{rd | wr | tr, 0, "", "", "NEW", "", "NEW"},
			{rd | wr | ap, 6, "", "", "old-ldNEW", "", "old-ldNEW"},
			{rd | cr, 0, "", denied, "old-ld", "", "old-ld"},
			{rd | tr, 0, "", denied, "1 end of file", "", ""},
		},
		"link": {
			{rd, 0, "", denied, "old-ld", "", "old-ld"},
			{wr, 1, "", "", denied, "", "oNEWld"},
			{wr | cr | tr, 0, "", "", denied, "", "NEW"},
			{wr | cr | ex, 0, "4 already exists", "", "", "", "old-ld"},
			{wr | ap, 6, "", "", denied, "", "old-ldNEW"},
			{rd | wr, 1, "", "", "oNEWld", "", "oNEWld"},
		},
		"directory": {
			{rd, 0, "4 is a directory", "", "", "", ""},
			{wr, 0, "4 is a directory", "", "", "", ""},
			{wr | cr | tr, 0, "4 is a directory", "", "", "", ""},
			{rd | wr, 0, "4 is a directory", "", "", "", ""},
		},
	}
}

// prepare lays what is to be opened, and returns the name behind it.
func (r *rig) prepare(kind, name string) (behind string) {
	switch kind {
	case "file":
		r.write(name, "old-ld")
	case "link":
		r.write(name+".target", "old-ld")
		must(r.t, os.Symlink(name+".target", r.path(name)))
		return name + ".target"
	case "directory":
		must(r.t, os.Mkdir(r.path(name), 0o755))
	}
	return name
}

func TestOpen(t *testing.T) {
	for mode := range 3 {
		for kind, cases := range openTable() {
			t.Run(fmt.Sprintf("mode %d/%s", mode, kind), func(t *testing.T) {
				r := newRig(t, func(s *setup) { s.session.UploadMode = mode })
				p := r.dial()
				for i, tt := range cases {
					name := fmt.Sprintf("f%d", i)
					behind := r.prepare(kind, name)
					got := p.tryOpen("/"+name, tt)
					if kind != "directory" {
						got.want = r.content(behind)
					}
					if diff := cmp.Diff(tt, got, cmp.AllowUnexported(openCase{})); diff != "" {
						t.Errorf("flags %#x at %d (-want +got):\n%s", tt.flags, tt.off, diff)
					}
				}
			})
		}
	}
}

// tryOpen opens, writes, reads and closes.
func (p *peer) tryOpen(name string, tt openCase) openCase {
	got := openCase{flags: tt.flags, off: tt.off}
	r := p.ask(typeOpen, name, tt.flags, 0)
	if r.kind != typeHandle {
		got.open = r.status()
		return got
	}
	h := r.text()
	got.write = p.ask(typeWrite, h, tt.off, "NEW").status()
	if r := p.ask(typeRead, h, uint64(0), 100); r.kind == typeData {
		got.read = r.text()
	} else {
		got.read = r.status()
	}
	got.close = p.ask(typeClose, h).status()
	return got
}

// TestStatWhileOpen: who looks at what it is uploading sees what has arrived, by
// name and by handle, in every upload mode (sshfs, WinSCP).
func TestStatWhileOpen(t *testing.T) {
	for mode := range 3 {
		t.Run(fmt.Sprint("mode ", mode), func(t *testing.T) {
			r := newRig(t, func(s *setup) { s.session.UploadMode = mode })
			r.write("f", "older content")
			p := r.dial()
			h := p.openFile("/f", wr|cr|tr)
			if st := p.ask(typeWrite, h, uint64(0), "1234567").status(); st != "" {
				t.Fatal(st)
			}
			for what, reply := range map[string]reply{
				"FSTAT": p.ask(typeFstat, h), "STAT": p.ask(typeStat, "/f"), "LSTAT": p.ask(typeLstat, "/f"),
			} {
				if a, err := reply.attrs(); reply.kind != typeAttrs || err != nil || *a.Size != 7 {
					t.Errorf("%s: %v", what, reply)
				}
			}
			if st := p.ask(typeFsetstat, h, attrSize|attrMode|attrTimes, uint64(3), 0o600, 1_500_000_000, 1_600_000_000).status(); st != "" {
				t.Errorf("FSETSTAT: %s", st)
			}
			a, err := (&fields{rest: p.ask(typeFstat, h).rest}).attrs()
			if err != nil || *a.Size != 3 || a.Mode.Perm() != 0o600 || a.Mtime.Unix() != 1_600_000_000 || a.Atime.Unix() != 1_500_000_000 {
				t.Errorf("after FSETSTAT: %v %v %v", *a.Size, a.Mode, a.Mtime)
			}
			if st := p.ask(typeClose, h).status(); st != "" {
				t.Errorf("CLOSE: %s", st)
			}
			if got := r.content("f"); got != "123" {
				t.Errorf("content %q", got)
			}
		})
	}
}

// TestAbandoned: an upload that nobody closed is never a success.
func TestAbandoned(t *testing.T) {
	for mode, want := range []string{"part", "-", "part"} {
		r := newRig(t, func(s *setup) { s.session.UploadMode = mode })
		r.write("g", "x")
		p := r.dial()
		p.openFile("/g", rd)
		h := p.openFile("/f", wr|cr|tr)
		if st := p.ask(typeWrite, h, uint64(0), "part").status(); st != "" {
			t.Fatal(st)
		}
		p.conn.Close()
		if err := <-p.done; err != nil && !errors.Is(err, os.ErrClosed) {
			t.Logf("Serve: %v", err)
		}
		if got := r.content("f"); got != want {
			t.Errorf("mode %d: content %q, want %q", mode, got, want)
		}
		events := r.events()
		for _, e := range events {
			if e == "upload.done /f 1" {
				t.Errorf("mode %d: events %q", mode, events)
			}
		}
		if len(events) != 2 {
			t.Errorf("mode %d: events %q", mode, events)
		}
	}
}
