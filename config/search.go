package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// baseName is what a configuration file is called, without its extension.
const baseName = "sftpgo"

// extensions are the formats, in the order in which a directory is searched.
func extensions() []string {
	return []string{"json", "toml", "yaml", "yml", "properties", "props", "prop", "hcl", "dotenv", "env", "ini"}
}

// searchDirs are the directories that may hold the file, the first match wins.
func searchDirs(dir, home string) []string {
	dirs := []string{dir}
	if runtime.GOOS == "linux" {
		if home != "" {
			dirs = append(dirs, filepath.Join(home, ".config", baseName))
		}
		dirs = append(dirs, "/etc/sftpgo")
	}
	return append(dirs, ".")
}

// locate returns the path of the configuration file: the named one, or the
// first that the search finds, or "" if there is none.
func locate(dir, named string, dirs []string) (string, error) {
	if named != "" {
		if !slices.Contains(extensions(), extension(named)) {
			return "", fmt.Errorf("configuration file %s: the name must end with one of .%s", named, strings.Join(extensions(), " ."))
		}
		if !filepath.IsAbs(named) {
			named = filepath.Join(dir, named)
		}
		return named, nil
	}
	for _, dir := range dirs {
		for _, ext := range extensions() {
			path := filepath.Join(dir, baseName+"."+ext)
			info, err := os.Stat(path)
			if err == nil && !info.IsDir() {
				return filepath.Abs(path) // one in the current directory is told so that it can be found
			}
			// A file that cannot be looked at may hold what the administrator
			// wants; running without it would be a guess.
			if err != nil && !absent(err) {
				return "", fmt.Errorf("configuration file: %w; name it with --config-file", err)
			}
		}
	}
	return "", nil
}

func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

func extension(path string) string {
	return strings.ToLower(strings.TrimPrefix(filepath.Ext(path), "."))
}
