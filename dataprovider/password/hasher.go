// Package password hashes new passwords with argon2id and verifies them against
// the hash forms that records of other systems carry.
package password

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"strings"

	"sftpgo/dataprovider"
)

// MaxLength is the longest password, in bytes. Some of the schemes need time
// that grows with the square of the length, and a peer may send a packet full.
const MaxLength = 1024

// Hasher hashes and verifies. It is safe for concurrent use and runs at most
// GOMAXPROCS computations at a time, because one of argon2id takes as much
// memory as its options say; the others wait as long as their ctx lets them.
type Hasher struct {
	options   dataprovider.Argon2Options
	limits    limits
	dummySalt []byte
	slots     chan struct{}
}

var _ dataprovider.PasswordHasher = (*Hasher)(nil)

// NewHasher returns a Hasher that hashes with the options, which have passed
// dataprovider.Config.Validate.
func NewHasher(options dataprovider.Argon2Options) *Hasher {
	return &Hasher{
		options:   options,
		limits:    limitsFor(options),
		dummySalt: newSalt(),
		slots:     make(chan struct{}, runtime.GOMAXPROCS(0)),
	}
}

// Hash returns the argon2id hash of plain as a PHC string. An empty or overlong
// password is dataprovider.ErrInvalid.
func (h *Hasher) Hash(ctx context.Context, plain string) (string, error) {
	if plain == "" {
		return "", fmt.Errorf("%w: the password is empty", dataprovider.ErrInvalid)
	}
	if len(plain) > MaxLength {
		return "", fmt.Errorf("%w: the password is longer than %d bytes", dataprovider.ErrInvalid, MaxLength)
	}
	release, err := h.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	return newArgon2id(h.options, newSalt(), plain).String(), nil
}

// Verify reports whether plain is the password behind the stored hash. The
// comparison takes constant time. An error says that the hash cannot be used (an
// unknown form, a fault, costs that no sane hash has) or that ctx ended; it must
// be taken for a denial.
//
// Whatever the reason of a denial, it takes at least the work of VerifyDummy,
// unless ctx ended first.
func (h *Hasher) Verify(ctx context.Context, stored, plain string) (bool, error) {
	release, err := h.acquire(ctx)
	if err != nil {
		return false, err
	}
	defer release()

	check, err := h.parse(stored)
	if err == nil && len(plain) > MaxLength {
		err = fmt.Errorf("password longer than %d bytes", MaxLength)
	}
	if err != nil || plain == "" {
		h.dummy(plain)
		return false, err
	}
	if check.match(plain) {
		return true, nil
	}
	if check.cheap {
		h.dummy(plain)
	}
	return false, nil
}

// VerifyDummy does the work of a verification that fails. It is for accounts
// that do not exist or have no password, so that the time tells nothing.
func (h *Hasher) VerifyDummy(ctx context.Context, plain string) error {
	release, err := h.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	h.dummy(plain)
	return nil
}

// dummy hashes at most MaxLength bytes, so that the length costs no more here
// than it does with an account that exists.
func (h *Hasher) dummy(plain string) {
	newArgon2id(h.options, h.dummySalt, plain[:min(len(plain), MaxLength)])
}

func (h *Hasher) acquire(ctx context.Context) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("hash password: %w", err)
	}
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("hash password: %w", ctx.Err())
	}
}

// hashLike is what other systems' hashes begin with.
var hashLike = regexp.MustCompile(`^\$[A-Za-z0-9][A-Za-z0-9,=._-]*\$`)

// IsHash reports whether s is a hash of a known scheme, by its prefix; it is not
// read any further. What looks like a hash of an unknown scheme is
// dataprovider.ErrInvalid: taken for a plain password it would lock the user out.
func (h *Hasher) IsHash(s string) (bool, error) {
	if _, ok := schemeOf(s); ok {
		return true, nil
	}
	if id := hashLike.FindString(s); id != "" {
		return false, fmt.Errorf("%w: hash scheme %s is unknown; known are %s", dataprovider.ErrInvalid, id, strings.Join(prefixes(), " "))
	}
	return false, nil
}

// Stale reports whether the stored hash is of another scheme than Hash writes, or
// one of less work than the options ask for by now. What cannot be read is not.
func (h *Hasher) Stale(stored string) bool {
	if _, ok := schemeOf(stored); !ok {
		return false
	}
	if !strings.HasPrefix(stored, argon2Prefix) {
		return true
	}
	c, err := h.parse(stored)
	return err == nil && c.weaker
}

// check verifies one stored hash.
type check struct {
	match func(plain string) bool
	cheap bool // much faster than a hash by the options
	// weaker is an argon2id hash of less work than the options ask for.
	weaker bool
}

var errMalformed = errors.New("stored password hash is malformed")

func (h *Hasher) parse(stored string) (check, error) {
	s, ok := schemeOf(stored)
	if !ok {
		return check{}, errors.New("stored password hash is of no known scheme")
	}
	return s.parse(stored, h.limits)
}

const saltLength = 16

func newSalt() []byte {
	salt := make([]byte, saltLength)
	rand.Read(salt) // never fails, see crypto/rand
	return salt
}
