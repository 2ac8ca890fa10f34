package vfstest

import (
	"errors"
	"fmt"
	"sync"

	"sftpgo/vfs"
)

func exclusiveTests() []test {
	return []test{
		{"existing file", exclExisting},
		{"name taken before commit", exclTakenMeanwhile},
		{"race in place", func(t *tester) { exclRace(t, inPlace|vfs.Excl) }},
		{"race of staged files", func(t *tester) { exclRace(t, staged|vfs.Excl) }},
	}
}

func exclExisting(t *tester) {
	t.put("/a", "content")
	t.mkdir("/d")
	for _, mode := range []vfs.Mode{inPlace | vfs.Excl, staged | vfs.Excl} {
		_, err := t.fs.Open(t.Context(), "/a", mode)
		t.fails("existing file", err, vfs.ErrExist)
		_, err = t.fs.Open(t.Context(), "/d", mode)
		t.fails("existing directory", err, vfs.ErrExist, vfs.ErrIsDir)
		f := t.open("/new", mode)
		t.write(f, "new")
		t.commit(f)
		t.close(f)
		t.has("/new", "new")
		t.noError("remove", t.fs.Remove(t.Context(), "/new"))
	}
	t.has("/a", "content")
	t.lists("/", "a", "d")
}

func exclTakenMeanwhile(t *tester) {
	f := t.open("/a", staged|vfs.Excl)
	t.write(f, "loser")
	t.put("/a", "winner")
	t.fails("commit", f.Commit(t.Context()), vfs.ErrExist)
	t.close(f)
	t.has("/a", "winner")
	t.lists("/", "a")
}

// exclRace lets many create one file; exactly one succeeds.
func exclRace(t *tester, mode vfs.Mode) {
	const writers, rounds = 8, 20
	for round := range rounds {
		name := fmt.Sprintf("/race%d", round)
		results := make([]error, writers)
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() { results[i] = exclWrite(t, name, mode, fmt.Sprint("writer ", i)) })
		}
		wg.Wait()
		winner := -1
		for i, err := range results {
			switch {
			case err == nil && winner >= 0:
				t.Fatalf("round %d: writers %d and %d both created the file", round, winner, i)
			case err == nil:
				winner = i
			case !errors.Is(err, vfs.ErrExist):
				t.Fatalf("round %d: writer %d: %v, want %v", round, i, err, vfs.ErrExist)
			}
		}
		if winner < 0 {
			t.Fatalf("round %d: nobody created the file", round)
		}
		t.has(name, fmt.Sprint("writer ", winner))
	}
	if got := len(t.names("/")); got != rounds {
		t.Errorf("%d files, want %d", got, rounds)
	}
}

func exclWrite(t *tester, name string, mode vfs.Mode, content string) error {
	f, err := t.fs.Open(t.Context(), name, mode)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write([]byte(content)); err != nil {
		return err
	}
	return f.Commit(t.Context())
}
