package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"sync"
	"time"

	"sftpgo/dataprovider"
)

const (
	verifiedLifetime = 5 * time.Minute
	verifiedEntries  = 1024
)

// verifiedCache remembers which passwords were found right a moment ago, so that
// a protocol with a login per request does not pay for a slow hash each time. It
// holds MACs under a key of the process, no passwords. Failures are not kept.
type verifiedCache struct {
	secret [32]byte

	mu      sync.Mutex
	entries map[verified]time.Time // until when
}

// verified is a password that was right; or the login with it of a client, by a
// method, of which the log has heard.
type verified struct {
	key    verifiedKey
	remote netip.Addr
	method string
}

type verifiedKey [sha256.Size]byte

func newVerifiedCache() *verifiedCache {
	c := &verifiedCache{entries: map[verified]time.Time{}}
	rand.Read(c.secret[:]) // never fails, see crypto/rand
	return c
}

// key covers the revision and the stored hash: a record that was changed, or
// deleted and added again, has another one.
func (c *verifiedCache) key(u *dataprovider.User, rev dataprovider.Revision, plain string) verifiedKey {
	text := make([]byte, 0, 512)
	for _, part := range [...]string{u.Username, u.Password, plain} {
		text = binary.AppendUvarint(text, uint64(len(part)))
		text = append(text, part...)
	}
	text = binary.AppendUvarint(text, uint64(rev))
	mac := hmac.New(sha256.New, c.secret[:])
	mac.Write(text)
	var k verifiedKey
	mac.Sum(k[:0])
	return k
}

func (c *verifiedCache) has(k verified) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	until, ok := c.entries[k]
	return ok && time.Now().Before(until)
}

// add remembers k; an entry that is there and valid is not prolonged, so a
// password is verified at least once per lifetime.
func (c *verifiedCache) add(k verified) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if until, ok := c.entries[k]; ok && now.Before(until) {
		return
	}
	if len(c.entries) >= verifiedEntries {
		c.makeRoom(now)
	}
	c.entries[k] = now.Add(verifiedLifetime)
}

// makeRoom drops what is over, and at least the entry that ends first.
func (c *verifiedCache) makeRoom(now time.Time) {
	var first verified
	var firstEnd time.Time
	for k, until := range c.entries {
		if !now.Before(until) {
			delete(c.entries, k)
			continue
		}
		if firstEnd.IsZero() || until.Before(firstEnd) {
			first, firstEnd = k, until
		}
	}
	if len(c.entries) >= verifiedEntries {
		delete(c.entries, first)
	}
}
