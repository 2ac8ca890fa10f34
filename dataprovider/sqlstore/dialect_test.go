package sqlstore

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each migration is there for each database, so that their versions say the same.
func TestMigrationsOfAllDialects(t *testing.T) {
	names := func(dir string) (list []string) {
		entries, err := fs.ReadDir(migrations, "migrations/"+dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			list = append(list, e.Name())
		}
		return list
	}
	if diff := cmp.Diff(names("sqlite"), names("postgres")); diff != "" {
		t.Errorf("migrations of sqlite (-) and postgres (+) differ:\n%s", diff)
	}
}

func TestEncodeText(t *testing.T) {
	seen := map[string]string{}
	for _, s := range []string{
		"", "plain", "ünïcode/日本", "a\x00b", "a\xffb", "\xff\xfe", "\uFFFD", "\uFFFE", "\uFFFEff;", "a\xff;", "\uFFFE00;", "\xed\xa0\x80", "/dir\xff/name",
	} {
		e := encodeText(s)
		if other, known := seen[e]; known {
			t.Errorf("%q and %q are stored as %q", s, other, e)
		}
		seen[e] = s
		if strings.ToValidUTF8(e, "!") != e || strings.Contains(e, "\x00") {
			t.Errorf("%q: %q is no text", s, e)
		}
		if back := decodeText(e); back != s {
			t.Errorf("%q comes back as %q", s, back)
		}
		if !strings.HasPrefix(encodeText(s+"/x"), e+"/") {
			t.Errorf("%q is no prefix of what is below it", e)
		}
	}
}

func TestPostgresRebind(t *testing.T) {
	if got := postgresRebind("a = ? AND b IN (?, ?)"); got != "a = $1 AND b IN ($2, $3)" {
		t.Error(got)
	}
}
