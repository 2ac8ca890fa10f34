package localfs_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

func TestHostDir(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "a/b"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "a/file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"inside": "a", "outside": "/etc", "a/up": "../a"} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	f, err := localfs.New(t.Context(), localfs.Config{Root: root}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, want := range map[string]error{
		"/": nil, "/a": nil, "/a/b": nil,
		"/a/file": vfs.ErrNotDir, "/inside": vfs.ErrNotDir, "/inside/b": vfs.ErrNotDir, "/outside": vfs.ErrNotDir,
		"/a/up": vfs.ErrNotDir, "/a/up/b": vfs.ErrNotDir, "/none": vfs.ErrNotExist,
	} {
		dir, err := f.HostDir(t.Context(), name)
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		if err != nil {
			continue
		}
		got, err := dir.Stat()
		if err != nil {
			t.Fatal(err)
		}
		there, err := os.Stat(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if !os.SameFile(got, there) {
			t.Errorf("%s: another directory", name)
		}
		dir.Close()
	}
}
