package infofile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider/infofile"
)

func TestSlots(t *testing.T) {
	dir := t.TempDir()
	if all, err := infofile.TakeAbandoned(filepath.Join(dir, "absent")); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
	take := func() *infofile.Slot {
		t.Helper()
		s, err := infofile.TakeSlot(dir)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	names := func(slots ...*infofile.Slot) (list []string) {
		for _, s := range slots {
			list = append(list, filepath.Base(s.Dir))
		}
		return list
	}
	one, two, three := take(), take(), take()
	if diff := cmp.Diff([]string{"1", "2", "3"}, names(one, two, three)); diff != "" {
		t.Error(diff)
	}
	for _, other := range []string{"leases", "04", "-5"} {
		if err := os.Mkdir(filepath.Join(dir, other), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := two.Close(); err != nil {
		t.Error(err)
	}
	again := take()
	if diff := cmp.Diff([]string{"2"}, names(again)); diff != "" {
		t.Error(diff)
	}
	for _, s := range []*infofile.Slot{one, three} {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	left, err := infofile.TakeAbandoned(dir)
	if diff := cmp.Diff([]string{"1", "3"}, names(left...)); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if next := take(); filepath.Base(next.Dir) != "4" {
		t.Error(next.Dir)
	}
}
