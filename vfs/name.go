package vfs

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"
)

// Limits of a name, in bytes: what Linux takes for one component, and PATH_MAX.
const (
	MaxComponent = 255
	MaxName      = 4096
)

// StagingPrefix begins the base name of every staged upload. No name that a
// client sends may have a component that begins so, and no listing shows one.
const StagingPrefix = ".sftpgo-upload."

// UploadsDir is the directory in the root of a user's files where the data of
// resumable uploads wait until they are complete. Like a staged upload it is in no
// listing, and no name that a client sends may have such a component.
const UploadsDir = ".uploads"

// ParseName turns what a client sent into the one form that permission checks,
// storage, hooks and logs all use: absolute, slash-separated and clean. A name
// that is not absolute is taken from dir, which has been parsed before.
//
// It refuses with ErrName rather than repairs: NUL, invalid UTF-8, a ".." that
// climbs above the root, a component or a name that is too long, and the names
// of staged and resumable uploads. Other control characters are legal in names (macOS writes
// "Icon\r") and pass.
func ParseName(dir, raw string) (string, error) {
	if strings.IndexByte(raw, 0) >= 0 {
		return "", fmt.Errorf("%w: contains NUL", ErrName)
	}
	if !utf8.ValidString(raw) {
		return "", fmt.Errorf("%w: not valid UTF-8", ErrName)
	}
	full := raw
	if !strings.HasPrefix(raw, "/") {
		full = dir + "/" + raw
	}
	depth := 0
	for part := range strings.SplitSeq(full, "/") {
		switch {
		case part == "" || part == ".":
		case part == "..":
			if depth--; depth < 0 {
				return "", fmt.Errorf("%w: leaves the root", ErrName)
			}
		case len(part) > MaxComponent:
			return "", fmt.Errorf("%w: component longer than %d bytes", ErrName, MaxComponent)
		case strings.HasPrefix(part, StagingPrefix) || part == UploadsDir:
			return "", fmt.Errorf("%w: reserved for uploads in progress", ErrName)
		default:
			depth++
		}
	}
	clean := path.Clean("/" + full)
	if len(clean) > MaxName {
		return "", fmt.Errorf("%w: longer than %d bytes", ErrName, MaxName)
	}
	return clean, nil
}

// Within reports whether name is dir or lies below it. Both are parsed names.
func Within(dir, name string) bool {
	if dir == "/" || dir == name {
		return true
	}
	return strings.HasPrefix(name, dir) && name[len(dir)] == '/'
}
