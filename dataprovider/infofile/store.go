// Package infofile keeps resumable uploads as files, one JSON object for each, in
// the place and with the fields of Rustus: a server that replaces it goes on with
// what it finds, and the other way round. Several processes may share a directory.
package infofile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sftpgo/dataprovider"
)

// suffix ends the name of a record.
const suffix = ".info"

// longestName is what file systems take.
const longestName = 255

// Config says where the files are.
type Config struct {
	// Dir holds the records, <id>.info. It may hold other files, the uploads
	// themselves for example.
	Dir string
	// Data is the directory of the host that is "/" in dataprovider.Upload.Data.
	Data string
	// Leases is a directory for locks between processes.
	Leases string
	// Durability says what a crash of the machine may take away.
	Durability Durability
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Durability says what a crash of the machine may take away; that of the process
// takes nothing.
type Durability int

const (
	// Buffered: what the system has not yet written.
	Buffered Durability = iota
	// Synced: nothing that a call has returned from.
	Synced
)

// Store implements dataprovider.Uploads.
type Store struct {
	cfg    Config
	leases leases
}

var _ dataprovider.Uploads = (*Store)(nil)

// Open makes the directories where they are missing.
func Open(cfg Config) (*Store, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	for _, dir := range []*string{&cfg.Dir, &cfg.Data, &cfg.Leases} {
		if err := os.MkdirAll(*dir, 0o755); err != nil {
			return nil, fmt.Errorf("info files: %w", err)
		}
		real, err := filepath.Abs(*dir)
		if err == nil {
			real, err = filepath.EvalSymlinks(real)
		}
		if err != nil {
			return nil, fmt.Errorf("info files: %w", err)
		}
		*dir = real
	}
	return &Store{cfg: cfg, leases: leases{dir: cfg.Leases, now: cfg.Now, byID: map[string]*lease{}}}, nil
}

// Close ends the leases of this process.
func (s *Store) Close() error { return s.leases.close() }

// fileName is the id as a part of a path: a UUID as it is, anything else that a
// hook may choose escaped. False: no file can have that name.
func fileName(id string) (string, bool) {
	name := url.PathEscape(id)
	if strings.HasPrefix(name, ".") {
		name = "%2E" + name[1:]
	}
	return name, name != "" && len(name)+len(".")+len(suffix)+tempLetters <= longestName
}

// idOf is the reverse of fileName for the name of a record.
func idOf(name string) (string, bool) {
	escaped, ok := strings.CutSuffix(name, suffix)
	if !ok || escaped == "" || strings.HasPrefix(name, ".") {
		return "", false
	}
	id, err := url.PathUnescape(escaped)
	if err != nil {
		return "", false
	}
	again, ok := fileName(id)
	return id, ok && again == escaped
}

func (s *Store) path(name string) string { return filepath.Join(s.cfg.Dir, name+suffix) }

// Add implements dataprovider.Uploads.
func (s *Store) Add(ctx context.Context, u dataprovider.Upload) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("add upload: %w", err)
	}
	name, ok := fileName(u.ID)
	if !ok {
		return fmt.Errorf("add upload: %w: the id cannot be the name of a file", dataprovider.ErrInvalid)
	}
	text, err := s.encode(u)
	if err != nil {
		return fmt.Errorf("add upload %s: %w", u.ID, err)
	}
	// An empty file takes the name: nobody reads it as a record.
	f, err := os.OpenFile(s.path(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("add upload %s: %w", u.ID, dataprovider.ErrExists)
	case err != nil:
		return fmt.Errorf("add upload %s: %w: %w", u.ID, dataprovider.ErrUnavailable, err)
	}
	err = f.Close()
	if err == nil {
		err = s.replace(name, text)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("add upload %s: %w: %w", u.ID, dataprovider.ErrUnavailable, err), os.Remove(s.path(name)))
	}
	return nil
}

// Get implements dataprovider.Uploads.
func (s *Store) Get(ctx context.Context, id string) (dataprovider.Upload, error) {
	u, err := s.get(ctx, id)
	if err != nil {
		return dataprovider.Upload{}, fmt.Errorf("upload %.100q: %w", id, err)
	}
	return u, nil
}

func (s *Store) get(ctx context.Context, id string) (u dataprovider.Upload, err error) {
	if err := ctx.Err(); err != nil {
		return u, err
	}
	name, ok := fileName(id)
	if !ok {
		return u, dataprovider.ErrNotFound
	}
	text, err := os.ReadFile(s.path(name))
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(text) == 0:
		return u, dataprovider.ErrNotFound
	case err != nil:
		return u, fmt.Errorf("%w: %w", dataprovider.ErrUnavailable, err)
	}
	u, err = s.decode(text)
	if err == nil && u.ID != id {
		err = fmt.Errorf("%w: the file has another id", errForeign)
	}
	return u, err
}

// Save implements dataprovider.Uploads.
func (s *Store) Save(ctx context.Context, u dataprovider.Upload) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("save upload: %w", err)
	}
	name, ok := fileName(u.ID)
	if ok {
		info, err := os.Stat(s.path(name))
		ok = err == nil && info.Size() > 0
	}
	if !ok {
		return fmt.Errorf("save upload %.100q: %w", u.ID, dataprovider.ErrNotFound)
	}
	text, err := s.encode(u)
	if err != nil {
		return fmt.Errorf("save upload %s: %w", u.ID, err)
	}
	if err := s.replace(name, text); err != nil {
		return fmt.Errorf("save upload %s: %w: %w", u.ID, dataprovider.ErrUnavailable, err)
	}
	return nil
}

// Delete implements dataprovider.Uploads.
func (s *Store) Delete(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("delete upload: %w", err)
	}
	name, ok := fileName(id)
	if !ok {
		return nil
	}
	s.leases.drop(name)
	if err := os.Remove(s.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete upload %s: %w: %w", id, dataprovider.ErrUnavailable, err)
	}
	return nil
}

// List implements dataprovider.Uploads. Files that are no records are passed over.
func (s *Store) List(ctx context.Context, owner, after string) iter.Seq2[dataprovider.Upload, error] {
	return func(yield func(dataprovider.Upload, error) bool) {
		ids, err := s.ids(after)
		if err != nil {
			yield(dataprovider.Upload{}, fmt.Errorf("list uploads: %w: %w", dataprovider.ErrUnavailable, err))
			return
		}
		for _, id := range ids {
			u, err := s.get(ctx, id)
			switch {
			case errors.Is(err, dataprovider.ErrNotFound), errors.Is(err, errForeign):
				continue
			case err != nil:
				yield(dataprovider.Upload{}, fmt.Errorf("list uploads: %w", err))
				return
			case owner != "" && u.Owner != owner:
				continue
			}
			if !yield(u, nil) {
				return
			}
		}
	}
}

func (s *Store) ids(after string) ([]string, error) {
	dir, err := os.Open(s.cfg.Dir)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(names)/2)
	for _, name := range names {
		if id, ok := idOf(name); ok && id > after {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}
