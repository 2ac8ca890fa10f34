package ftpd_test

import (
	"io"
	"net"
	"net/textproto"
	"testing"

	"sftpgo/actions"
	"sftpgo/protocols/proxied"
)

// The end of a client that was killed is seen as well where a proxy may be in front
// and this client did not come through it.
func TestKilledClientBesideProxy(t *testing.T) {
	for name, cfg := range map[string]proxied.Config{
		"not a proxy": {ProxyProtocol: 1, ProxyAllowed: []string{"192.0.2.1"}},
		"no header":   {ProxyProtocol: 1},
	} {
		t.Run(name, func(t *testing.T) {
			tcp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
			if err != nil {
				t.Fatal(err)
			}
			l, err := proxied.Listen(tcp, cfg, discard)
			if err != nil {
				t.Fatal(err)
			}
			s := startOn(t, options{}, l)
			s.write(t, "a", "old")
			for range 20 {
				c := impatient(t, s)
				c.login()
				d := c.data("STOR a")
				c.expect(150)
				if _, err := io.WriteString(d, "half"); err != nil {
					t.Fatal(err)
				}
				c.tcp.Close()
				d.Close()
				if e := s.events.take(t, 1)[0]; e.Kind != actions.UploadFailed {
					t.Fatalf("event %s", e.Kind)
				}
			}
		})
	}
}

// impatient connects and does not wait for the greeting, so that the server reads
// something which is no header and is given again.
func impatient(t *testing.T, s *server) *conn {
	t.Helper()
	tcp, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tcp.Close() })
	c := &conn{t: t, tcp: tcp, text: textproto.NewConn(tcp)}
	c.send("FEAT")
	c.expect(220)
	c.expect(211)
	return c
}
