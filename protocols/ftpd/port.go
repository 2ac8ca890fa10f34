package ftpd

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// firstPort is the lowest port that the server dials: below it are the services
// that a client might want to reach through us (RFC 2577, section 3).
const firstPort = 1024

// connect takes the commands for a data connection that EPSV ALL rules out (RFC 2428,
// section 4).
func (t *control) connect(verb, arg string, line []byte) []byte {
	switch {
	case t.epsvAll && t.c.loggedIn():
		return t.refuse(&refusal{503, "Only EPSV after EPSV ALL"})
	case verb == "PASV":
		return line
	}
	return screenPort(verb, arg)
}

// epsv takes EPSV of a client that has logged in: the library does not look at the
// argument. The server listens for the protocol of the control connection, which is
// the one that reaches it.
func (t *control) epsv(arg string) []byte {
	family := "1"
	if addressOf(t.Conn.LocalAddr()).Is6() {
		family = "2"
	}
	switch {
	case arg == "", arg == family:
		return []byte("EPSV\r\n")
	case strings.EqualFold(arg, "ALL"):
		return t.later(func(context.Context, *driver) (reply, error) {
			t.epsvAll = true
			return reply{code: 200, text: "Only EPSV from now on"}, nil
		})
	}
	return t.refuse(&refusal{522, "Network protocol not supported, use (" + family + ")"})
}

// screenPort reads the argument of PORT or EPRT and writes it anew, so that the
// library dials what was checked here. That the address is the client's own is
// checked by the library. An address that nobody has makes it refuse the command
// as it refuses a foreign one.
func screenPort(verb, arg string) []byte {
	to, ok := parseHostPort(arg)
	if verb == "EPRT" {
		to, ok = parseEPRT(arg)
	}
	if !ok {
		return []byte(verb + " \r\n") // 501 of the library
	}
	if to.Port() < firstPort {
		to = netip.AddrPortFrom(netip.IPv4Unspecified(), firstPort)
	}
	if verb == "EPRT" {
		family := 1
		if to.Addr().Is6() {
			family = 2
		}
		return fmt.Appendf(nil, "EPRT |%d|%s|%d|\r\n", family, to.Addr(), to.Port())
	}
	quad := to.Addr().As4()
	return fmt.Appendf(nil, "PORT %d,%d,%d,%d,%d,%d\r\n",
		quad[0], quad[1], quad[2], quad[3], to.Port()>>8, to.Port()&0xff)
}

// parseHostPort reads h1,h2,h3,h4,p1,p2 (RFC 959, section 4.1.2).
func parseHostPort(arg string) (netip.AddrPort, bool) {
	parts := strings.Split(arg, ",")
	if len(parts) != 6 {
		return netip.AddrPort{}, false
	}
	var b [6]byte
	for i, part := range parts {
		n, err := strconv.ParseUint(strings.TrimSpace(part), 10, 8)
		if err != nil {
			return netip.AddrPort{}, false
		}
		b[i] = byte(n)
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[:4])), uint16(b[4])<<8|uint16(b[5])), true
}

// parseEPRT reads |family|address|port| with any delimiter (RFC 2428, section 2).
func parseEPRT(arg string) (netip.AddrPort, bool) {
	if arg == "" {
		return netip.AddrPort{}, false
	}
	parts := strings.Split(arg, arg[:1])
	if len(parts) != 5 {
		return netip.AddrPort{}, false
	}
	ip, err := netip.ParseAddr(parts[2])
	port, errPort := strconv.ParseUint(parts[3], 10, 16)
	if err != nil || errPort != nil || ip.Zone() != "" {
		return netip.AddrPort{}, false
	}
	if parts[1] == "1" && ip.Is4() || parts[1] == "2" && ip.Is6() {
		return netip.AddrPortFrom(ip, uint16(port)), true
	}
	return netip.AddrPort{}, false
}
