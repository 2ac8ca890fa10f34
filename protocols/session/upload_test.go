package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

var errCut = errors.New("connection lost")

// TestUploadOutcomes is the table of what a transfer leaves: in the storage, in
// the event, in the quota.
func TestUploadOutcomes(t *testing.T) {
	tests := []struct {
		mode    int
		old     string // "-" for none
		open    vfs.Mode
		send    string
		fail    error
		limit   int64 // max_upload_file_size
		content string
		event   string
		usage   dataprovider.Amount
		wantErr error
	}{
		{0, "-", put, "abc", nil, 0, "abc", "upload.done /f 1 3", dataprovider.Amount{Files: 1, Bytes: 3}, nil},
		{1, "-", put, "abc", nil, 0, "abc", "upload.done /f 1 3", dataprovider.Amount{Files: 1, Bytes: 3}, nil},
		{2, "-", put, "abc", nil, 0, "abc", "upload.done /f 1 3", dataprovider.Amount{Files: 1, Bytes: 3}, nil},
		{0, "old!", put, "abc", nil, 0, "abc", "upload.done /f 1 3", dataprovider.Amount{Files: 1, Bytes: 3}, nil},
		{1, "old!", put, "abc", nil, 0, "abc", "upload.done /f 1 3", dataprovider.Amount{Files: 1, Bytes: 3}, nil},
		{0, "-", put, "", nil, 0, "", "upload.done /f 1 0", dataprovider.Amount{Files: 1}, nil},
		{1, "-", put, "", nil, 0, "", "upload.done /f 1 0", dataprovider.Amount{Files: 1}, nil},

		{0, "-", put, "ab", errCut, 0, "ab", "upload.part /f 0 2", dataprovider.Amount{Files: 1, Bytes: 2}, errCut},
		{1, "-", put, "ab", errCut, 0, "-", "upload.failed /f 0 0", dataprovider.Amount{}, errCut},
		{2, "-", put, "ab", errCut, 0, "ab", "upload.part /f 0 2", dataprovider.Amount{Files: 1, Bytes: 2}, errCut},
		{0, "old!", put, "ab", errCut, 0, "ab", "upload.part /f 0 2", dataprovider.Amount{Files: 1, Bytes: 2}, errCut},
		{1, "old!", put, "ab", errCut, 0, "old!", "upload.failed /f 0 0", dataprovider.Amount{Files: 1, Bytes: 4}, errCut},
		{2, "old!", put, "ab", errCut, 0, "ab", "upload.part /f 0 2", dataprovider.Amount{Files: 1, Bytes: 2}, errCut},
		{2, "old!", put, "", errCut, 0, "old!", "upload.failed /f 0 0", dataprovider.Amount{Files: 1, Bytes: 4}, errCut},

		{0, "-", put, "abcdef", nil, 5, "-", "upload.failed /f 2 0", dataprovider.Amount{}, session.ErrQuota},
		{1, "-", put, "abcdef", nil, 5, "-", "upload.failed /f 2 0", dataprovider.Amount{}, session.ErrQuota},
		{2, "-", put, "abcdef", nil, 5, "-", "upload.failed /f 2 0", dataprovider.Amount{}, session.ErrQuota},
		{0, "old!", put, "abcdef", nil, 5, "-", "upload.failed /f 2 0", dataprovider.Amount{}, session.ErrQuota},
		{1, "old!", put, "abcdef", nil, 5, "old!", "upload.failed /f 2 0", dataprovider.Amount{Files: 1, Bytes: 4}, session.ErrQuota},

		{0, "old!", vfs.Write | vfs.Create, "+new", nil, 0, "old!+new", "upload.done /f 1 8", dataprovider.Amount{Files: 1, Bytes: 8}, nil},
		{1, "old!", vfs.Write | vfs.Create, "+new", nil, 0, "old!+new", "upload.done /f 1 8", dataprovider.Amount{Files: 1, Bytes: 8}, nil},
		{1, "old!", vfs.Write | vfs.Create, "+n", errCut, 0, "old!+n", "upload.part /f 0 6", dataprovider.Amount{Files: 1, Bytes: 6}, errCut},
		{0, "old!", vfs.Write | vfs.Create, "+new", nil, 5, "old!", "upload.failed /f 2 4", dataprovider.Amount{Files: 1, Bytes: 4}, session.ErrQuota},
		{1, "old!", vfs.Write | vfs.Create, "+new", nil, 5, "old!", "upload.failed /f 2 4", dataprovider.Amount{Files: 1, Bytes: 4}, session.ErrQuota},
	}
	for i, tt := range tests {
		t.Run(fmt.Sprintf("%d mode %d", i, tt.mode), func(t *testing.T) {
			r := newRig(t, session.Config{UploadMode: tt.mode}, func(u *dataprovider.User) {
				u.Filters.MaxUploadFileSize = tt.limit
			})
			if tt.old != "-" {
				r.write("f", tt.old)
				if _, err := r.store.Usage().Add(t.Context(), "alice", dataprovider.Amount{Files: 1, Bytes: int64(len(tt.old))}); err != nil {
					t.Fatal(err)
				}
			}
			err := upload(r.open(), "/f", tt.send, tt.open, tt.fail)
			if !errors.Is(err, tt.wantErr) {
				t.Errorf("error %v, want %v", err, tt.wantErr)
			}
			if got := r.content("f"); got != tt.content {
				t.Errorf("content %q, want %q", got, tt.content)
			}
			if diff := cmp.Diff([]string{tt.event}, r.events()); diff != "" {
				t.Errorf("events: %s", diff)
			}
			if diff := cmp.Diff(tt.usage, r.usage()); diff != "" {
				t.Errorf("usage: %s", diff)
			}
			if l := r.leftovers(); len(l) > 0 {
				t.Errorf("leftovers %v", l)
			}
		})
	}
}

// TestStagedUpload looks at an upload while it runs: nobody else sees it, its
// own session does.
func TestStagedUpload(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	r.write("f", "old")
	s, other := r.open(), r.open()
	tr, err := s.Upload(t.Context(), "/f", put)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.WriteAt([]byte("new content"), 0); err != nil {
		t.Fatal(err)
	}
	if got := r.content("f"); got != "old" {
		t.Errorf("content before the end: %q", got)
	}
	if info, err := s.Stat(t.Context(), "/f"); err != nil || info.Size() != 11 || info.Name() != "f" {
		t.Errorf("own session sees %v, %v", info, err)
	}
	if info, err := other.Stat(t.Context(), "/f"); err != nil || info.Size() != 3 {
		t.Errorf("other session sees %v, %v", info, err)
	}
	for info, err := range other.List(t.Context(), "/") {
		if err != nil || info.Name() != "f" {
			t.Errorf("listing shows %v, %v", info, err)
		}
	}
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	if got := r.content("f"); got != "new content" {
		t.Errorf("content after the end: %q", got)
	}
}

// TestQuotaUnderLoad lets many clients fight for the last bytes: the limits hold
// to the byte, and everything accepted is counted.
func TestQuotaUnderLoad(t *testing.T) {
	for _, mode := range []int{0, 1} {
		t.Run(fmt.Sprint("mode ", mode), func(t *testing.T) {
			const files, size = 20, 1000
			r := newRig(t, session.Config{UploadMode: mode}, func(u *dataprovider.User) {
				u.QuotaFiles, u.QuotaSize = files, files*size
			})
			var wg sync.WaitGroup
			for i := range 200 {
				s := r.open()
				wg.Go(func() {
					_ = upload(s, fmt.Sprintf("/f%d", i), strings.Repeat("x", size), put, nil) // most are refused
				})
			}
			wg.Wait()
			used := r.usage()
			if used.Files > files || used.Bytes > files*size {
				t.Errorf("usage %+v is over the limit", used)
			}
			if used.Files*size != used.Bytes || used.Files == 0 {
				t.Errorf("usage %+v is not whole files", used)
			}
			s := r.open()
			for used.Files < files { // the refused leave no reservation behind
				if err := upload(s, fmt.Sprintf("/g%d", used.Files), strings.Repeat("x", size), put, nil); err != nil {
					t.Fatalf("with %+v used: %v", used, err)
				}
				used = r.usage()
			}
			if err := upload(s, "/more", "x", put, nil); !errors.Is(err, session.ErrQuota) {
				t.Errorf("over the limit: %v", err)
			}
		})
	}
}

// TestOverwriteRace checks the accounts after many clients wrote one file.
func TestOverwriteRace(t *testing.T) {
	for _, mode := range []int{0, 1} {
		t.Run(fmt.Sprint("mode ", mode), func(t *testing.T) {
			r := newRig(t, session.Config{UploadMode: mode})
			var wg sync.WaitGroup
			for i := range 50 {
				s := r.open()
				wg.Go(func() {
					if err := upload(s, "/f", strings.Repeat("x", 10+i), put, nil); err != nil && !errors.Is(err, vfs.ErrNotExist) {
						t.Error(err)
					}
					if i%5 == 0 {
						if err := s.Remove(t.Context(), "/f"); err != nil && !errors.Is(err, vfs.ErrNotExist) {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			if err := upload(r.open(), "/f", "end", put, nil); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(dataprovider.Amount{Files: 1, Bytes: 3}, r.usage()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestReadFrom sends more than a piece through the path that FTP uses, with and
// without a limit in the middle.
func TestReadFrom(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 600<<10/16*16)
	r := newRig(t, session.Config{})
	s := r.open()
	tr, err := s.Upload(t.Context(), "/f", put)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := tr.ReadFrom(bytes.NewReader(content)); err != nil || n != int64(len(content)) {
		t.Fatalf("%d, %v", n, err)
	}
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	down, err := s.Download(t.Context(), "/f")
	if err != nil {
		t.Fatal(err)
	}
	var back bytes.Buffer
	if _, err := down.WriteTo(&back); err != nil {
		t.Fatal(err)
	}
	if err := down.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(back.Bytes(), content) {
		t.Error("content differs")
	}

	limited := newRig(t, session.Config{UploadMode: 1}, func(u *dataprovider.User) { u.QuotaSize = 5 << 20 })
	s = limited.open()
	for size, want := range map[int]error{5 << 20: nil, 5<<20 + 1: session.ErrQuota} {
		name := fmt.Sprint("/", size)
		tr, err := s.Upload(t.Context(), name, put)
		if err != nil {
			t.Fatal(err)
		}
		_, err = tr.ReadFrom(bytes.NewReader(content[:size]))
		if cerr := tr.Close(); err == nil {
			err = cerr
		}
		if !errors.Is(err, want) {
			t.Errorf("%d bytes: %v, want %v", size, err, want)
		}
		if want == nil {
			if err := s.Remove(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestReadBack checks files opened for reading and writing.
func TestReadBack(t *testing.T) {
	r := newRig(t, session.Config{})
	r.write("f", "content")
	s := r.open()
	for _, write := range []bool{false, true} {
		tr, err := s.Upload(t.Context(), "/f", vfs.Read|vfs.Write)
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 7)
		if _, err := tr.ReadAt(buf, 0); err != nil && err != io.EOF {
			t.Fatal(err)
		}
		if write {
			if _, err := tr.WriteAt([]byte("C"), 0); err != nil {
				t.Fatal(err)
			}
		}
		if err := tr.Close(); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"download.done /f 1 7", "upload.done /f 1 7"}
	if diff := cmp.Diff(want, r.events()); diff != "" {
		t.Error(diff)
	}
}

// TestKickedSession checks that a session that is closed fails its transfers.
func TestKickedSession(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	s := r.open()
	tr, err := s.Upload(t.Context(), "/f", put)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Write([]byte("more")); !errors.Is(err, session.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
	if err := tr.Close(); !errors.Is(err, session.ErrClosed) {
		t.Errorf("close: %v", err)
	}
	if _, err := s.Stat(context.Background(), "/"); !errors.Is(err, session.ErrClosed) {
		t.Errorf("stat: %v", err)
	}
	if diff := cmp.Diff([]string{"upload.failed /f 0 0"}, r.events()); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(r.leftovers(), nil) || r.content("f") != "-" {
		t.Error("something was left")
	}
	if r.metrics.failed != 1 || r.metrics.sessions != 0 {
		t.Errorf("counted %d failures, %d sessions", r.metrics.failed, r.metrics.sessions)
	}
}
