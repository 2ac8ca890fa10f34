package execsink

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Check says why the program at path could not be run: it must be an absolute
// path of a regular file that this process may execute. Links are followed.
func Check(path string) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("hook %q is not an absolute path", path)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("hook %q does not exist", path)
	case err != nil:
		return fmt.Errorf("hook %q: %w", path, errors.Unwrap(err))
	case info.IsDir():
		return fmt.Errorf("hook %q is a directory, not a program", path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("hook %q is not a regular file", path)
	}
	if err := mayExecute(path); err != nil {
		return fmt.Errorf("hook %q is not executable (chmod +x it): %w", path, err)
	}
	return nil
}
