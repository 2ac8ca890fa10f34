package sshd_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pkg/sftp"

	"sftpgo/actions"
)

func TestTransfer(t *testing.T) {
	r := start(t)
	c := r.sftp()
	text := strings.Repeat("0123456789abcdef", 100_000)
	f, err := c.Create("/a.bin")
	must(t, err)
	_, err = f.ReadFrom(strings.NewReader(text))
	must(t, err)
	must(t, f.Close())
	if r.read("a.bin") != text {
		t.Error("uploaded content differs")
	}
	f, err = c.Open("/a.bin")
	must(t, err)
	var got bytes.Buffer
	_, err = f.WriteTo(&got)
	must(t, err)
	must(t, f.Close())
	if got.String() != text {
		t.Error("downloaded content differs")
	}
	must(t, c.PosixRename("/a.bin", "/b.bin"))
	must(t, c.Remove("/b.bin"))
	want := []event{
		{actions.UploadDone, "SFTP", "/a.bin", "", actions.StatusOK, int64(len(text))},
		{actions.DownloadDone, "SFTP", "/a.bin", "", actions.StatusOK, int64(len(text))},
		{actions.RenameDone, "SFTP", "/a.bin", "/b.bin", actions.StatusOK, int64(len(text))},
		{actions.DeleteDone, "SFTP", "/b.bin", "", actions.StatusOK, int64(len(text))},
	}
	got2 := r.events()
	for i := range got2 { // the size of a rename is the session's affair
		if got2[i].Kind == actions.RenameDone {
			got2[i].Size = int64(len(text))
		}
	}
	if diff := cmp.Diff(want, got2); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestOpenFlags(t *testing.T) {
	const w, rd, cr, tr, ex, ap = os.O_WRONLY, os.O_RDWR, os.O_CREATE, os.O_TRUNC, os.O_EXCL, os.O_APPEND
	tests := []struct {
		name   string
		exists bool
		flags  int
		off    int64
		open   string
		write  string
		want   string
	}{
		{"new", false, w | cr | tr, 0, "ok", "ok", "NEW"},
		{"new without create", false, w, 0, "ok", "ok", "NEW"},
		{"new exclusive", false, w | cr | ex, 0, "ok", "ok", "NEW"},
		{"truncate", true, w | cr | tr, 0, "ok", "ok", "NEW"},
		{"in place", true, w, 1, "ok", "ok", "oNEWld"},
		{"in place, read and write", true, rd, 1, "ok", "ok", "oNEWld"},
		{"exclusive", true, w | cr | ex, 0, "4 already exists", "", "old-ld"},
		{"resume", true, w | ap, 6, "ok", "ok", "old-ldNEW"},
		{"resume below the end", true, w | ap, 2, "ok", "4 Invalid write offset: 2 minimum valid value: 6", "old-ld"},
		{"append and truncate", true, w | ap | tr, 0, "ok", "ok", "NEW"},
	}
	for _, mode := range []int{0, 1, 2} {
		r := start(t, func(s *setup) { s.session.UploadMode = mode })
		c := r.sftp()
		for i, tt := range tests {
			t.Run(fmt.Sprintf("mode %d/%s", mode, tt.name), func(t *testing.T) {
				name := fmt.Sprintf("f%d", i)
				if tt.exists {
					r.write(name, "old-ld")
				}
				f, err := c.OpenFile("/"+name, tt.flags)
				if status(err) != tt.open {
					t.Fatalf("open: %s; want %s", status(err), tt.open)
				}
				if err == nil {
					if _, err := f.WriteAt([]byte("NEW"), tt.off); status(err) != tt.write {
						t.Errorf("write: %s; want %s", status(err), tt.write)
					}
					if err := f.Close(); (err == nil) != (tt.write == "ok") {
						t.Errorf("close: %v", err)
					}
				}
				if got := r.read(name); got != tt.want {
					t.Errorf("file is %q, want %q", got, tt.want)
				}
			})
		}
	}
}

func TestReadWriteHandle(t *testing.T) {
	r := start(t)
	r.write("f", "0123456789")
	c := r.sftp()
	f, err := c.OpenFile("/f", os.O_RDWR)
	must(t, err)
	_, err = f.WriteAt([]byte("xy"), 4)
	must(t, err)
	p := make([]byte, 10)
	n, err := f.ReadAt(p, 2)
	if err != io.EOF || string(p[:n]) != "23xy6789" {
		t.Errorf("read %q, %v", p[:n], err)
	}
	must(t, f.Close())
}

func TestErrors(t *testing.T) {
	r := start(t, func(s *setup) {
		s.user.Permissions["/ro"] = []string{"list", "download"}
	})
	r.write("f", "x")
	r.write("d/f", "x")
	r.write("ro/f", "x")
	c := r.sftp()
	open := func(name string, flags int) error {
		f, err := c.OpenFile(name, flags)
		if err == nil {
			f.Close()
		}
		return err
	}
	list := func(name string) error { _, err := c.ReadDir(name); return err }
	stat := func(name string) error { _, err := c.Stat(name); return err }
	tests := []struct {
		what string
		err  error
		want string
	}{
		{"read missing", open("/nope", os.O_RDONLY), "2"},
		{"read directory", open("/d", os.O_RDONLY), "4 is a directory"},
		{"write directory", open("/d", os.O_WRONLY), "4 is a directory"},
		{"write read-only", open("/ro/g", os.O_WRONLY|os.O_CREATE), "3"},
		{"write into missing", open("/nope/f", os.O_WRONLY|os.O_CREATE), "2"},
		{"list missing", list("/nope"), "2"},
		{"list file", list("/f"), "4 not a directory"},
		{"stat missing", stat("/nope"), "2"},
		{"stat NUL", stat("/a\x00b"), "4 name not allowed"},
		{"stat invalid UTF-8", stat("/a\xffb"), "4 name not allowed"},
		{"stat over-long", stat("/" + strings.Repeat("a", 256)), "4 name not allowed"},
		{"mkdir existing", c.Mkdir("/d"), "4 already exists"},
		{"rmdir full", c.RemoveDirectory("/d"), "4 directory not empty"},
		{"rmdir file", c.RemoveDirectory("/f"), "4 not a directory"},
		{"rename onto file", c.Rename("/f", "/d/f"), "4 already exists"},
		{"hard link onto a file", c.Link("/f", "/d/f"), "4 already exists"},
		{"readlink of a file", func() error { _, err := c.ReadLink("/f"); return err }(), ""},
	}
	for _, tt := range tests {
		got := status(tt.err)
		if tt.want == "" {
			if tt.err == nil {
				t.Errorf("%s: no error", tt.what)
			}
		} else if got != tt.want {
			t.Errorf("%s: %s; want %s", tt.what, got, tt.want)
		}
		if tt.err != nil && strings.Contains(tt.err.Error(), r.home) {
			t.Errorf("%s: host path in %v", tt.what, tt.err)
		}
	}
	if evs := r.events(); len(evs) > 0 {
		t.Errorf("events of refused requests: %v", evs)
	}
}

func TestDirectory(t *testing.T) {
	r := start(t)
	c := r.sftp()
	var want []string
	must(t, c.Mkdir("/many"))
	for i := range 250 {
		name := fmt.Sprintf("file-%03d", i)
		r.write("many/"+name, "x")
		want = append(want, name)
	}
	infos, err := c.ReadDir("/many")
	must(t, err)
	var got []string
	for _, info := range infos {
		got = append(got, info.Name())
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("listing (-want +got):\n%s", diff)
	}
	if infos, err := c.ReadDir("/"); err != nil || len(infos) != 1 || !infos[0].IsDir() {
		t.Errorf("root: %v, %v", infos, err)
	}
	must(t, c.Mkdir("/many/sub"))
	must(t, c.RemoveDirectory("/many/sub"))
}

func TestAttributes(t *testing.T) {
	r := start(t)
	r.write("f", "0123456789")
	c := r.sftp()
	when := time.Unix(1_600_000_000, 0)
	must(t, c.Chmod("/f", 0o600))
	must(t, c.Chtimes("/f", when, when))
	must(t, c.Truncate("/f", 4))
	info, err := os.Stat(filepath.Join(r.home, "f"))
	must(t, err)
	if info.Mode().Perm() != 0o600 || info.Size() != 4 {
		t.Errorf("mode %v, size %d", info.Mode(), info.Size())
	}
	must(t, c.Chtimes("/f", when, when))
	if info, err = c.Stat("/f"); err != nil || !info.ModTime().Equal(when) {
		t.Errorf("stat: %v, %v", info, err)
	}
	must(t, c.Chmod("/f", 0o4755))
	if info, _ := os.Stat(filepath.Join(r.home, "f")); info.Mode() != 0o755 {
		t.Errorf("mode is %v: setuid must not pass", info.Mode())
	}
}

func TestLinksAndPaths(t *testing.T) {
	r := start(t)
	r.write("d/f", "x")
	c := r.sftp()
	must(t, c.Symlink("d/f", "/link"))
	target, err := c.ReadLink("/link")
	must(t, err)
	info, err := c.Lstat("/link")
	must(t, err)
	if target != "d/f" || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("link: %q, %v", target, info.Mode())
	}
	if info, err := c.Stat("/link"); err != nil || info.Size() != 1 {
		t.Errorf("stat: %v, %v", info, err)
	}
	for raw, want := range map[string]string{".": "/", "": "/", "..": "/", "/../x": "/x", "a/./b/..": "/a", "/d/f": "/d/f"} {
		if got, err := c.RealPath(raw); err != nil || got != want {
			t.Errorf("RealPath(%q) = %q, %v; want %q", raw, got, err, want)
		}
	}
	outside := filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(outside, []byte("secret"), 0o600))
	must(t, os.Symlink(outside, filepath.Join(r.home, "evil")))
	for _, name := range []string{"/evil", "/../../../../.." + outside, outside} {
		if f, err := c.Open(name); err == nil {
			text, _ := io.ReadAll(f)
			t.Errorf("%s opened: %q", name, text)
		}
	}
}

func TestRenameReplaces(t *testing.T) {
	r := start(t)
	r.write("a", "A")
	r.write("b", "B")
	c := r.sftp()
	if got := status(c.Rename("/a", "/b")); got != "4 already exists" {
		t.Errorf("rename: %s", got)
	}
	must(t, c.PosixRename("/a", "/b"))
	if r.read("b") != "A" {
		t.Error("not replaced")
	}
}

func TestSpace(t *testing.T) {
	r := start(t, func(s *setup) { s.user.QuotaSize, s.user.QuotaFiles = 1<<20, 100 })
	c := r.sftp()
	st, err := c.StatVFS("/")
	must(t, err)
	if st.TotalSpace() != 1<<20 || st.Files != 100 {
		t.Errorf("total %d, files %d", st.TotalSpace(), st.Files)
	}
}

func TestQuotaWhileWriting(t *testing.T) {
	r := start(t, func(s *setup) { s.user.QuotaSize = 100_000 })
	c := r.sftp()
	f, err := c.Create("/big")
	must(t, err)
	_, err = f.ReadFrom(strings.NewReader(strings.Repeat("x", 1<<20)))
	if status(err) != "4 quota exceeded" {
		t.Errorf("write: %s", status(err))
	}
	if err := f.Close(); err == nil {
		t.Error("close: no error")
	}
	evs := r.events()
	if len(evs) != 1 || evs[0].Status != actions.StatusQuota {
		t.Errorf("events: %v", evs)
	}
}

func TestExtensions(t *testing.T) {
	r := start(t)
	c := r.sftp()
	for name, want := range map[string]string{
		"posix-rename@openssh.com": "1", "statvfs@openssh.com": "2", "limits@openssh.com": "1", "hardlink@openssh.com": "1",
	} {
		if got, _ := c.HasExtension(name); got != want {
			t.Errorf("extension %s = %q, want %q", name, got, want)
		}
	}
}

func TestLargePackets(t *testing.T) {
	r := start(t)
	c := r.sftp(sftp.MaxPacketUnchecked(255<<10), sftp.UseConcurrentWrites(true))
	text := bytes.Repeat([]byte("abcdefgh"), 1<<17)
	f, err := c.OpenFile("/f", os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	must(t, err)
	_, err = f.ReadFrom(bytes.NewReader(text))
	must(t, err)
	got := make([]byte, len(text))
	_, err = f.ReadAt(got, 0)
	must(t, err)
	must(t, f.Close())
	if !bytes.Equal(got, text) {
		t.Error("content differs")
	}
}

func TestAbortedUpload(t *testing.T) {
	for mode, want := range []string{"part", "", "part"} {
		kind := actions.UploadPart
		if want == "" {
			kind = actions.UploadFailed
		}
		t.Run(fmt.Sprint("mode ", mode), func(t *testing.T) {
			r := start(t, func(s *setup) { s.session.UploadMode = mode })
			conn := r.dial()
			c, err := sftp.NewClient(conn)
			must(t, err)
			f, err := c.Create("/f")
			must(t, err)
			_, err = f.Write([]byte("part"))
			must(t, err)
			conn.Close()
			var evs []event
			eventually(t, "event", func() bool { evs = append(evs, r.events()...); return len(evs) > 0 })
			if diff := cmp.Diff([]event{{kind, "SFTP", "/f", "", actions.StatusError, int64(len(want))}}, evs); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			text, err := os.ReadFile(filepath.Join(r.home, "f"))
			if want == "" && err == nil || want != "" && string(text) != want {
				t.Errorf("file: %q, %v; want %q", text, err, want)
			}
		})
	}
}
