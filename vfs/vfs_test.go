package vfs_test

import (
	"errors"
	"io/fs"
	"testing"

	"sftpgo/vfs"
)

func TestModeHas(t *testing.T) {
	m := vfs.Write | vfs.Create | vfs.Atomic
	if !m.Has(vfs.Write) || !m.Has(vfs.Create|vfs.Atomic) || !m.Has(0) {
		t.Errorf("%b lacks what it has", m)
	}
	if m.Has(vfs.Read) || m.Has(vfs.Write|vfs.Truncate) {
		t.Errorf("%b has what it lacks", m)
	}
}

// TestSentinels: each stands for itself alone, and the four of the standard
// library are those.
func TestSentinels(t *testing.T) {
	all := []error{
		vfs.ErrNotExist, vfs.ErrExist, vfs.ErrPermission, vfs.ErrUnsupported, vfs.ErrName, vfs.ErrIsDir, vfs.ErrNotDir,
		vfs.ErrNotEmpty, vfs.ErrNoSpace, vfs.ErrBusy, vfs.ErrUnavailable,
	}
	for i, a := range all {
		for j, b := range all {
			if errors.Is(a, b) != (i == j) {
				t.Errorf("errors.Is(%v, %v) is %v", a, b, i != j)
			}
		}
	}
	for ours, std := range map[error]error{
		vfs.ErrNotExist: fs.ErrNotExist, vfs.ErrExist: fs.ErrExist, vfs.ErrPermission: fs.ErrPermission,
		vfs.ErrUnsupported: errors.ErrUnsupported,
	} {
		if ours != std {
			t.Errorf("%v is not the standard one", ours)
		}
	}
}

type located struct{ vfs.FS }

func (located) StoragePath(name string) string { return "bucket" + name }

func TestAs(t *testing.T) {
	l, ok := vfs.As[vfs.Locator](located{})
	if !ok || l.StoragePath("/a") != "bucket/a" {
		t.Error("a capability that is there was not found")
	}
	if s, ok := vfs.As[vfs.Sweeper](located{}); ok || s != nil {
		t.Error("a capability that is not there was found")
	}
	if _, ok := vfs.As[vfs.Locator](nil); ok {
		t.Error("nothing has a capability")
	}
}

type plain struct{ fs.FileInfo }

type identified struct{ plain }

func (identified) FileID() string { return "id" }

func TestFileIDOf(t *testing.T) {
	if got := vfs.FileIDOf(identified{}); got != "id" {
		t.Errorf("%q", got)
	}
	if got := vfs.FileIDOf(plain{}); got != "" {
		t.Errorf("%q", got)
	}
}
