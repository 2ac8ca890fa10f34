package sshd

import (
	"bytes"
	"encoding/binary"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// In SSH the first cipher of the client that the server offers wins (RFC 4253,
// 7.1), and clients of OpenSSH put the ciphers that cost a server least, AES-GCM,
// last. So we look at what the client offers before we make our own offer, and
// offer it only the kind of cipher that we like best of those that it has.

const (
	// maxKexInit is the longest first packet that is looked at. Those of clients
	// have about 1500 bytes.
	maxKexInit = 16 << 10
	// offerWait is how long we wait for the client's offer once its version is
	// there. Clients send the two together; one that waits for ours first is made
	// the whole offer.
	offerWait = 300 * time.Millisecond
)

// greeting is the beginning of an SSH connection: the exchange of versions and
// the client's offer, read ahead of the SSH library, which does both again on
// the greeting as if nothing had happened.
type greeting struct {
	net.Conn
	early   []byte // read from the client and not handed on yet
	swallow int    // bytes of our version line that the library is yet to write
	client  string // the client's version line
	offer   clientOffer
}

// clientOffer is the ciphers in the client's offer, for both ways.
type clientOffer struct{ in, out []string }

// greet sends version, without the end of the line, and reads what the client
// says, up to its offer. An error means that the connection is of no use.
func greet(nc net.Conn, version string) (*greeting, error) {
	line := version + "\r\n"
	if _, err := nc.Write([]byte(line)); err != nil {
		return nil, err
	}
	g := &greeting{Conn: nc, swallow: len(line)}
	if err := g.listen(); err != nil {
		return nil, err
	}
	return g, nil
}

// listen reads until the client's offer is complete, or it is clear that it
// will not come.
func (g *greeting) listen() error {
	g.early = make([]byte, 0, 2<<10) // room for what clients say
	var deadline time.Time
	for {
		version, rest, spoke := clientVersion(g.early)
		if spoke {
			g.client = version
			packet, more := firstPacket(rest)
			if !more {
				g.offer = parseOffer(packet)
				return g.SetReadDeadline(time.Time{})
			}
			if deadline.IsZero() {
				deadline = time.Now().Add(offerWait)
				if err := g.SetReadDeadline(deadline); err != nil {
					return err
				}
			}
		} else if len(g.early) > maxKexInit {
			return nil // no SSH client; the library finds the words for it
		}
		if len(g.early) == cap(g.early) {
			g.early = slices.Grow(g.early, 1)
		}
		n, err := g.Conn.Read(g.early[len(g.early):cap(g.early)])
		g.early = g.early[:len(g.early)+n]
		if err != nil {
			if spoke { // late, or gone: the library will see
				return g.SetReadDeadline(time.Time{})
			}
			return err
		}
	}
}

// clientVersion returns the version line of the client, without its end and cut
// to the 255 bytes that it may have, and what follows it.
func clientVersion(early []byte) (version string, rest []byte, ok bool) {
	for {
		line, rest, ok := bytes.Cut(early, []byte("\n"))
		if !ok {
			return "", nil, false
		}
		if bytes.HasPrefix(line, []byte("SSH-")) {
			line = bytes.TrimSuffix(line, []byte("\r"))
			return string(line[:min(len(line), 255)]), rest, true
		}
		early = rest
	}
}

// firstPacket returns the payload of the packet that b begins with (RFC 4253,
// 6), nil if that is none to look at; more says that it is not complete yet.
func firstPacket(b []byte) (payload []byte, more bool) {
	if len(b) < 5 {
		return nil, true
	}
	length, padding := binary.BigEndian.Uint32(b), uint32(b[4])
	switch {
	case length > maxKexInit || length < padding+1:
		return nil, false
	case uint32(len(b)-4) < length:
		return nil, true
	}
	return b[5 : 4+length-padding], false
}

// parseOffer reads a KEXINIT. Of anything else it makes an empty offer.
func parseOffer(payload []byte) clientOffer {
	var m struct {
		Cookie        [16]byte `sshtype:"20"`
		Kex, HostKeys []string
		CiphersIn     []string
		CiphersOut    []string
		Rest          []byte `ssh:"rest"`
	}
	if len(payload) == 0 || ssh.Unmarshal(payload, &m) != nil {
		return clientOffer{}
	}
	return clientOffer{in: m.CiphersIn, out: m.CiphersOut}
}

// prefer returns the part of ours, in our order of preference, that is to be
// offered to the client: the ciphers of the first kind that the client can use
// both ways. Among those of one kind the client chooses. If there is none, all of
// ours are returned; the negotiation will fail, or find different ciphers for the
// two ways.
func (o clientOffer) prefer(ours []string) []string {
	for _, name := range ours {
		kind := cipherKind(name)
		fits := slices.DeleteFunc(slices.Clone(ours), func(c string) bool {
			return cipherKind(c) != kind || !slices.Contains(o.in, c) || !slices.Contains(o.out, c)
		})
		if len(fits) > 0 {
			return fits
		}
	}
	return ours
}

// cipherKind names what ciphers that cost the same per byte have in common.
func cipherKind(name string) string {
	name = strings.TrimSuffix(name, "@openssh.com")
	for _, kind := range []string{"gcm", "ctr", "cbc"} {
		if strings.HasSuffix(name, "-"+kind) {
			return kind
		}
	}
	return name
}

// Read hands out what was read ahead.
func (g *greeting) Read(p []byte) (int, error) {
	if len(g.early) == 0 {
		return g.Conn.Read(p)
	}
	n := copy(p, g.early)
	if g.early = g.early[n:]; len(g.early) == 0 {
		g.early = nil
	}
	return n, nil
}

// Write leaves out the version line, which the client has.
func (g *greeting) Write(p []byte) (int, error) {
	if g.swallow == 0 {
		return g.Conn.Write(p)
	}
	skip := min(g.swallow, len(p))
	g.swallow -= skip
	if skip == len(p) {
		return skip, nil
	}
	n, err := g.Conn.Write(p[skip:])
	return skip + n, err
}
