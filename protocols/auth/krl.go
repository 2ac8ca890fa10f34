package auth

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"
)

// krlMagic begins a key revocation list of ssh-keygen -k. The format is in
// PROTOCOL.krl of OpenSSH.
const krlMagic = "SSHKRL\n\x00"

// The sections of a KRL and, from 0x20 on, of its sections for certificates.
const (
	krlCertificates = 1
	krlKeys         = 2
	krlSHA1         = 3
	krlSignature    = 4
	krlSHA256       = 5

	krlSerials = 0x20
	krlRange   = 0x21
	krlBitmap  = 0x22
	krlKeyIDs  = 0x23
)

var errKRL = errors.New("malformed key revocation list")

// revokedCertificates are certificates of one authority.
type revokedCertificates struct {
	authority string // blob; empty: any
	serials   map[uint64]struct{}
	ranges    [][2]uint64 // first and last
	bitmaps   []serialBitmap
	ids       map[string]struct{}
}

// serialBitmap has a bit for each serial number from first on.
type serialBitmap struct {
	first uint64
	bits  []byte // big endian: bit 0 is the lowest of the last byte
}

func (b serialBitmap) has(serial uint64) bool {
	if serial < b.first {
		return false
	}
	n := serial - b.first
	if n/8 >= uint64(len(b.bits)) {
		return false
	}
	return b.bits[uint64(len(b.bits))-1-n/8]>>(n%8)&1 == 1
}

func (c *revokedCertificates) has(cert *ssh.Certificate) bool {
	if c.authority != "" && c.authority != string(cert.SignatureKey.Marshal()) {
		return false
	}
	if _, ok := c.ids[cert.KeyId]; ok {
		return true
	}
	if cert.Serial == 0 {
		return false // stands for "no number"
	}
	if _, ok := c.serials[cert.Serial]; ok {
		return true
	}
	for _, r := range c.ranges {
		if r[0] <= cert.Serial && cert.Serial <= r[1] {
			return true
		}
	}
	for _, b := range c.bitmaps {
		if b.has(cert.Serial) {
			return true
		}
	}
	return false
}

// krlReader takes a KRL apart; after the first fault it yields zeros.
type krlReader struct {
	rest []byte
	bad  bool
}

func (r *krlReader) take(n uint64) []byte {
	if r.bad || n > uint64(len(r.rest)) {
		r.bad = true
		return nil
	}
	out := r.rest[:n]
	r.rest = r.rest[n:]
	return out
}

func (r *krlReader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *krlReader) uint64() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (r *krlReader) bytes() []byte {
	if b := r.take(4); b != nil {
		return r.take(uint64(binary.BigEndian.Uint32(b)))
	}
	return nil
}

func (r *krlReader) more() bool { return !r.bad && len(r.rest) > 0 }

func (r *revocations) addKRL(data []byte) error {
	in := &krlReader{rest: data[len(krlMagic):]}
	version := in.take(4)
	if in.bad || binary.BigEndian.Uint32(version) != 1 {
		return fmt.Errorf("%w: version", errKRL)
	}
	in.take(3 * 8) // its number, its date, flags
	in.bytes()     // reserved
	in.bytes()     // comment
	for in.more() {
		kind, section := in.byte(), &krlReader{rest: in.bytes()}
		if in.bad {
			break
		}
		if err := r.addKRLSection(kind, section); err != nil {
			return err
		}
		if kind == krlSignature {
			in.bytes() // nothing that counts follows; sshd does not verify it either
		}
	}
	if in.bad {
		return fmt.Errorf("%w: cut off", errKRL)
	}
	return nil
}

// addKRLSection refuses what it does not know: what is left out would not be
// revoked.
func (r *revocations) addKRLSection(kind byte, in *krlReader) error {
	switch kind {
	case krlCertificates:
		return r.addKRLCertificates(in)
	case krlKeys:
		for in.more() {
			r.keys[string(in.bytes())] = struct{}{}
		}
	case krlSHA1, krlSHA256:
		for in.more() {
			switch sum := in.bytes(); {
			case kind == krlSHA1 && len(sum) == sha1.Size:
				r.sha1[[sha1.Size]byte(sum)] = struct{}{}
			case kind == krlSHA256 && len(sum) == sha256.Size:
				r.sha256[[sha256.Size]byte(sum)] = struct{}{}
			default:
				return fmt.Errorf("%w: hash of %d bytes", errKRL, len(sum))
			}
		}
	case krlSignature:
		return nil
	default:
		return fmt.Errorf("%w: section %d is unknown", errKRL, kind)
	}
	if in.bad {
		return fmt.Errorf("%w: section %d", errKRL, kind)
	}
	return nil
}

func (r *revocations) addKRLCertificates(in *krlReader) error {
	c := revokedCertificates{
		authority: string(in.bytes()),
		serials:   map[uint64]struct{}{},
		ids:       map[string]struct{}{},
	}
	in.bytes() // reserved
	for in.more() {
		kind, section := in.byte(), &krlReader{rest: in.bytes()}
		switch kind {
		case krlSerials:
			for section.more() {
				c.serials[section.uint64()] = struct{}{}
			}
		case krlRange:
			c.ranges = append(c.ranges, [2]uint64{section.uint64(), section.uint64()})
		case krlBitmap:
			c.bitmaps = append(c.bitmaps, serialBitmap{first: section.uint64(), bits: section.bytes()})
		case krlKeyIDs:
			for section.more() {
				c.ids[string(section.bytes())] = struct{}{}
			}
		default:
			return fmt.Errorf("%w: section %#x is unknown", errKRL, kind)
		}
		if section.bad || len(section.rest) > 0 {
			return fmt.Errorf("%w: section %#x", errKRL, kind)
		}
	}
	if in.bad {
		return fmt.Errorf("%w: certificates", errKRL)
	}
	r.certificates = append(r.certificates, c)
	return nil
}
