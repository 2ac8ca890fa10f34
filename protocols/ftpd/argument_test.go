package ftpd

import (
	"slices"
	"strings"
	"testing"
)

func TestSplitQuoted(t *testing.T) {
	for in, want := range map[string][]string{
		"": nil, "a": {"a"}, " a  b ": {"a", "b"}, `"a b" c`: {"a b", "c"}, `a "b ""c"" d"`: {"a", `b "c" d`}, `""`: {""}, `a"b c`: {`a"b`, "c"},
	} {
		if got, ok := splitQuoted(in); !ok || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v", in, got, ok)
		}
	}
	for _, in := range []string{`"`, `"a`, `"a"b`, `a "b`, `"""`} {
		if got, ok := splitQuoted(in); ok {
			t.Errorf("%q: %q", in, got)
		}
	}
}

// Quoting words and splitting them again gives the words.
func FuzzSplitQuoted(f *testing.F) {
	f.Add("a b", `c"d`)
	f.Fuzz(func(t *testing.T, a, b string) {
		quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
		got, ok := splitQuoted(quote(a) + " " + quote(b))
		if !ok || !slices.Equal(got, []string{a, b}) {
			t.Errorf("%q, %q: %q, %v", a, b, got, ok)
		}
		name, words, quoted := unquote(quote(a) + " 1 2")
		if !quoted || name != a || !slices.Equal(words, []string{"1", "2"}) {
			t.Errorf("%q: %q, %q, %v", a, name, words, quoted)
		}
		splitQuoted(a) // whatever it is
		trailingNumbers(a)
	})
}

func TestFactsOf(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "size;TYPE;": "Type;Size;", "unix.mode;unique;perm;modify": "Modify;Perm;Unique;UNIX.mode;", "nothing;;": "",
	} {
		if got := factsOf(in).String(); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
