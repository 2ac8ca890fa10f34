package telemetry

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
)

// Passwords verifies passwords against stored hashes.
type Passwords interface {
	// Verify reports whether plain is the password behind the hash.
	Verify(ctx context.Context, hash, plain string) (bool, error)
	// VerifyDummy takes as long as a verification that fails.
	VerifyDummy(ctx context.Context, plain string) error
}

// htpasswd is a file of users in the format of Apache. It is read again when its
// time or size has changed.
type htpasswd struct {
	path      string
	passwords Passwords
	log       *slog.Logger

	mu    sync.Mutex
	stamp fs.FileInfo
	users map[string]string // name to hash
}

// openHtpasswd reads the file; a file that cannot be read is an error.
func openHtpasswd(path string, passwords Passwords, log *slog.Logger) (*htpasswd, error) {
	h := &htpasswd{path: path, passwords: passwords, log: log}
	stamp, err := os.Stat(path)
	if err == nil {
		err = h.read(stamp)
	}
	if err != nil {
		return nil, fmt.Errorf("auth_user_file: %w", err)
	}
	return h, nil
}

func (h *htpasswd) read(stamp fs.FileInfo) error {
	data, err := os.ReadFile(h.path)
	if err != nil {
		return err
	}
	users := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, hash, found := strings.Cut(line, ":")
		hash, known := supported(hash)
		if !found || name == "" || !known {
			h.log.Warn("auth_user_file: line without a user and a bcrypt, $1$ or $apr1$ hash, skipped",
				"file", h.path, "line", n)
			continue
		}
		users[name] = hash
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", h.path, err)
	}
	h.stamp, h.users = stamp, users
	return nil
}

// supported returns the hash in the form that is verified. The variants of
// bcrypt differ only in faults of old implementations.
func supported(hash string) (string, bool) {
	for _, prefix := range []string{"$2$", "$2x$"} {
		if rest, ok := strings.CutPrefix(hash, prefix); ok {
			return "$2a$" + rest, true
		}
	}
	for _, prefix := range []string{"$2a$", "$2b$", "$2y$", "$1$", "$apr1$"} {
		if strings.HasPrefix(hash, prefix) {
			return hash, true
		}
	}
	return "", false
}

// current returns the hash of a user from the file as it is now. A file that
// has become unreadable leaves the users as they were.
func (h *htpasswd) current(name string) (hash string, found bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	stamp, err := os.Stat(h.path)
	if err == nil && (!stamp.ModTime().Equal(h.stamp.ModTime()) || stamp.Size() != h.stamp.Size()) {
		err = h.read(stamp)
	}
	if err != nil {
		h.log.Error("auth_user_file: the users stay as they were", "error", err)
	}
	hash, found = h.users[name]
	return hash, found
}

// accepts reports whether the password is that of the user.
func (h *htpasswd) accepts(ctx context.Context, name, password string) bool {
	hash, found := h.current(name)
	if !found {
		_ = h.passwords.VerifyDummy(ctx, password) // refused whatever it says
		return false
	}
	ok, err := h.passwords.Verify(ctx, hash, password)
	if err != nil {
		h.log.Warn("login not checked", "user", name, "error", err)
	}
	return ok && err == nil
}
