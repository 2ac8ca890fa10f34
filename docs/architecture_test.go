package docs_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// Every package is on the map of architecture.md.
func TestMapOfPackages(t *testing.T) {
	whole, err := os.ReadFile("architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(whole), "\n```\n")
	plan, _, _ := strings.Cut(rest, "\n```\n")
	onMap := map[string]bool{}
	for line := range strings.Lines(plan) {
		for word := range strings.FieldsFuncSeq(line, func(r rune) bool { return r == ' ' || r == ',' || r == '\n' }) {
			onMap[path.Base(word)] = true
		}
	}
	found := 0
	err = filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && name != "..") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(d.Name(), ".go") && !strings.HasSuffix(d.Name(), "_test.go") {
			found++
			if pkg := filepath.Base(filepath.Dir(name)); !onMap[pkg] {
				onMap[pkg] = true // once
				t.Errorf("architecture.md: %s is not on the map", filepath.Dir(name))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 100 {
		t.Errorf("only %d files of Go were seen", found)
	}
}
