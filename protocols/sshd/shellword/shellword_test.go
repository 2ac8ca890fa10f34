package shellword_test

import (
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/protocols/sshd/shellword"
)

func TestSplit(t *testing.T) {
	tests := []struct {
		line string
		want []shellword.Word
	}{
		{"", nil},
		{" \t\n ", nil},
		{"scp -t .", words("scp", "-t", ".")},
		{"  scp\t-f  /a ", words("scp", "-f", "/a")},
		{`'a b' "c d" e\ f`, words("a b", "c d", "e f")},
		{`a'b'"c"d`, words("abcd")},
		{`'' ""`, words("", "")},
		{`"it's" 'say "x"'`, words("it's", `say "x"`)},
		{`"a\"b\\c\$d\x"`, []shellword.Word{{Text: `a"b\c$d\x`, Pattern: `a"b\\c$d\\x`}}},
		{"a;b|c $HOME `id`", words("a;b|c", "$HOME", "`id`")},
		{"größe\u00a0 日本", words("größe\u00a0", "日本")},
		{`*.txt '*.txt' \*.txt a"["b`, []shellword.Word{
			{"*.txt", "*.txt"}, {"*.txt", `\*.txt`}, {"*.txt", `\*.txt`}, {"a[b", `a\[b`},
		}},
		{`~/x "~"/x`, []shellword.Word{{"~/x", "~/x"}, {"~/x", `\~/x`}}},
		{"a\\\nb", words("ab")},
	}
	for _, tt := range tests {
		got, err := shellword.Split(tt.line)
		if err != nil {
			t.Errorf("Split(%q): %v", tt.line, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("Split(%q) (-want +got):\n%s", tt.line, diff)
		}
	}
}

func words(texts ...string) []shellword.Word {
	var ws []shellword.Word
	for _, text := range texts {
		ws = append(ws, shellword.Word{Text: text, Pattern: text})
	}
	return ws
}

func TestSplitRefuses(t *testing.T) {
	for _, line := range []string{`'a`, `"a`, `a\`, `"a\"`, strings.Repeat("a ", shellword.MaxWords+1)} {
		if got, err := shellword.Split(line); !errors.Is(err, shellword.ErrSyntax) {
			t.Errorf("Split(%.20q) = %v, %v; want ErrSyntax", line, got, err)
		}
	}
}

func TestHasMeta(t *testing.T) {
	for line, want := range map[string]bool{"a*": true, "a?": true, "a[b]": true, `'a*'`: false, `\*`: false, "a": false, `'\'*`: true} {
		ws, err := shellword.Split(line)
		if err != nil || len(ws) != 1 {
			t.Fatalf("Split(%q) = %v, %v", line, ws, err)
		}
		if got := ws[0].HasMeta(); got != want {
			t.Errorf("HasMeta of %q = %v", line, got)
		}
	}
}

// FuzzSplit holds that quoting a text gives the text back as one word, and that
// a pattern without meta characters matches exactly its text.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{"", "a b", `'"\`, "*?[]~", "-t\n", "\x00ü"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		quoted := "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
		ws, err := shellword.Split(quoted)
		if err != nil || len(ws) != 1 || ws[0].Text != text {
			t.Fatalf("Split(%q) = %q, %v", quoted, ws, err)
		}
		if ws[0].HasMeta() {
			t.Fatalf("quoted %q has meta characters: %q", text, ws[0].Pattern)
		}
		if ok, err := path.Match(ws[0].Pattern, text); err != nil || !ok {
			t.Fatalf("pattern %q does not match %q: %v", ws[0].Pattern, text, err)
		}
		ws, err = shellword.Split(text)
		if err != nil && !errors.Is(err, shellword.ErrSyntax) {
			t.Fatalf("Split(%q): %v", text, err)
		}
		for _, w := range ws {
			if !w.HasMeta() {
				if ok, err := path.Match(w.Pattern, w.Text); err != nil || !ok {
					t.Fatalf("pattern %q does not match its text %q: %v", w.Pattern, w.Text, err)
				}
			}
		}
	})
}
