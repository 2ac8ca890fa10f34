package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	fence   = regexp.MustCompile("(?ms)^```.*?^```$")
	notSlug = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// Every link from a page of the manual leads to a file, and to a heading of it if
// it names one.
func TestLinks(t *testing.T) {
	for _, page := range pages(t) {
		dir := filepath.Dir(page)
		for _, m := range link.FindAllStringSubmatch(text(t, page), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			file := page
			if target != "" {
				file = filepath.Join(dir, target)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: link to %s: %v", page, m[1], err)
				continue
			}
			if anchor != "" && !anchors(text(t, file))[anchor] {
				t.Errorf("%s: link to %s: no such heading", page, m[1])
			}
		}
	}
}

// Every page can be reached from the README.
func TestPagesAreLinked(t *testing.T) {
	seen := map[string]bool{}
	var visit func(string)
	visit = func(page string) {
		if seen[page] || filepath.Ext(page) != ".md" {
			return
		}
		seen[page] = true
		for _, m := range link.FindAllStringSubmatch(text(t, page), -1) {
			target, _, _ := strings.Cut(m[1], "#")
			if target != "" && !strings.Contains(target, "://") {
				visit(filepath.Join(filepath.Dir(page), target))
			}
		}
	}
	visit("../README.md")
	for _, page := range pages(t) {
		if !seen[page] {
			t.Errorf("%s: no way leads here from README.md", page)
		}
	}
}

func pages(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("../*.md")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir("../docs", func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".md" {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// text returns a page without its code blocks.
func text(t *testing.T, page string) string {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Errorf("%v", err)
	}
	return fence.ReplaceAllString(string(data), "")
}

// anchors are the headings of a page as links name them.
func anchors(page string) map[string]bool {
	found := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(page, -1) {
		slug := notSlug.ReplaceAllString(strings.ToLower(strings.TrimSpace(m[1])), "")
		found[strings.ReplaceAll(slug, " ", "-")] = true
	}
	return found
}
