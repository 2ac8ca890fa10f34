package localfs_test

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
	"sftpgo/vfs/vfstest"
)

func TestConformance(t *testing.T) {
	f := localfs.NewFactory(nil)
	vfstest.Run(t, func(t *testing.T) vfs.FS {
		cfg, err := json.Marshal(localfs.Config{Root: filepath.Join(t.TempDir(), "home")})
		if err != nil {
			t.Fatal(err)
		}
		fsys, err := f.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		return fsys
	})
}

// TestCapabilities keeps the conformance suite from skipping anything here.
func TestCapabilities(t *testing.T) {
	fsys, _ := open(t)
	has[vfs.Linker](t, fsys)
	has[vfs.HardLinker](t, fsys)
	has[vfs.AttrSetter](t, fsys)
	has[vfs.LinkAttrSetter](t, fsys)
	has[vfs.Durable](t, fsys)
	has[vfs.Measurer](t, fsys)
	has[vfs.Locator](t, fsys)
	has[vfs.Sweeper](t, fsys)
	f := create(t, fsys, "/f", vfs.Write|vfs.Create)
	has[vfs.FileAttrSetter](t, f)
	has[vfs.Syncer](t, f)
	has[vfs.RangeCopier](t, f)
	fi, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	has[vfs.Identifier](t, fi)
	has[vfs.Linked](t, fi)
}

func has[T any](t *testing.T, v any) {
	t.Helper()
	if _, ok := vfs.As[T](v); !ok {
		t.Errorf("%T is not a %T", v, (*T)(nil))
	}
}

// open opens a new directory by itself and returns its path too.
func open(t testing.TB) (*localfs.FS, string) {
	t.Helper()
	root := filepath.Join(t.TempDir(), "home")
	return openAt(t, root), root
}

func openAt(t testing.TB, root string) *localfs.FS {
	t.Helper()
	fsys, err := localfs.New(t.Context(), localfs.Config{Root: root}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fsys.Close() })
	return fsys
}

func create(t testing.TB, fsys vfs.FS, name string, mode vfs.Mode) vfs.File {
	t.Helper()
	f, err := fsys.Open(t.Context(), name, mode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
