package infofile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"sftpgo/dataprovider"
)

// Slot is a numbered directory that one process has for itself, so that several can
// share the directory above. It ends with the process.
type Slot struct {
	Dir  string
	lock *os.File
}

// mostSlots bounds a search that would find nothing.
const mostSlots = 1000

// TakeSlot takes the first directory below dir that nobody has, and makes it if there
// is none yet.
func TakeSlot(dir string) (*Slot, error) {
	for n := 1; n <= mostSlots; n++ {
		s, err := takeSlot(dir, n)
		if !errors.Is(err, errHeld) {
			return s, err
		}
	}
	return nil, fmt.Errorf("%w: %d processes use %s", dataprovider.ErrUnavailable, mostSlots, dir)
}

func takeSlot(dir string, n int) (*Slot, error) {
	path := filepath.Join(dir, strconv.Itoa(n))
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := tryLock(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Slot{Dir: path, lock: f}, nil
}

// TakeAbandoned takes all directories that a process has left.
func TakeAbandoned(dir string) ([]*Slot, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var numbers []int
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil && n > 0 && e.Name() == strconv.Itoa(n) {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	var slots []*Slot
	for _, n := range numbers {
		s, err := takeSlot(dir, n)
		switch {
		case errors.Is(err, errHeld):
		case err != nil:
			return nil, errors.Join(err, closeSlots(slots))
		default:
			slots = append(slots, s)
		}
	}
	return slots, nil
}

func closeSlots(slots []*Slot) error {
	var errs []error
	for _, s := range slots {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// Close gives the directory back. What is in it stays.
func (s *Slot) Close() error { return s.lock.Close() }
