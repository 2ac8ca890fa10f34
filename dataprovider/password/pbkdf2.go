package password

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"hash"
	"strconv"
	"strings"
)

// cheapPBKDF2 is the work of some ten milliseconds.
const cheapPBKDF2 = 100_000

// parsePBKDF2 reads $pbkdf2-HASH$iterations$salt$base64(key), the salt literal,
// and $pbkdf2-b64salt-sha256$, the salt in base64. The key is as long as what is
// stored.
func parsePBKDF2(stored string, l limits) (check, error) {
	parts := strings.Split(stored, "$") // "", name, iterations, salt, key
	if len(parts) != 5 {
		return check{}, errMalformed
	}
	iterations, err := strconv.Atoi(parts[2])
	if err != nil || iterations < 1 {
		return check{}, fmt.Errorf("%w: iterations %q", errMalformed, parts[2])
	}
	salt := []byte(parts[3])
	newHash := func() hash.Hash { return sha256.New() }
	switch parts[1] {
	case "pbkdf2-sha1":
		newHash = func() hash.Hash { return sha1.New() }
	case "pbkdf2-sha512":
		newHash = func() hash.Hash { return sha512.New() }
	case "pbkdf2-b64salt-sha256":
		if salt, err = decodeBase64(parts[3]); err != nil {
			return check{}, fmt.Errorf("%w: salt", errMalformed)
		}
	}
	key, err := decodeBase64(parts[4])
	if err != nil || len(key) < 16 || len(key) > 512 {
		return check{}, fmt.Errorf("%w: key", errMalformed)
	}
	size := newHash().Size()
	blocks := (len(key) + size - 1) / size
	if iterations > l.pbkdf2Work/blocks {
		return check{}, tooCostly("iterations", iterations)
	}
	match := func(plain string) bool {
		got, err := pbkdf2.Key(newHash, plain, salt, iterations, len(key))
		return err == nil && subtle.ConstantTimeCompare(key, got) == 1
	}
	return check{match: match, cheap: iterations < cheapPBKDF2/blocks}, nil
}
