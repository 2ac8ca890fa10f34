package session_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

// beside runs other until f has ended.
func beside(other func(i int), f func()) {
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				other(i)
			}
		}
	})
	f()
	close(stop)
	wg.Wait()
}

// TestTurningLinkIsNoWayAround: a link that is turned to where the rules forbid
// what they have just allowed.
func TestTurningLinkIsNoWayAround(t *testing.T) {
	const secret = "a secret of 28 bytes in all."
	for _, tt := range []struct{ name, link, below string }{
		{"file", "/link", ""},
		{"directory", "/dir", "/f"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, session.Config{}, func(u *dataprovider.User) {
				u.Permissions = map[string][]string{"/": {"*"}, "/locked": {}}
			})
			r.write("free/f", "free")
			r.write("locked/f", secret)
			r.write("locked/only here", "")
			a, b := r.open(), r.open()
			ctx := t.Context()
			name := tt.link + tt.below
			attacks := map[string]func() (harm string){
				"download": func() string {
					tr, err := a.Download(ctx, name)
					if err != nil {
						return ""
					}
					defer tr.Close()
					p := make([]byte, 100)
					n, _ := tr.ReadAt(p, 0)
					return leaked(p[:n])
				},
				"digest": func() string {
					var got bytes.Buffer
					_ = a.Digest(ctx, name, &got)
					return leaked(got.Bytes())
				},
				"stat": func() string {
					if info, err := a.Stat(ctx, name); err == nil && info.Size() == int64(len(secret)) {
						return "its size"
					}
					return ""
				},
				"list": func() string {
					for info, err := range a.List(ctx, tt.link) {
						if err == nil && info.Name() == "only here" {
							return "listed"
						}
					}
					return ""
				},
				"upload":   func() string { _ = upload(a, name, "x", vfs.Write, nil); return "" },
				"truncate": func() string { _ = a.SetAttrs(ctx, name, vfs.Attrs{Size: ptr(int64(3))}); return "" },
				"chmod":    func() string { _ = a.SetAttrs(ctx, name, vfs.Attrs{Mode: ptr(os.FileMode(0o600))}); return "" },
			}
			if tt.name == "directory" {
				attacks["mkdir"] = func() string { _ = a.Mkdir(ctx, tt.link+"/new"); _ = a.Rmdir(ctx, "/free/new"); return "" }
				attacks["link"] = func() string { _ = a.Link(ctx, name, "/second"); return leakedBy(r, "second") }
				attacks["rename"] = func() string { _ = a.Rename(ctx, name, "/taken"); return leakedBy(r, "taken") }
				attacks["remove"] = func() string { _ = a.Remove(ctx, name); return "" }
			}
			for attack, do := range attacks {
				beside(func(i int) {
					to := []string{"free", "locked"}[i%2]
					if tt.name == "file" {
						to += "/f"
					}
					_ = b.Symlink(ctx, to, "/next")
					_ = b.Rename(ctx, "/next", tt.link)
				}, func() {
					for end := time.Now().Add(100 * time.Millisecond); time.Now().Before(end); {
						harm := do()
						if harm == "" {
							harm = r.harm(secret)
						}
						if harm != "" {
							t.Errorf("%s: %s", attack, harm)
							return
						}
						r.write("free/f", "free")
					}
				})
			}
		})
	}
}

func leaked(got []byte) string {
	if bytes.Contains(got, []byte("secret")) {
		return "content"
	}
	return ""
}

func leakedBy(r *rig, name string) string {
	defer os.Remove(filepath.Join(r.home, name))
	return leaked([]byte(r.content(name)))
}

// harm tells what is not as it was in the directory /locked.
func (r *rig) harm(secret string) string {
	info, err := os.Stat(filepath.Join(r.home, "locked/f"))
	switch _, made := os.Stat(filepath.Join(r.home, "locked/new")); {
	case err != nil:
		return "gone"
	case made == nil:
		return "something new"
	case info.Mode().Perm() != 0o644, r.content("locked/f") != secret:
		return fmt.Sprintf("changed: %s %q", info.Mode(), r.content("locked/f"))
	}
	return ""
}

// TestUsageOfTurningLink: what is opened is what is counted, wherever a link leads
// meanwhile.
func TestUsageOfTurningLink(t *testing.T) {
	for mode := range 2 {
		for _, name := range []string{"/link", "/dir/f"} {
			t.Run(fmt.Sprint(mode, name), func(t *testing.T) {
				r := newRig(t, session.Config{UploadMode: mode})
				r.write("one/f", strings.Repeat("1", 1000))
				r.write("two/f", "22")
				r.count()
				a, b := r.open(), r.open()
				link, tail := name, "/f"
				if name != "/link" {
					link, tail = "/dir", ""
				}
				must(t, b.Symlink(t.Context(), "one"+tail, link))
				beside(func(i int) {
					to := []string{"one", "two"}[i%2] + tail
					_ = b.Symlink(t.Context(), to, "/next")
					_ = b.Rename(t.Context(), "/next", link)
					if i%16 == 0 {
						_ = b.Remove(t.Context(), link)
						_ = b.Symlink(t.Context(), to, link)
					}
				}, func() {
					for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); {
						_ = upload(a, name, "x", vfs.Write, nil)
					}
				})
				booked := r.usage()
				if there, err := r.manager.Scan(t.Context(), "alice"); err != nil || there != booked {
					t.Errorf("booked %+v, there are %+v (%v)", booked, there, err)
				}
			})
		}
	}
}

// TestFileInThePlaceOfADirectory: to remove a directory removes no file that has
// taken its place, which would be counted for ever, and nobody would be told of.
func TestFileInThePlaceOfADirectory(t *testing.T) {
	for _, mode := range []int{0, 1} {
		r := newRig(t, session.Config{UploadMode: mode})
		a, b := r.open(), r.open()
		beside(func(int) { _ = b.Rmdir(t.Context(), "/x") }, func() {
			for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); {
				_ = a.Mkdir(t.Context(), "/x")
				_ = a.Rmdir(t.Context(), "/x")
				if upload(a, "/x", "content", put, nil) == nil {
					if err := a.Remove(t.Context(), "/x"); err != nil {
						t.Errorf("the file: %v", err)
						break
					}
				}
			}
		})
		if got := r.usage(); got != (dataprovider.Amount{}) {
			t.Errorf("%+v is counted, nothing is there", got)
		}
	}
}
