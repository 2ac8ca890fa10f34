package localfs_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"testing"

	"sftpgo/vfs"
)

// TestFailure: the text is fit to be shown, the log has the rest, and errors.Is
// knows one sentinel.
func TestFailure(t *testing.T) {
	fsys, home := open(t)
	ctx := t.Context()
	must(t, fsys.Mkdir(ctx, "/d"))
	must(t, fsys.Mkdir(ctx, "/d/e"))
	must(t, fsys.Symlink(ctx, "../x", "/out"))
	_, statErr := fsys.Stat(ctx, "/missing/f\n")
	_, outErr := fsys.Stat(ctx, "/out")
	for _, c := range []struct {
		err  error
		text string
		is   error
		not  error
	}{
		{statErr, `stat "/missing/f\n": no such file or directory`, vfs.ErrNotExist, vfs.ErrExist},
		{fsys.Remove(ctx, "/d"), `remove "/d": directory not empty`, vfs.ErrNotEmpty, vfs.ErrExist},
		{fsys.Mkdir(ctx, "/d"), `mkdir "/d": file exists`, vfs.ErrExist, vfs.ErrNotEmpty},
		{outErr, `stat "/out": path escapes from parent`, vfs.ErrPermission, vfs.ErrNotExist},
		{fsys.Rename(ctx, "/d", "/d/e/f"), `rename "/d/e/f": lies within the directory to be moved`, vfs.ErrName, vfs.ErrUnsupported},
		{fsys.Rename(ctx, "/x", "/y"), `rename "/x": no such file or directory`, vfs.ErrNotExist, nil},
	} {
		if c.err == nil || c.err.Error() != c.text {
			t.Errorf("%v, want %s", c.err, c.text)
		}
		if !errors.Is(c.err, c.is) || c.not != nil && errors.Is(c.err, c.not) {
			t.Errorf("%v is not %v, or is %v", c.err, c.is, c.not)
		}
		if strings.Contains(c.err.Error(), home) {
			t.Errorf("%v tells where the home is", c.err)
		}
	}
	var raw *fs.PathError
	if !errors.As(statErr, &raw) {
		t.Errorf("%v does not hold what the operating system said", statErr)
	}
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("failed", "error", statErr)
	if !strings.Contains(out.String(), "(openat missing/f") {
		t.Errorf("the log lacks what the operating system said: %s", out.String())
	}
}
