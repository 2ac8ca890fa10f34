package dataprovider

import "context"

// PasswordHasher is what a record needs to store a password.
type PasswordHasher interface {
	// IsHash reports whether s is a hash that can be verified. What looks like a
	// hash of an unknown scheme is ErrInvalid.
	IsHash(s string) (bool, error)
	// Hash returns the hash of a plain password, or ErrInvalid if that is no
	// password.
	Hash(ctx context.Context, plain string) (string, error)
}
