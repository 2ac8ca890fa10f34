package vfstest

import (
	"fmt"
	"io/fs"
	"path"
	"slices"

	"sftpgo/vfs"
)

func listTests() []test {
	return []test{
		{"entries", listEntries},
		{"many entries", listMany},
		{"leave early", listLeave},
		{"delete while listing", listDelete},
		{"create while listing", listCreate},
		{"refused", listRefused},
		{"staged uploads are hidden", listHidesStaged},
	}
}

func listEntries(t *tester) {
	t.lists("/")
	t.put("/f", "content")
	t.mkdir("/d")
	t.put("/d/deep", "")
	t.lists("/", "d", "f")
	for fi, err := range t.fs.List(t.Context(), "/") {
		t.noError("list", err)
		want := t.stat("/" + fi.Name())
		if fi.Size() != want.Size() || fi.Mode() != want.Mode() || !fi.ModTime().Equal(want.ModTime()) {
			t.Errorf("%s: listed %d %v %v, stat says %d %v %v", fi.Name(),
				fi.Size(), fi.Mode(), fi.ModTime(), want.Size(), want.Mode(), want.ModTime())
		}
	}
}

// fill makes n files in dir and returns their names, sorted.
func fill(t *tester, dir string, n int) []string {
	t.Helper()
	t.mkdir(dir)
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("file%05d", i)
		f := t.open(dir+"/"+names[i], inPlace)
		t.commit(f)
		t.close(f)
	}
	return names
}

func listMany(t *tester) {
	want := fill(t, "/d", 1500)
	t.lists("/d", want...)
}

func listLeave(t *tester) {
	want := fill(t, "/d", 600)
	for _, stop := range []int{1, 5, 300} {
		seen := 0
		for _, err := range t.fs.List(t.Context(), "/d") {
			t.noError("list", err)
			if seen++; seen == stop {
				break
			}
		}
		if seen != stop {
			t.Errorf("left after %d entries, want %d", seen, stop)
		}
	}
	seq := t.fs.List(t.Context(), "/d")
	for range 2 {
		count := 0
		for _, err := range seq {
			t.noError("list", err)
			count++
		}
		if count != len(want) {
			t.Errorf("the sequence yields %d entries, want %d each time", count, len(want))
		}
	}
}

func listDelete(t *tester) {
	want := fill(t, "/d", 1000)
	var seen []string
	for fi, err := range t.fs.List(t.Context(), "/d") {
		t.noError("list", err)
		t.noError("remove", t.fs.Remove(t.Context(), "/d/"+fi.Name()))
		seen = append(seen, fi.Name())
	}
	slices.Sort(seen)
	if !slices.Equal(seen, want) {
		t.Errorf("saw %d entries, want each of %d once", len(seen), len(want))
	}
	t.lists("/d")
	// Others delete: those not seen yet may be left out, none is an error.
	fill(t, "/e", 1000)
	count := 0
	for _, err := range t.fs.List(t.Context(), "/e") {
		t.noError("list", err)
		if count++; count == 10 {
			removeAll(t, "/e")
		}
	}
	t.lists("/e")
}

func removeAll(t *tester, dir string) {
	t.Helper()
	for _, n := range t.names(dir) {
		t.noError("remove", t.fs.Remove(t.Context(), path.Join(dir, n)))
	}
}

func listCreate(t *tester) {
	want := fill(t, "/d", 600)
	seen := map[string]int{}
	for fi, err := range t.fs.List(t.Context(), "/d") {
		t.noError("list", err)
		if seen[fi.Name()]++; len(seen) < 300 {
			t.put(fmt.Sprintf("/d/new%05d", len(seen)), "")
		}
	}
	for _, n := range want {
		if seen[n] != 1 {
			t.Errorf("%s was seen %d times, want once", n, seen[n])
		}
	}
}

func listRefused(t *tester) {
	t.put("/f", "content")
	for name, want := range map[string][]error{
		"/f":         {vfs.ErrNotDir},
		"/missing":   {vfs.ErrNotExist},
		"/missing/x": {vfs.ErrNotExist},
		"/f/x":       {vfs.ErrNotDir, vfs.ErrNotExist},
	} {
		count := 0
		for fi, err := range t.fs.List(t.Context(), name) {
			count++
			t.fails("list "+name, err, want...)
			if fi != nil {
				t.Errorf("list %s: entry %v beside the error", name, fi.Name())
			}
		}
		if count != 1 {
			t.Errorf("list %s: %d results, want one error", name, count)
		}
	}
}

func listHidesStaged(t *tester) {
	t.put("/old", "old")
	for _, name := range []string{"/old", "/new"} {
		f := t.open(name, staged)
		t.write(f, "staged")
	}
	t.lists("/", "old")
	var infos []fs.FileInfo
	for fi, err := range t.fs.List(t.Context(), "/") {
		t.noError("list", err)
		infos = append(infos, fi)
	}
	if len(infos) != 1 || infos[0].Size() != 3 {
		t.Errorf("%d entries, the first of %d bytes; want the old file alone", len(infos), infos[0].Size())
	}
}
