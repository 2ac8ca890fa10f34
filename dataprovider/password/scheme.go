package password

import (
	"errors"
	"fmt"
	"strings"

	"sftpgo/dataprovider"
)

// scheme is one way to write a hash.
type scheme struct {
	prefix string
	parse  func(stored string, l limits) (check, error)
}

// schemes returns all of them; none is the prefix of another.
func schemes() []scheme {
	return []scheme{
		{prefix: argon2Prefix, parse: parseArgon2id},
		{prefix: "$2a$", parse: parseBcrypt},
		{prefix: "$2b$", parse: parseBcrypt},
		{prefix: "$2y$", parse: parseBcrypt},
		{prefix: "$pbkdf2-sha1$", parse: parsePBKDF2},
		{prefix: "$pbkdf2-sha256$", parse: parsePBKDF2},
		{prefix: "$pbkdf2-sha512$", parse: parsePBKDF2},
		{prefix: "$pbkdf2-b64salt-sha256$", parse: parsePBKDF2},
		{prefix: "$1$", parse: parseMD5Crypt},
		{prefix: "$apr1$", parse: parseMD5Crypt},
		{prefix: "$5$", parse: parseSHACrypt},
		{prefix: "$6$", parse: parseSHACrypt},
	}
}

func schemeOf(stored string) (scheme, bool) {
	for _, s := range schemes() {
		if strings.HasPrefix(stored, s.prefix) {
			return s, true
		}
	}
	return scheme{}, false
}

func prefixes() []string {
	var all []string
	for _, s := range schemes() {
		all = append(all, s.prefix)
	}
	return all
}

// errCosts: a record must not be able to eat the machine at each login.
var errCosts = errors.New("stored password hash has costs beyond the limits")

// limits bound the costs of a stored hash.
type limits struct {
	argon2Memory uint32 // KiB
	argon2Work   uint64 // KiB × iterations
	argon2Own    uint64 // of the options
	bcryptCost   int
	pbkdf2Work   int // iterations × blocks of the hash
	shaRounds    int
}

// limitsFor admits costs well above what any system uses by default, some
// seconds of one core, and always what the options ask for themselves.
func limitsFor(o dataprovider.Argon2Options) limits {
	return limits{
		argon2Memory: max(256<<10, o.Memory),
		argon2Work:   max(2<<20, uint64(o.Memory)*uint64(o.Iterations)),
		argon2Own:    uint64(o.Memory) * uint64(o.Iterations),
		bcryptCost:   15,
		pbkdf2Work:   5_000_000,
		shaRounds:    1_000_000,
	}
}

func tooCostly(what string, value any) error {
	return fmt.Errorf("%w: %s %v", errCosts, what, value)
}
