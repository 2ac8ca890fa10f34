package password

import (
	"fmt"

	"golang.org/x/crypto/bcrypt"
)

func parseBcrypt(stored string, l limits) (func(string) bool, error) {
	cost, err := bcrypt.Cost([]byte(stored))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformed, err)
	}
	if cost > l.bcryptCost {
		return nil, tooCostly("bcrypt cost", cost)
	}
	return func(plain string) bool {
		return bcrypt.CompareHashAndPassword([]byte(stored), []byte(plain)) == nil
	}, nil
}
