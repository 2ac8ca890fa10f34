package sshd_test

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// Numbers of messages (RFC 4253, 4252, 4254).
const (
	msgIgnore         = 2
	msgServiceRequest = 5
	msgKexInit        = 20
	msgNewKeys        = 21
	msgKexECDHInit    = 30
	msgUserAuth       = 50
	msgUserAuthDone   = 52
	msgGlobalRequest  = 80
	msgChannelOpen    = 90
	msgChannelOpened  = 91
	msgOpenFailure    = 92
	msgWindowAdjust   = 93
	msgChannelData    = 94
	msgExtendedData   = 95
	msgChannelEOF     = 96
	msgChannelClose   = 97
	msgChannelRequest = 98
	msgChannelSuccess = 99
	msgPing           = 192
)

// rawClient speaks SSH packet by packet, so that it can say what no library says.
// It does not verify the server.
type rawClient struct {
	net.Conn
	r       *bufio.Reader
	version string // of the server
	session []byte
	in, out *sealed // nil before the first key exchange
}

// sealed is one direction of aes128-gcm@openssh.com.
type sealed struct {
	aead  cipher.AEAD
	nonce []byte
}

func (s *sealed) next() []byte {
	nonce := bytes.Clone(s.nonce)
	binary.BigEndian.PutUint64(s.nonce[4:], binary.BigEndian.Uint64(s.nonce[4:])+1)
	return nonce
}

const rawVersion = "SSH-2.0-Raw_1"

// rawDial connects, from a loopback address of its own if from is not empty.
func rawDial(addr, from string) (*rawClient, error) {
	d := net.Dialer{Timeout: 10 * time.Second}
	if from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	c, err := d.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &rawClient{Conn: c, r: bufio.NewReaderSize(c, 64<<10)}, nil
}

// greet exchanges versions.
func (c *rawClient) greet() error {
	if _, err := io.WriteString(c, rawVersion+"\r\n"); err != nil {
		return err
	}
	line, err := c.r.ReadString('\n')
	c.version = strings.TrimRight(line, "\r\n")
	return err
}

// packet returns the bytes of one packet on the wire.
func (c *rawClient) packet(payload []byte) []byte {
	block, covered := 8, 5
	if c.out != nil {
		block, covered = aes.BlockSize, 1
	}
	padding := block - (covered+len(payload))%block
	if padding < 4 {
		padding += block
	}
	p := binary.BigEndian.AppendUint32(nil, uint32(1+len(payload)+padding))
	p = append(append(append(p, byte(padding)), payload...), make([]byte, padding)...)
	if c.out == nil {
		return p
	}
	return c.out.aead.Seal(p[:4:4], c.out.next(), p[4:], p[:4])
}

func (c *rawClient) send(payload ...byte) error {
	_, err := c.Write(c.packet(payload))
	return err
}

// message sends a message whose fields are those of body.
func (c *rawClient) message(kind byte, body any) error {
	return c.send(append([]byte{kind}, ssh.Marshal(body)...)...)
}

// receive returns the payload of the next packet.
func (c *rawClient) receive() ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(c.r, head); err != nil {
		return nil, err
	}
	length := int(binary.BigEndian.Uint32(head))
	if length > 1<<20 || length < 2 {
		return nil, fmt.Errorf("packet of %d bytes", length)
	}
	if c.in != nil {
		length += c.in.aead.Overhead()
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(c.r, body); err != nil {
		return nil, err
	}
	if c.in != nil {
		var err error
		if body, err = c.in.aead.Open(body[:0], c.in.next(), body, head); err != nil {
			return nil, err
		}
	}
	if int(body[0]) >= len(body)-1 {
		return nil, errors.New("nothing but padding")
	}
	return body[1 : len(body)-int(body[0])], nil
}

// await skips packets until one of that kind.
func (c *rawClient) await(kind byte) ([]byte, error) {
	for {
		p, err := c.receive()
		if err != nil {
			return nil, err
		}
		if p[0] == kind {
			return p, nil
		}
		if p[0] == 1 || p[0] == 51 {
			return nil, fmt.Errorf("refused: %q", p)
		}
	}
}

// kexInit returns the client's offer.
func (c *rawClient) kexInit() []byte {
	const cipher, mac = "aes128-gcm@openssh.com", "hmac-sha2-256"
	return append([]byte{msgKexInit}, ssh.Marshal(struct {
		Cookie                                                   [16]byte
		Kex, HostKeys, In, Out, MACIn, MACOut, ZIn, ZOut, LI, LO string
		Follows                                                  bool
		Reserved                                                 uint32
	}{
		Kex: "curve25519-sha256", HostKeys: "ssh-ed25519", In: cipher, Out: cipher,
		MACIn: mac, MACOut: mac, ZIn: "none", ZOut: "none",
	})...)
}

// exchange does a key exchange, the first or a later one.
func (c *rawClient) exchange() error {
	ours := c.kexInit()
	if err := c.send(ours...); err != nil {
		return err
	}
	theirs, err := c.await(msgKexInit)
	if err != nil {
		return err
	}
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	if err := c.message(msgKexECDHInit, struct{ Q []byte }{key.PublicKey().Bytes()}); err != nil {
		return err
	}
	p, err := c.await(msgKexECDHInit + 1)
	if err != nil {
		return err
	}
	var reply struct {
		HostKey, Q, Signature []byte
	}
	rest := p[1:]
	for _, field := range []*[]byte{&reply.HostKey, &reply.Q, &reply.Signature} {
		n := binary.BigEndian.Uint32(rest)
		*field, rest = rest[4:4+n], rest[4+n:]
	}
	public, err := ecdh.X25519().NewPublicKey(reply.Q)
	if err != nil {
		return err
	}
	secret, err := key.ECDH(public)
	if err != nil {
		return err
	}
	k := ssh.Marshal(struct{ K *big.Int }{new(big.Int).SetBytes(secret)})
	digest := sha256.Sum256(append(ssh.Marshal(struct {
		VC, VS             string
		IC, IS, KS, QC, QS []byte
	}{rawVersion, c.version, ours, theirs, reply.HostKey, key.PublicKey().Bytes(), reply.Q}), k...))
	if c.session == nil {
		c.session = digest[:]
	}
	if err := c.send(msgNewKeys); err != nil {
		return err
	}
	derive := func(letter byte) []byte {
		sum := sha256.Sum256(bytes.Join([][]byte{k, digest[:], {letter}, c.session}, nil))
		return sum[:]
	}
	c.out = seal(derive('C'), derive('A'))
	if _, err := c.await(msgNewKeys); err != nil {
		return err
	}
	c.in = seal(derive('D'), derive('B'))
	return nil
}

func seal(key, iv []byte) *sealed {
	block, err := aes.NewCipher(key[:16])
	if err != nil {
		panic(err) // the length is right
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return &sealed{aead: aead, nonce: iv[:12]}
}

// logIn does what comes after the key exchange.
func (c *rawClient) logIn() error {
	if err := c.message(msgServiceRequest, struct{ S string }{"ssh-userauth"}); err != nil {
		return err
	}
	err := c.message(msgUserAuth, struct {
		User, Service, Method string
		Change                bool
		Password              string
	}{username, "ssh-connection", "password", false, password})
	if err != nil {
		return err
	}
	_, err = c.await(msgUserAuthDone)
	return err
}

// openChannel opens one, with the number 0 on both sides, for the SFTP subsystem.
func (c *rawClient) openChannel(window uint32) error {
	err := c.message(msgChannelOpen, struct {
		Type                string
		ID, Window, MaxSize uint32
	}{"session", 0, window, 32 << 10})
	if err != nil {
		return err
	}
	if _, err := c.await(msgChannelOpened); err != nil {
		return err
	}
	err = c.message(msgChannelRequest, struct {
		ID        uint32
		Type      string
		WantReply bool
		Name      string
	}{0, "subsystem", true, "sftp"})
	if err != nil {
		return err
	}
	_, err = c.await(msgChannelSuccess)
	return err
}

// data sends bytes in channel 0.
func (c *rawClient) data(b []byte) error {
	return c.message(msgChannelData, struct {
		ID   uint32
		Data []byte
	}{0, b})
}

// phases are how far a client has come when it begins to misbehave.
var phases = []string{"version", "offer", "keys", "login", "channel"}

// rawClient brings a new client to a phase.
func (r *rig) rawClient(t testing.TB, phase string) *rawClient {
	t.Helper()
	c, err := rawDial(r.addr, "")
	must(t, err)
	t.Cleanup(func() { c.Close() })
	must(t, c.SetDeadline(time.Now().Add(60*time.Second)))
	for _, step := range []struct {
		phase string
		do    func() error
	}{
		{"version", func() error { return nil }},
		{"offer", c.greet},
		{"keys", c.exchange},
		{"login", c.logIn},
		{"channel", func() error { return c.openChannel(1 << 20) }},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.phase, err)
		}
		if step.phase == phase {
			return c
		}
	}
	t.Fatalf("no phase %s", phase)
	return nil
}

// sftpFrame is one packet of SFTP.
func sftpFrame(kind byte, body any) []byte {
	b := append([]byte{kind}, ssh.Marshal(body)...)
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
}

// ended waits until the server ends the connection.
func (c *rawClient) ended(t testing.TB) {
	t.Helper()
	must(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
	var timeout net.Error
	if _, err := io.Copy(io.Discard, c.r); errors.As(err, &timeout) && timeout.Timeout() {
		t.Error("the server keeps the connection")
	}
}
