package password

import (
	"fmt"

	"golang.org/x/crypto/bcrypt"
)

func parseBcrypt(stored string, l limits) (check, error) {
	cost, err := bcrypt.Cost([]byte(stored))
	if err != nil {
		return check{}, fmt.Errorf("%w: %w", errMalformed, err)
	}
	if cost > l.bcryptCost {
		return check{}, tooCostly("bcrypt cost", cost)
	}
	match := func(plain string) bool {
		return bcrypt.CompareHashAndPassword([]byte(stored), []byte(plain)) == nil
	}
	return check{match: match, cheap: cost < bcrypt.DefaultCost}, nil
}
