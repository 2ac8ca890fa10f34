package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"sync"

	"sftpgo/vfs"
)

// checksum is the digest of what is written from the beginning to the end. Of
// anything else it knows nothing, and the content is read back.
type checksum struct {
	mu      sync.Mutex
	h       hash.Hash
	next    int64
	spoiled bool
}

func newChecksum() *checksum { return &checksum{h: sha256.New()} }

func (c *checksum) add(p []byte, off int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.spoiled = c.spoiled || off != c.next; c.spoiled {
		return
	}
	c.h.Write(p) // never fails
	c.next += int64(len(p))
}

func (c *checksum) spoil() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spoiled = true
}

// of returns the digest of size bytes, if that is what was written.
func (c *checksum) of(size int64) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.spoiled || c.next != size {
		return nil, false
	}
	return c.h.Sum(nil), true
}

// digest takes what was written at off into the checksum.
func (t *Transfer) digest(p []byte, off int64) {
	if t.up != nil && t.up.sum != nil && len(p) > 0 {
		t.up.sum.add(p, off)
	}
}

// undigested tells that the content changes in a way that the checksum does not see.
func (t *Transfer) undigested() {
	if t.up != nil && t.up.sum != nil {
		t.up.sum.spoil()
	}
}

// sha256Of returns the digest of size bytes of f in hexadecimal, known where it was
// computed before.
func (s *Session) sha256Of(ctx context.Context, f vfs.File, known *checksum, size int64) (string, error) {
	if known != nil {
		if sum, ok := known.of(size); ok {
			return hex.EncodeToString(sum), nil
		}
	}
	h := sha256.New()
	if size > 0 {
		if _, err := s.feed(ctx, f, h, 0, size, func(f func() (int, error)) (int, error) { return f() }); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
