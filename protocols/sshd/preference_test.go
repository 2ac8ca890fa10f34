package sshd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
)

// openSSHCiphers is what a client of OpenSSH offers by default.
const openSSHCiphers = "chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com"

// kexInit is the first packet of a client.
func kexInit(in, out string) []byte {
	payload := ssh.Marshal(struct {
		Cookie                                                   [16]byte `sshtype:"20"`
		Kex, HostKeys, In, Out, MACIn, MACOut, ZIn, ZOut, LI, LO string
		Follows                                                  bool
		Reserved                                                 uint32
	}{
		Kex: "curve25519-sha256", HostKeys: "ssh-ed25519", In: in, Out: out,
		MACIn: "hmac-sha2-256", MACOut: "hmac-sha2-256", ZIn: "none", ZOut: "none",
	})
	padding := 4 + 8 - (5+len(payload)+4)%8
	packet := binary.BigEndian.AppendUint32(nil, uint32(1+len(payload)+padding))
	packet = append(packet, byte(padding))
	packet = append(packet, payload...)
	return append(packet, make([]byte, padding)...)
}

func TestPrefer(t *testing.T) {
	for _, test := range []struct {
		name, ours, in, out, want string
	}{
		{"the client puts what costs most first", strings.Join(ciphers(true), ","), openSSHCiphers, openSSHCiphers, "aes128-gcm@openssh.com,aes256-gcm@openssh.com"},
		{"no AES in the CPU", strings.Join(ciphers(false), ","), openSSHCiphers, openSSHCiphers, "chacha20-poly1305@openssh.com"},
		{"an old client", strings.Join(ciphers(true), ","), "aes128-cbc,aes256-ctr", "aes256-ctr", "aes256-ctr"},
		{"one way only", "aes128-gcm@openssh.com,aes128-ctr", "aes128-gcm@openssh.com,aes128-ctr", "aes128-ctr", "aes128-ctr"},
		{"our order", "aes256-ctr,aes128-gcm@openssh.com", openSSHCiphers, openSSHCiphers, "aes256-ctr"},
		{"different ciphers for the two ways", "aes128-gcm@openssh.com,aes128-ctr", "aes128-gcm@openssh.com", "aes128-ctr", "aes128-gcm@openssh.com,aes128-ctr"},
		{"nothing in common", "aes128-ctr", "3des-cbc", "3des-cbc", "aes128-ctr"},
		{"no offer seen", "aes128-gcm@openssh.com,aes128-ctr", "", "", "aes128-gcm@openssh.com,aes128-ctr"},
	} {
		o := clientOffer{in: strings.Split(test.in, ","), out: strings.Split(test.out, ",")}
		if diff := cmp.Diff(strings.Split(test.want, ","), o.prefer(strings.Split(test.ours, ","))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// speak plays a client that sends its pieces one second apart, and returns what
// was read ahead, when, and the greeting.
func speak(t *testing.T, pieces ...[]byte) (g *greeting, took time.Duration, err error) {
	t.Helper()
	client, server := net.Pipe()
	defer server.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer client.Close()
	wg.Go(func() {
		line := make([]byte, len("SSH-2.0-us\r\n"))
		if _, err := io.ReadFull(client, line); err != nil || string(line) != "SSH-2.0-us\r\n" {
			t.Errorf("version of the server: %q, %v", line, err)
		}
		for i, p := range pieces {
			if i > 0 {
				time.Sleep(time.Second)
			}
			if p == nil {
				client.Close()
				return
			}
			if _, err := client.Write(p); err != nil {
				return // the greeting did not wait for it
			}
		}
	})
	begin := time.Now()
	g, err = greet(server, "SSH-2.0-us")
	return g, time.Since(begin), err
}

func TestGreet(t *testing.T) {
	hello, offer := []byte("SSH-2.0-them\r\n"), kexInit(openSSHCiphers, openSSHCiphers)
	seen := strings.Split(openSSHCiphers, ",")
	bogus := append(binary.BigEndian.AppendUint32(nil, 40), make([]byte, 40)...)
	for _, test := range []struct {
		name   string
		pieces [][]byte
		want   []string
		took   time.Duration
		fails  bool
	}{
		{"all at once", [][]byte{append(append([]byte{}, hello...), offer...)}, seen, 0, false},
		{"lines before the version", [][]byte{[]byte("hi\r\nthere\r\n"), hello, offer}, nil, time.Second + offerWait, false},
		{"the version in two pieces", [][]byte{hello[:3], append(append([]byte{}, hello[3:]...), offer...)}, seen, time.Second, false},
		{"a client that waits for our offer", [][]byte{hello}, nil, offerWait, false},
		{"half an offer", [][]byte{append(append([]byte{}, hello...), offer[:100]...)}, nil, offerWait, false},
		{"not an offer", [][]byte{append(append([]byte{}, hello...), bogus...)}, nil, 0, false},
		{"an impossible length", [][]byte{append(append([]byte{}, hello...), "GET / HTTP/1.1\r\n"...)}, nil, 0, false},
		{"gone before the version", [][]byte{[]byte("SSH-2"), nil}, nil, time.Second, true},
		{"gone after the version", [][]byte{hello, nil}, nil, offerWait, false},
		{"no SSH at all", [][]byte{make([]byte, maxKexInit+1)}, nil, 0, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			g, took, err := speak(t, test.pieces...)
			if test.fails {
				if err == nil {
					t.Errorf("%s: no error", test.name)
				}
				return
			}
			if err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
			if diff := cmp.Diff(test.want, g.offer.in); diff != "" || took != test.took {
				t.Errorf("%s: took %v, want %v; ciphers (-want +got):\n%s", test.name, took, test.took, diff)
			}
		})
	}
}

// record is a connection to which things are written.
type record struct {
	net.Conn
	got strings.Builder
}

func (r *record) Write(p []byte) (int, error) { return r.got.Write(p) }
func (r *record) Read([]byte) (int, error)    { return 0, errors.New("later") }

func TestGreetingReplay(t *testing.T) {
	r := &record{}
	g := &greeting{Conn: r, early: []byte("SSH-2.0-them\r\nrest"), swallow: len("SSH-2.0-us\r\n")}
	for _, p := range []string{"SSH-2.0", "-us\r\npacket", " more"} {
		if n, err := fmt.Fprint(g, p); n != len(p) || err != nil {
			t.Errorf("write %q: %d, %v", p, n, err)
		}
	}
	if got := r.got.String(); got != "packet more" {
		t.Errorf("the client gets %q", got)
	}
	if got, err := io.ReadAll(g); string(got) != "SSH-2.0-them\r\nrest" || err == nil {
		t.Errorf("the library reads %q, %v", got, err)
	}
}

func FuzzGreeting(f *testing.F) {
	f.Add(append([]byte("SSH-2.0-them\r\n"), kexInit(openSSHCiphers, "aes128-ctr")...))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, rest, spoke := clientVersion(b)
		if !spoke {
			return
		}
		payload, more := firstPacket(rest)
		if more && len(rest) > 4+maxKexInit {
			t.Error("waits for more than it takes")
		}
		ours := ciphers(true)
		for _, c := range parseOffer(payload).prefer(ours) {
			if !strings.Contains(strings.Join(ours, ","), c) {
				t.Errorf("offers %q", c)
			}
		}
	})
}
