package vfs

import "context"

// Spec says which backend a user wants. The bytes of Config mean something only
// to the Factory of that kind.
type Spec struct {
	Kind   string
	Config []byte
}

// Factory opens backends of one kind.
type Factory interface {
	Kind() string
	// Check says what is wrong with cfg without touching storage.
	Check(cfg []byte) error
	// Open opens the storage; the caller closes the FS.
	Open(ctx context.Context, cfg []byte) (FS, error)
}
