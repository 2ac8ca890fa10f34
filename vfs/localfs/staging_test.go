//go:build unix

package localfs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"sftpgo/vfs"
)

func TestStagedName(t *testing.T) {
	seen := map[string]bool{}
	for _, base := range []string{"a", "a", "file.txt", strings.Repeat("x", 255), strings.Repeat("é", 127), strings.Repeat("漢", 85), strings.Repeat("🙂", 63) + "abc"} {
		got := stagedName(base)
		if !isStaged(got) || len(got) > vfs.MaxComponent || !utf8.ValidString(got) || seen[got] {
			t.Errorf("%q is staged as %q, %d bytes", base, got, len(got))
		}
		if len(base) < 200 && !strings.HasSuffix(got, "."+base) {
			t.Errorf("%q is staged as %q", base, got)
		}
		if _, err := vfs.ParseName("/", got); !errors.Is(err, vfs.ErrName) {
			t.Errorf("a client may name %q", got)
		}
		seen[got] = true
	}
}

// TestPublishReserved is the way taken where there are no hard links.
func TestPublishReserved(t *testing.T) {
	home := t.TempDir()
	fsys, err := New(t.Context(), Config{Root: home}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer fsys.Close()
	for _, taken := range []bool{false, true} {
		s, err := fsys.t.stage("f", nil, "/f")
		if err != nil {
			t.Fatal(err)
		}
		defer s.dir.Close()
		if _, err := s.f.WriteString("new"); err != nil {
			t.Fatal(err)
		}
		err = s.publishReserved()
		if taken != errors.Is(err, os.ErrExist) || taken == s.published {
			t.Errorf("taken %v: %v, published %v", taken, err, s.published)
		}
		if err := s.drop(); err != nil {
			t.Error(err)
		}
		s.f.Close()
		if b, err := os.ReadFile(filepath.Join(home, "f")); string(b) != "new" || err != nil {
			t.Errorf("%q %v", b, err)
		}
		if entries, err := os.ReadDir(home); len(entries) != 1 || err != nil {
			t.Errorf("%d entries, %v", len(entries), err)
		}
	}
}

func TestNoLinks(t *testing.T) {
	for err, want := range map[error]bool{
		nil: false, syscall.EEXIST: false, syscall.ENOENT: false, syscall.ENOSPC: false,
		syscall.EPERM: true, syscall.EMLINK: true, syscall.ENOSYS: true, syscall.EOPNOTSUPP: true,
	} {
		if err != nil {
			err = &os.LinkError{Op: "linkat", Old: "a", New: "b", Err: err}
		}
		if got := noLinks(err); got != want {
			t.Errorf("%v: %v", err, got)
		}
	}
}

// TestErrno: each errno that storage answers with has its sentinel.
func TestErrno(t *testing.T) {
	for errno, want := range map[syscall.Errno]error{
		syscall.ENOENT: vfs.ErrNotExist, syscall.EEXIST: vfs.ErrExist,
		syscall.EACCES: vfs.ErrPermission, syscall.EPERM: vfs.ErrPermission, syscall.EROFS: vfs.ErrPermission, syscall.ELOOP: vfs.ErrPermission,
		syscall.EISDIR: vfs.ErrIsDir, syscall.ENOTDIR: vfs.ErrNotDir, syscall.ENOTEMPTY: vfs.ErrNotEmpty,
		syscall.ENAMETOOLONG: vfs.ErrName, syscall.EILSEQ: vfs.ErrName,
		syscall.ENOSPC: vfs.ErrNoSpace, syscall.EDQUOT: vfs.ErrNoSpace, syscall.EFBIG: vfs.ErrNoSpace,
		syscall.EBUSY: vfs.ErrBusy, syscall.ETXTBSY: vfs.ErrBusy,
		syscall.EIO: vfs.ErrUnavailable, syscall.ESTALE: vfs.ErrUnavailable, syscall.EMFILE: vfs.ErrUnavailable,
		syscall.EXDEV: vfs.ErrUnsupported, syscall.ENOSYS: vfs.ErrUnsupported, syscall.EOPNOTSUPP: vfs.ErrUnsupported,
	} {
		err := (&tree{}).fail("test", "/f", &os.PathError{Op: "open", Path: "/host/path", Err: errno})
		for _, s := range []error{
			vfs.ErrNotExist, vfs.ErrExist, vfs.ErrPermission, vfs.ErrUnsupported, vfs.ErrName, vfs.ErrIsDir, vfs.ErrNotDir,
			vfs.ErrNotEmpty, vfs.ErrNoSpace, vfs.ErrBusy, vfs.ErrUnavailable,
		} {
			if errors.Is(err, s) != (s == want) {
				t.Errorf("%v: errors.Is %v is %v", err, s, s != want)
			}
		}
		if strings.Contains(err.Error(), "host") {
			t.Errorf("%v has a path of the host", err)
		}
	}
}
