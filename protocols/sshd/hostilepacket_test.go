package sshd_test

import (
	"encoding/binary"
	"net"
	"strings"
	"testing"

	"github.com/pkg/sftp"
)

// bystander is a session that must not notice what others do.
func (r *rig) bystander(t *testing.T) (check func()) {
	t.Helper()
	c := r.sftp()
	f, err := c.Create("/bystander")
	must(t, err)
	return func() {
		t.Helper()
		if _, err := f.Write([]byte("x")); err != nil {
			t.Errorf("another session: %v", err)
		}
		if _, err := c.Stat("/"); err != nil {
			t.Errorf("another session: %v", err)
		}
		if strings.Contains(r.log.String(), "panic") {
			t.Error("the server panicked")
		}
	}
}

// TestHostilePackets sends what is no packet, in clear text and sealed, at each
// point of a connection.
func TestHostilePackets(t *testing.T) {
	r := start(t)
	check := r.bystander(t)
	length := func(n uint32, more ...byte) []byte { return append(binary.BigEndian.AppendUint32(nil, n), more...) }
	for _, phase := range phases {
		for name, bytes := range map[string][]byte{
			"nothing": nil, "half a length": {0, 0}, "length 0": length(0, 0), "length 1": length(1, 0), "length 2": length(2, 1, 0),
			"padding only": length(12, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), "4 GiB": length(0xffffffff, 4), "2 GiB": length(1<<31, 4),
			"300 KiB": length(300<<10, make([]byte, 300<<10)...), "cut": length(1000, 4, 20), "rubbish": []byte(strings.Repeat("rubbish\x00\xff", 1000)),
			"lines": []byte(strings.Repeat("HTTP/1.1 400\r\n", 100)), "no line": []byte(strings.Repeat("x", 70_000)),
		} {
			c := r.rawClient(t, phase)
			_, _ = c.Write(bytes)
			_ = c.Conn.(*net.TCPConn).CloseWrite() // the server may have ended the connection
			c.ended(t)
			if t.Failed() {
				t.Fatalf("%s, %s", phase, name)
			}
		}
		check()
	}
}

// TestHostileMessages sends each kind of message without what belongs to it, at
// each point of a connection at which packets are sealed.
func TestHostileMessages(t *testing.T) {
	r := start(t)
	check := r.bystander(t)
	for _, phase := range []string{"offer", "keys", "login", "channel"} {
		for kind := range 256 {
			for _, body := range []string{"", "\x00", "\x00\x00\x00\x00", "\xff\xff\xff\xff\xff\xff\xff\xff", "\x00\x00\x00\x00\x00\x00\x00\x04none\x01"} {
				if testing.Short() && kind%7 != 0 {
					continue
				}
				if len(body)%4 != kind%4 && phase != "channel" {
					continue // a part of them: each costs a connection
				}
				c := r.rawClient(t, phase)
				_ = c.send(append([]byte{byte(kind)}, body...)...)
				_ = c.send(msgIgnore, 0, 0, 0, 0)
				_ = c.Conn.(*net.TCPConn).CloseWrite() // the server may have ended the connection
				c.ended(t)
				c.Close()
				if t.Failed() {
					t.Fatalf("%s: %d %q", phase, kind, body)
				}
			}
		}
		check()
	}
}

// TestHostileChannels misuses channels. What must end the connection is marked;
// the rest must leave it as it is.
func TestHostileChannels(t *testing.T) {
	r := start(t)
	check := r.bystander(t)
	id := func(n uint32, more ...byte) []byte { return append(binary.BigEndian.AppendUint32(nil, n), more...) }
	of := func(kind byte, body []byte) []byte { return append([]byte{kind}, body...) }
	data := func(channel uint32, n int) []byte { return id(channel, append(id(uint32(n)), make([]byte, n)...)...) }
	for _, tt := range []struct {
		name     string
		messages [][]byte
		ends     bool
	}{
		{"data for no channel", [][]byte{of(msgChannelData, data(7, 4))}, true},
		{"data for the last channel", [][]byte{of(msgChannelData, data(0xffffffff, 4))}, true},
		{"more than a packet may have", [][]byte{of(msgChannelData, data(0, 33<<10))}, true},
		{"a length that lies", [][]byte{of(msgChannelData, id(0, append(id(100), 1, 2, 3)...))}, true},
		{"the window overflows", [][]byte{of(msgWindowAdjust, id(0, id(0xffffffff)...)), of(msgWindowAdjust, id(0, id(0xffffffff)...))}, true},
		{"closed twice", [][]byte{of(msgChannelClose, id(0)), of(msgChannelClose, id(0))}, true},
		{"data after the close", [][]byte{of(msgChannelClose, id(0)), of(msgChannelData, data(0, 4))}, true},
		{"opened without a question", [][]byte{of(msgChannelOpened, id(0, id(0, id(1<<20, id(1<<15)...)...)...))}, true},
		{"refused without a question", [][]byte{of(msgOpenFailure, id(0, id(1, id(0, id(0)...)...)...))}, true},
		{"successes without a question", [][]byte{of(msgChannelSuccess, id(0)), of(msgChannelSuccess, id(0)), of(msgChannelSuccess+1, id(0))}, false},
		{"answers to no request", [][]byte{{81}, {82}, {81}, {82}}, false},
		{"end twice", [][]byte{of(msgChannelEOF, id(0)), of(msgChannelEOF, id(0))}, false},
		{"a second subsystem", [][]byte{of(msgChannelRequest, id(0, append(id(9), "subsystem\x01\x00\x00\x00\x04sftp"...)...))}, false},
		{"a request for no channel", [][]byte{of(msgChannelRequest, id(9, append(id(5), "shell\x01"...)...))}, false},
		{"data of an unknown kind", [][]byte{of(msgExtendedData, id(0, id(9, append(id(4), 1, 2, 3, 4)...)...))}, false},
		{"a channel for packets of no size", [][]byte{of(msgChannelOpen, append(append(id(7), "session"...), id(1, id(1<<20, id(0)...)...)...))}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := r.rawClient(t, "channel")
			for _, m := range tt.messages {
				_ = c.send(m...)
			}
			if tt.ends {
				c.ended(t)
			} else {
				must(t, c.message(msgPing, struct{ S string }{"still there"}))
				p, err := c.await(msgPing + 1)
				if err != nil || string(p[5:]) != "still there" {
					t.Errorf("ping: %q, %v", p, err)
				}
			}
			check()
		})
	}
}

// TestStalledKeyExchange: clients that stop in the middle of a key exchange, the
// first or a later one, hold up nobody.
func TestStalledKeyExchange(t *testing.T) {
	r := start(t)
	check := r.bystander(t)
	for range 20 {
		for _, phase := range []string{"offer", "keys", "login", "channel"} {
			c := r.rawClient(t, phase)
			if phase == "keys" {
				// golang.org/x/crypto v0.58.0 reads what the first key exchange came to
				// while it may begin the second; the server has done so once it answers.
				must(t, c.message(msgServiceRequest, struct{ S string }{"ssh-userauth"}))
				_, err := c.await(msgServiceRequest + 1)
				must(t, err)
			}
			must(t, c.send(c.kexInit()...))
		}
	}
	check()
	works(t, r.dial())
}

// TestZeroWindow: a client that lets nothing be sent to it.
func TestZeroWindow(t *testing.T) {
	r := start(t)
	check := r.bystander(t)
	for range 20 {
		c := r.rawClient(t, "login")
		must(t, c.openChannel(0))
		must(t, c.data(sftpFrame(1, struct{ Version uint32 }{3})))
		for id := range uint32(1000) {
			must(t, c.data(sftpFrame(17, struct {
				ID   uint32
				Path string
			}{id, "/"})))
		}
	}
	check()
	// And the same channel of a client that gives the window later.
	c := r.rawClient(t, "login")
	must(t, c.openChannel(0))
	must(t, c.data(sftpFrame(1, struct{ Version uint32 }{3})))
	must(t, c.message(msgWindowAdjust, struct{ ID, Bytes uint32 }{0, 1 << 20}))
	p, err := c.await(msgChannelData)
	if err != nil || p[13] != 2 {
		t.Errorf("answer to INIT: %q, %v", p, err)
	}
	if _, err := sftp.NewClient(r.dial()); err != nil {
		t.Error(err)
	}
}
