package tus

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestStructuredFields: what RFC 9651 takes, and nothing else.
func TestStructuredFields(t *testing.T) {
	for text, want := range map[string]struct{ b, ok bool }{
		"?1": {true, true}, "?0": {false, true}, " ?1 ": {true, true}, "?1;a": {true, true}, "?0;a=1; *b=?1": {false, true},
		"": {}, "1": {}, "true": {}, "?2": {}, "?1,?1": {}, "?1 x": {}, "?1;": {}, "?1;A": {}, "?": {}, "??1": {}, "(?1)": {},
	} {
		if b, ok := sfBoolean([]string{text}); b != want.b && want.ok || ok != want.ok {
			t.Errorf("Boolean %q: %v, %v", text, b, ok)
		}
	}
	if _, ok := sfBoolean([]string{"?1", "?1"}); ok {
		t.Error("two fields are a list")
	}
	for text, want := range map[string]int64{
		"0": 0, "00": 0, "17": 17, "999999999999999": 999999999999999, "5;x=y": 5,
		"": -1, "-1": -1, "+1": -1, "1.0": -1, "1e3": -1, "1000000000000000": -1, "0x1": -1, "1, 2": -1, "1 2": -1, "٣": -1, "?1": -1,
	} {
		if n, ok := sfInteger([]string{text}); ok != (want >= 0) || ok && n != want {
			t.Errorf("Integer %q: %v, %v", text, n, ok)
		}
	}
	got := sfBytes([]string{"sha-256=:AA==:, md5=:BB==:;q=1", "unixsum=3, sha-512=:CC==:,bad, X=:DD==:, y=:"})
	if diff := cmp.Diff([]string{"sha-256=:AA==:", "md5=:BB==:", "sha-512=:CC==:"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
