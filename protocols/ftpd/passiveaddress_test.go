package ftpd_test

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"

	"sftpgo/protocols/ftpd"
)

func TestPassiveAddress(t *testing.T) {
	here := []ftpd.PassiveIPOverride{
		{Networks: []string{"10.0.0.0/8", "2001:db8::/32"}, IP: "192.0.2.9"},
		{Networks: []string{"127.0.0.0/8"}},
	}
	there := []ftpd.PassiveIPOverride{{Networks: []string{"127.0.0.0/8"}, IP: "192.0.2.7"}}
	for _, tt := range []struct {
		name string
		b    ftpd.Binding
		want string
	}{
		{"control connection", ftpd.Binding{}, "(127,0,0,1,"},
		{"forced", ftpd.Binding{ForcePassiveIP: "192.0.2.1"}, "(192,0,2,1,"},
		{"forced, but not here", ftpd.Binding{ForcePassiveIP: "192.0.2.1", PassiveIPOverrides: here}, "(127,0,0,1,"},
		{"another", ftpd.Binding{ForcePassiveIP: "192.0.2.1", PassiveIPOverrides: there}, "(192,0,2,7,"},
		{"by name", ftpd.Binding{PassiveHost: "localhost"}, "(127,0,0,1,"},
		{"by a name that does not resolve", ftpd.Binding{PassiveHost: "name.invalid"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, options{cfg: func(c *ftpd.Config) { c.Bindings = []ftpd.Binding{tt.b} }})
			c := login(t, s)
			if tt.want == "" {
				c.cmd(425, "PASV")
			} else if text := c.cmd(227, "PASV"); !strings.Contains(text, tt.want) {
				t.Errorf("PASV %q", text)
			}
			roundTrip(t, c) // EPSV does not care
		})
	}
}

// A client with several addresses needs the check to be off, and then gets it.
func TestPassiveFromAnywhere(t *testing.T) {
	s := start(t, options{cfg: func(c *ftpd.Config) { c.Bindings[0].PassiveConnectionsSecurity = 1 }})
	s.write(t, "a", "content")
	c := login(t, s)
	from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	d, err := from.Dial("tcp", c.epsv())
	if err != nil {
		t.Skipf("127.0.0.2 is not an address here: %v", err)
	}
	defer d.Close()
	c.send("RETR a")
	c.expect(150)
	c.expect(226)
}

// lockedBuffer is a log that the server writes and the test reads.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// The log tells at the start what clients will see.
func TestStartIsReported(t *testing.T) {
	for _, tt := range []struct {
		change func(c *ftpd.Config)
		want   []string
	}{
		{func(*ftpd.Config) {}, []string{"made one for TLS", "sha256=", "ftpd_selfsigned.pem", "address that they reached", "ports=50000-50100"}},
		{func(c *ftpd.Config) {
			c.Bindings[0].ForcePassiveIP = "192.0.2.1"
			c.PassivePortRange = ftpd.PortRange{}
		},
			[]string{"force_passive_ip", "address=192.0.2.1", `ports="any,`}},
		{func(c *ftpd.Config) { c.Bindings[0].PassiveHost = "name.invalid" }, []string{"level=WARN", "does not resolve"}},
		{func(c *ftpd.Config) { c.Bindings[0].TLSCipherSuites = []string{"TLS_RSA_WITH_RC4_128_SHA"} }, []string{"level=WARN", "left out"}},
	} {
		out := &lockedBuffer{}
		cfg := ftpd.DefaultConfig()
		tt.change(&cfg)
		s, err := ftpd.New(cfg, 0, nil, nil, "1", t.TempDir(), slog.New(slog.NewTextHandler(out, nil)))
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		_ = s.Serve(t.Context(), l) // reports, and finds no listener
		for _, want := range tt.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("the log lacks %q:\n%s", want, out)
			}
		}
	}
}
