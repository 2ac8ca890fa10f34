package spelling_test

import (
	"testing"

	"sftpgo/config/spelling"
)

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"port", "port", 0}, {"prot", "port", 1}, {"prt", "port", 1}, {"ports", "port", 1}, {"post", "port", 1}, {"", "abc", 3}, {"kitten", "sitting", 3}} {
		if got := spelling.Distance(tt.a, tt.b); got != tt.want {
			t.Errorf("%q to %q: %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
	if s := spelling.Nearest("host", []string{"banner", "host_keys"}); s != "" {
		t.Errorf("host is far from %s", s)
	}
	for word, want := range map[string]string{"prot": "port", "hostkeys": "host_keys", "aes128-gcm": "aes128-gcm@openssh.com", "aes": ""} {
		if got := spelling.Nearest(word, []string{"port", "host_keys", "aes128-gcm@openssh.com"}); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
