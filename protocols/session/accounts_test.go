package session_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// walk counts what really lies in the home, a file with several names once.
func (r *rig) walk() dataprovider.Amount {
	r.t.Helper()
	var sum dataprovider.Amount
	var seen []fs.FileInfo
	err := filepath.WalkDir(r.home, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.HasPrefix(d.Name(), vfs.StagingPrefix) {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if slices.ContainsFunc(seen, func(other fs.FileInfo) bool { return os.SameFile(info, other) }) {
			return nil
		}
		seen = append(seen, info)
		sum = sum.Add(dataprovider.Amount{Files: 1, Bytes: info.Size()})
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return sum
}

func (r *rig) exact(limit int64) {
	r.t.Helper()
	if diff := cmp.Diff(r.walk(), r.usage()); diff != "" {
		r.t.Errorf("usage differs from what lies there: %s", diff)
	}
	if used := r.walk(); limit > 0 && used.Bytes > limit {
		r.t.Errorf("%d bytes are stored, the limit is %d", used.Bytes, limit)
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func begin(t *testing.T, s *session.Session, name string, mode vfs.Mode) *session.Transfer {
	t.Helper()
	tr, err := s.Upload(t.Context(), name, mode)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func send(t *testing.T, tr *session.Transfer, n int, off int64) {
	t.Helper()
	if _, err := tr.WriteAt(make([]byte, n), off); err != nil {
		t.Fatal(err)
	}
}

const inPlace = vfs.Write | vfs.Create

// TestAccountsOfOpenFiles changes a file under those who are writing it in place.
func TestAccountsOfOpenFiles(t *testing.T) {
	tests := []struct {
		name   string
		run    func(t *testing.T, a, b *session.Session)
		events []string
	}{
		{"rename", func(t *testing.T, a, b *session.Session) {
			tr := begin(t, a, "/f", put)
			send(t, tr, 10, 0)
			must(t, b.Rename(t.Context(), "/f", "/g"))
			send(t, tr, 10, 10)
			must(t, tr.Close())
		}, []string{"rename.done /f /g 1 0", "upload.done /g 1 20"}},
		{"rename of the directory", func(t *testing.T, a, b *session.Session) {
			must(t, a.Mkdir(t.Context(), "/d"))
			tr := begin(t, a, "/d/f", put)
			send(t, tr, 10, 0)
			must(t, b.Rename(t.Context(), "/d", "/e"))
			send(t, tr, 10, 10)
			must(t, tr.Close())
		}, []string{"rename.done /d /e 1 0", "upload.done /e/f 1 20"}},
		{"remove", func(t *testing.T, a, b *session.Session) {
			must(t, upload(a, "/f", "old", put, nil))
			tr := begin(t, a, "/f", inPlace)
			send(t, tr, 10, 0)
			must(t, b.Remove(t.Context(), "/f"))
			send(t, tr, 10, 10)
			must(t, tr.Close())
		}, []string{"upload.done /f 1 3", "delete.done /f 1 10", "upload.done /f 1 0"}},
		{"remove and make again", func(t *testing.T, a, b *session.Session) {
			tr := begin(t, a, "/f", put)
			send(t, tr, 10, 0)
			must(t, b.Remove(t.Context(), "/f"))
			must(t, upload(b, "/f", "other", put, nil))
			send(t, tr, 10, 10)
			must(t, tr.Close())
		}, []string{"delete.done /f 1 10", "upload.done /f 1 5", "upload.done /f 1 0"}},
		{"replace", func(t *testing.T, a, b *session.Session) {
			must(t, upload(a, "/g", "other", put, nil))
			tr := begin(t, a, "/f", put)
			send(t, tr, 10, 0)
			must(t, b.Rename(t.Context(), "/g", "/f"))
			send(t, tr, 10, 10)
			must(t, tr.Close())
		}, []string{"upload.done /g 1 5", "rename.done /g /f 1 0", "upload.done /f 1 0"}},
		{"truncate", func(t *testing.T, a, b *session.Session) {
			must(t, upload(a, "/f", "0123456789", put, nil))
			tr := begin(t, a, "/f", inPlace)
			must(t, b.SetAttrs(t.Context(), "/f", vfs.Attrs{Size: ptr(int64(2))}))
			send(t, tr, 3, 2)
			must(t, tr.Close())
		}, []string{"upload.done /f 1 10", "upload.done /f 1 5"}},
		{"two writers", func(t *testing.T, a, b *session.Session) {
			must(t, upload(a, "/f", "old", put, nil))
			x, y := begin(t, a, "/f", inPlace), begin(t, b, "/f", inPlace)
			send(t, x, 10, 0)
			must(t, x.Close())
			send(t, y, 20, 0)
			must(t, y.Close())
		}, []string{"upload.done /f 1 3", "upload.done /f 1 10", "upload.done /f 1 20"}},
		{"a writer and one who only looks", func(t *testing.T, a, b *session.Session) {
			must(t, upload(a, "/f", "old", put, nil))
			look := begin(t, b, "/f", vfs.Read|vfs.Write)
			tr := begin(t, a, "/f", inPlace)
			send(t, tr, 10, 0)
			must(t, look.Close(), tr.Close())
		}, []string{"upload.done /f 1 3", "upload.done /f 1 10"}},
		{"one who only looks is last", func(t *testing.T, a, b *session.Session) {
			must(t, upload(a, "/f", "old", put, nil))
			look := begin(t, b, "/f", vfs.Read|vfs.Write)
			tr := begin(t, a, "/f", inPlace)
			send(t, tr, 10, 0)
			must(t, tr.Close(), look.Close())
		}, []string{"upload.done /f 1 3", "upload.done /f 1 10"}},
		{"through a link", func(t *testing.T, a, b *session.Session) {
			must(t, upload(a, "/f", "old", put, nil), a.Symlink(t.Context(), "f", "/link"))
			x, y := begin(t, a, "/f", inPlace), begin(t, b, "/link", inPlace)
			send(t, x, 10, 0)
			send(t, y, 20, 0)
			must(t, x.Close(), y.Close())
		}, []string{"upload.done /f 1 3", "upload.done /link 1 20", "upload.done /f 1 20"}},
		{"through a linked directory", func(t *testing.T, a, b *session.Session) {
			must(t, a.Mkdir(t.Context(), "/d"), upload(a, "/d/f", "old", put, nil), a.Symlink(t.Context(), "d", "/link"))
			x, y := begin(t, a, "/d/f", inPlace), begin(t, b, "/link/f", inPlace)
			send(t, x, 10, 0)
			send(t, y, 20, 0)
			must(t, x.Close(), y.Close())
		}, []string{"upload.done /d/f 1 3", "upload.done /link/f 1 20", "upload.done /d/f 1 20"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, session.Config{}, func(u *dataprovider.User) { u.QuotaSize = 1000 })
			tt.run(t, r.open(), r.open())
			r.exact(0)
			if diff := cmp.Diff(tt.events, r.events()); diff != "" {
				t.Error(diff)
			}
			if err := upload(r.open(), "/rest", strings.Repeat("x", int(1000-r.walk().Bytes)), put, nil); err != nil {
				t.Errorf("what is left of the quota cannot be used: %v", err)
			}
		})
	}
}

// TestStagedUploadInMovedDirectory publishes where the directory is by then.
func TestStagedUploadInMovedDirectory(t *testing.T) {
	r := newRig(t, session.Config{UploadMode: 1})
	a, b := r.open(), r.open()
	must(t, a.Mkdir(t.Context(), "/d"), upload(a, "/d/f", "old!", put, nil))
	tr := begin(t, a, "/d/f", put)
	send(t, tr, 10, 0)
	must(t, b.Rename(t.Context(), "/d", "/e"))
	must(t, tr.Close())
	r.exact(0)
	want := []string{"upload.done /d/f 1 4", "rename.done /d /e 1 0", "upload.done /e/f 1 10"}
	if diff := cmp.Diff(want, r.events()); diff != "" {
		t.Error(diff)
	}
}

// TestNoCreditForFilesThatAreGone: an upload over a file may be as large as that
// file without room in the quota, but only as long as the file counts.
func TestNoCreditForFilesThatAreGone(t *testing.T) {
	const limit = 1000
	full := strings.Repeat("x", 900)
	quota := func(u *dataprovider.User) { u.QuotaSize = limit }
	t.Run("staged", func(t *testing.T) {
		r := newRig(t, session.Config{UploadMode: 1}, quota)
		s := r.open()
		must(t, upload(s, "/f", full, put, nil))
		var list []*session.Transfer
		for range 5 {
			tr := begin(t, s, "/f", put)
			send(t, tr, 900, 0)
			list = append(list, tr)
		}
		for i, tr := range list {
			_ = tr.Close() // refused once the old file has moved away
			_ = s.Rename(t.Context(), "/f", fmt.Sprint("/f", i))
		}
		r.exact(limit)
	})
	t.Run("truncated by name", func(t *testing.T) {
		r := newRig(t, session.Config{}, quota)
		s, other := r.open(), r.open()
		var list []*session.Transfer
		for i := range 5 {
			name := fmt.Sprint("/f", i)
			if upload(s, name, full, put, nil) != nil {
				break
			}
			list = append(list, begin(t, s, name, inPlace))
			must(t, other.SetAttrs(t.Context(), name, vfs.Attrs{Size: ptr(int64(0))}))
		}
		for _, tr := range list {
			_, _ = tr.WriteAt([]byte(full), 0)
			_ = tr.Close()
		}
		r.exact(limit)
	})
	t.Run("truncated by another handle", func(t *testing.T) {
		r := newRig(t, session.Config{}, quota)
		s := r.open()
		var list []*session.Transfer
		for i := range 5 {
			name := fmt.Sprint("/f", i)
			if upload(s, name, full, put, nil) != nil {
				break
			}
			keep, cut := begin(t, s, name, inPlace), begin(t, s, name, inPlace)
			must(t, cut.SetAttrs(t.Context(), vfs.Attrs{Size: ptr(int64(0))}), cut.Close())
			list = append(list, keep)
		}
		for _, tr := range list {
			_, _ = tr.WriteAt([]byte(full), 0)
			_ = tr.Close()
		}
		r.exact(limit)
	})
}

// TestQuotaIsUsedUp: clients that together need exactly what is left all get it.
func TestQuotaIsUsedUp(t *testing.T) {
	const clients, size = 100, 1000
	for _, how := range []string{"write", "read from"} {
		for _, mode := range []int{0, 1} {
			t.Run(fmt.Sprint(how, " mode ", mode), func(t *testing.T) {
				r := newRig(t, session.Config{UploadMode: mode}, func(u *dataprovider.User) {
					u.QuotaFiles, u.QuotaSize = clients, clients*size
				})
				var wg sync.WaitGroup
				for i := range clients {
					s := r.open()
					wg.Go(func() {
						tr, err := s.Upload(s.Context(), fmt.Sprint("/f", i), put)
						if err != nil {
							t.Error(err)
							return
						}
						if how == "write" {
							_, err = tr.Write(make([]byte, size))
						} else {
							_, err = tr.ReadFrom(strings.NewReader(strings.Repeat("x", size)))
						}
						if err = errors.Join(err, tr.Close()); err != nil {
							t.Error(err)
						}
					})
				}
				wg.Wait()
				r.exact(clients * size)
			})
		}
	}
}

// TestClientGone: an operation whose client leaves is booked, or did not happen.
func TestClientGone(t *testing.T) {
	for _, mode := range []int{0, 1} {
		cfg := session.Config{UploadMode: mode}
		r := newRig(t, cfg)
		s := r.open()
		must(t, upload(s, "/f", "0123456789", put, nil))
		gone, leave := context.WithCancel(t.Context())
		r.hooks.onAsk = leave
		_ = s.Remove(gone, "/f") // the client leaves while the hook is asked
		r.hooks.onAsk = nil
		_, _ = s.Upload(gone, "/missing/f", put)
		_, _ = s.Upload(gone, "/g", put)
		_ = s.Rename(gone, "/f", "/h")
		_ = s.SetAttrs(gone, "/f", vfs.Attrs{Size: ptr(int64(1))})
		must(t, s.Close())
		r.exact(0)
		r.events()
		before := r.usage()
		r.restart(cfg, r.store)
		if n, err := r.manager.Recover(t.Context()); err != nil || n > 0 {
			t.Errorf("mode %d: %d intentions were left behind, %v", mode, n, err)
		}
		if diff := cmp.Diff(before, r.usage()); diff != "" {
			t.Error(diff)
		}
	}
}

// TestIntentionOfFailedOpenIsDropped: what did not happen is not told, and not
// booked, after a restart either.
func TestIntentionOfFailedOpenIsDropped(t *testing.T) {
	r := newRig(t, session.Config{})
	s := r.open()
	must(t, upload(s, "/f", "0123456789", put, nil), os.Chmod(filepath.Join(r.home, "f"), 0o400))
	ctx, cancel := context.WithCancel(t.Context())
	store := &dyingStore{Store: r.store, onBegin: cancel}
	r.restart(session.Config{}, store)
	if _, err := r.open().Upload(ctx, "/missing/g", put); !errors.Is(err, vfs.ErrNotExist) {
		t.Error(err)
	}
	r.restart(session.Config{}, r.store)
	if n, err := r.manager.Recover(t.Context()); err != nil || n > 0 {
		t.Errorf("%d intentions were left behind, %v", n, err)
	}
}

// TestHandledByHookIsBooked: the hook has moved the file, the client has gone.
func TestHandledByHookIsBooked(t *testing.T) {
	r := newRig(t, session.Config{})
	s := r.open()
	must(t, upload(s, "/f", "0123456789", put, nil))
	gone, leave := context.WithCancel(t.Context())
	r.hooks.verdict.Decision = actions.Handled
	r.hooks.onAsk = func() { r.removeOutside("f"); leave() }
	_ = s.Remove(gone, "/f")
	r.exact(0)
}

// TestLateQuotaErrorSparesOthers: what took the name of an upload meanwhile is
// not what its failure removes.
func TestLateQuotaErrorSparesOthers(t *testing.T) {
	r := newRig(t, session.Config{}, func(u *dataprovider.User) { u.Filters.MaxUploadFileSize = 10 })
	a, b := r.open(), r.open()
	must(t, upload(b, "/g", "other", put, nil))
	tr := begin(t, a, "/f", put)
	must(t, b.Rename(t.Context(), "/g", "/f"))
	if _, err := tr.WriteAt(make([]byte, 11), 0); !errors.Is(err, session.ErrQuota) {
		t.Fatal(err)
	}
	if err := tr.Close(); !errors.Is(err, session.ErrQuota) {
		t.Fatal(err)
	}
	if got := r.content("f"); got != "other" {
		t.Errorf("content %q", got)
	}
	r.exact(0)
}

// TestCopyOntoItself leaves the file alone.
func TestCopyOntoItself(t *testing.T) {
	r := newRig(t, session.Config{})
	s := r.open()
	must(t, upload(s, "/f", "content", put, nil), s.Symlink(t.Context(), "f", "/link"))
	for _, dst := range []string{"/f", "/link"} {
		if err := s.Copy(t.Context(), "/f", dst); err == nil {
			t.Errorf("copy onto %s succeeded", dst)
		}
		if got := r.content("f"); got != "content" {
			t.Errorf("content %q after a copy onto %s", got, dst)
		}
	}
	r.exact(0)
}
