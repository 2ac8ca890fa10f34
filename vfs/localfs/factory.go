package localfs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"sftpgo/vfs"
)

// Kind is the kind of this backend in a vfs.Spec.
const Kind = "local"

// sender names this package in log records.
const sender = "localfs"

// maxID is the highest user and group number that has an effect.
const maxID = 65535

// Config is the Config of a vfs.Spec, as JSON.
type Config struct {
	// Root is the absolute path of the directory; it is made when missing.
	Root string `json:"root"`
	// UID and GID own what is created, when the server runs as root; 0 leaves
	// the owner to the operating system.
	UID int `json:"uid"`
	GID int `json:"gid"`
	// Existing makes a missing root an error, vfs.ErrNotExist: for those who only
	// look, before a disk is mounted.
	Existing bool `json:"existing,omitempty"`
}

// Validate returns all faults.
func (c Config) Validate() error {
	var errs []error
	switch {
	case c.Root == "":
		errs = append(errs, errors.New("root: missing; give the absolute path of a directory"))
	case !filepath.IsAbs(c.Root):
		errs = append(errs, fmt.Errorf("root: %q is not absolute", c.Root))
	case strings.IndexByte(c.Root, 0) >= 0:
		errs = append(errs, errors.New("root: contains NUL"))
	}
	if c.UID < 0 || c.UID > maxID {
		errs = append(errs, fmt.Errorf("uid: %d is not within 0 and %d", c.UID, maxID))
	}
	if c.GID < 0 || c.GID > maxID {
		errs = append(errs, fmt.Errorf("gid: %d is not within 0 and %d", c.GID, maxID))
	}
	return errors.Join(errs...)
}

func parseConfig(raw []byte) (Config, error) {
	var cfg Config
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&cfg); err != nil {
		return Config{}, fmt.Errorf("local storage: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return Config{}, errors.New("local storage: more than one JSON value")
	}
	if err := cfg.Validate(); err != nil {
		return Config{}, fmt.Errorf("local storage: %w", err)
	}
	cfg.Root = filepath.Clean(cfg.Root)
	return cfg, nil
}

// Factory opens local directories. Those who open the same directory with the
// same owner share one descriptor, which is closed with the last of them. It is
// safe for concurrent use.
type Factory struct {
	log  *slog.Logger
	mu   sync.Mutex
	open map[Config]*tree
}

var _ vfs.Factory = (*Factory)(nil)

// NewFactory makes a Factory. Failures that no caller hears of, such as an
// owner that cannot be set, go to log; nil discards them.
func NewFactory(log *slog.Logger) *Factory {
	return &Factory{log: orDiscard(log), open: make(map[Config]*tree)}
}

// Kind returns "local".
func (*Factory) Kind() string { return Kind }

// Check says what is wrong with cfg without touching storage.
func (*Factory) Check(cfg []byte) error {
	_, err := parseConfig(cfg)
	return err
}

// Open opens the directory that the JSON of a Config names and makes it when it
// is missing. A directory that was replaced since others opened it is opened
// anew; they keep the old one.
func (f *Factory) Open(ctx context.Context, raw []byte) (vfs.FS, error) {
	cfg, err := parseConfig(raw)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open local storage: %w", err)
	}
	fresh, err := openTree(cfg, f.log)
	if err != nil {
		return nil, err
	}
	cfg.Existing = false // how it was found makes no difference from here on
	t := f.share(cfg, fresh)
	return &FS{t: t, release: func() error { return f.release(cfg, t) }}, nil
}

// share returns the tree in use for cfg if it still is the same directory, and
// otherwise makes fresh the one in use.
func (f *Factory) share(cfg Config, fresh *tree) *tree {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t := f.open[cfg]; t != nil && sameDir(t.root, fresh.root) {
		fresh.root.Close()
		t.users++
		return t
	}
	fresh.users = 1
	f.open[cfg] = fresh
	return fresh
}

func (f *Factory) release(cfg Config, t *tree) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t.users--; t.users > 0 {
		return nil
	}
	if f.open[cfg] == t {
		delete(f.open, cfg)
	}
	return t.root.Close()
}

func sameDir(a, b *os.Root) bool {
	x, err := a.Stat(".")
	if err != nil {
		return false
	}
	y, err := b.Stat(".")
	return err == nil && os.SameFile(x, y)
}

func orDiscard(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return log
}
