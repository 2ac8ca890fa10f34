package ftpd

import (
	"strings"
	"testing"
)

func TestScreenPort(t *testing.T) {
	const foreign = "0.0.0.0" // nobody's address: the library refuses it
	tests := []struct{ verb, arg, want string }{
		{"PORT", "127,0,0,1,4,0", "PORT 127,0,0,1,4,0"},
		{"PORT", "127,0,0,1,195,80", "PORT 127,0,0,1,195,80"},
		{"PORT", "127,0,0,1,3,255", "PORT 0,0,0,0,4,0"},
		{"PORT", "127,0,0,1,0,25", "PORT 0,0,0,0,4,0"},
		{"PORT", "127,0,0,1,0,0", "PORT 0,0,0,0,4,0"},
		{"PORT", "127,0,0,1,256,25", "PORT "},
		{"PORT", "127,0,0,1,3,999", "PORT "},
		{"PORT", "127,0,0,1,4", "PORT "},
		{"PORT", "127,0,0,1,4,0,0", "PORT "},
		{"PORT", "", "PORT "},
		{"PORT", "-1,0,0,1,4,0", "PORT "},
		{"EPRT", "|1|127.0.0.1|1024|", "EPRT |1|127.0.0.1|1024|"},
		{"EPRT", "!1!127.0.0.1!50000!", "EPRT |1|127.0.0.1|50000|"},
		{"EPRT", "|2|::1|50000|", "EPRT |2|::1|50000|"},
		{"EPRT", "|1|127.0.0.1|25|", "EPRT |1|" + foreign + "|1024|"},
		{"EPRT", "|2|::1|1023|", "EPRT |1|" + foreign + "|1024|"},
		{"EPRT", "|2|127.0.0.1|50000|", "EPRT "},
		{"EPRT", "|1|127.0.0.1|66000|", "EPRT "},
		{"EPRT", "|1|127.0.0.1|-1|", "EPRT "},
		{"EPRT", "|2|fe80::1%eth0|50000|", "EPRT "},
		{"EPRT", "|", "EPRT "},
		{"EPRT", "", "EPRT "},
	}
	for _, tt := range tests {
		if got := strings.TrimSuffix(string(screenPort(tt.verb, tt.arg)), "\r\n"); got != tt.want {
			t.Errorf("%s %q: library sees %q, want %q", tt.verb, tt.arg, got, tt.want)
		}
	}
}

// FuzzScreenPort holds that no argument makes the library dial a low port.
func FuzzScreenPort(f *testing.F) {
	f.Add("127,0,0,1,4,0")
	f.Add("|1|127.0.0.1|1024|")
	f.Add("|2|::1|25|")
	f.Fuzz(func(t *testing.T, arg string) {
		for _, verb := range []string{"PORT", "EPRT"} {
			line := string(screenPort(verb, arg))
			if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\r\n") {
				t.Fatalf("%s %q became %q: not one line", verb, arg, line)
			}
			rest := strings.TrimSpace(strings.TrimPrefix(line, verb))
			if rest == "" {
				continue
			}
			to, ok := parseHostPort(rest)
			if verb == "EPRT" {
				to, ok = parseEPRT(rest)
			}
			if !ok || to.Port() < firstPort {
				t.Fatalf("%s %q became %q", verb, arg, line)
			}
		}
	})
}
