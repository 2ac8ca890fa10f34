package password

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/go-crypt/crypt/algorithm/shacrypt"
)

// The bounds of the sha-crypt specification; crypt(3) writes no other values.
const (
	minSHARounds = 1000
	maxSHASalt   = 16
)

// parseSHACrypt reads $5$ and $6$ in the form of crypt(3), with or without
// rounds=.
func parseSHACrypt(stored string, l limits) (check, error) {
	parts := strings.Split(stored, "$") // "", 5 or 6, [rounds=n,] salt, key
	if len(parts) == 5 {
		n, err := strconv.Atoi(strings.TrimPrefix(parts[2], "rounds="))
		if err != nil || !strings.HasPrefix(parts[2], "rounds=") || n < minSHARounds {
			return check{}, fmt.Errorf("%w: %q", errMalformed, parts[2])
		}
		if n > l.shaRounds {
			return check{}, tooCostly("rounds", n)
		}
	}
	keyChars := map[string]int{"5": 43, "6": 86}[parts[1]]
	if len(parts) < 4 || len(parts[len(parts)-1]) != keyChars || len(parts[len(parts)-2]) > maxSHASalt {
		return check{}, errMalformed
	}
	digest, err := shacrypt.Decode(stored)
	if err != nil {
		return check{}, fmt.Errorf("%w: %w", errMalformed, err)
	}
	return check{match: digest.Match, cheap: true}, nil
}
