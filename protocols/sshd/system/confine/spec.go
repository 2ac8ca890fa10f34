// Package confine turns a process into a program that sees nothing but some
// directories. The process is a child of the server, started for this alone, in
// namespaces of its own (see Attributes); it builds a root of what the program
// needs and of the directories, gives up all rights to anything else, and becomes
// the program.
//
// What the program may do then:
//
//   - see: the system's libraries and programs, /dev/null and /dev/urandom, and the
//     directories, below Root under their virtual names; no /proc, no /tmp, no
//     network
//   - read: libraries, and what is in the directories; write: these, if allowed
//   - run: itself and what Spec.Execute names, nothing that a directory holds
//   - as root, keep the rights on files only, so that it may set owners
//   - make no device, fifo or socket, nor a file with setuid or setgid bit
//
// The kernel enforces it by a mount namespace, by Landlock and by seccomp; the
// first two each deny all of the outside by themselves.
package confine

import (
	"errors"
	"os"
)

// Root is where the program finds the directories; it starts there.
const Root = "/files"

// ErrUnsupported: this system cannot confine a program.
var ErrUnsupported = errors.New("programs cannot be confined on this system")

// Spec says what to become. It is what the server writes for Main.
type Spec struct {
	Program string   // absolute; empty only tries whether it could be done
	Args    []string // with the name of the program
	Env     []string
	Execute []string // absolute files that may be run, too
	Trees   []Tree
	UID     int   // 0: as the server
	GID     int   // the same
	MaxFile int64 // bytes of a file; 0 is no limit
}

// Tree is a directory for the program. No tree is within another.
type Tree struct {
	Host  string // absolute path
	Name  string // absolute and clean, below Root
	Write bool
}

// Files of the process beyond the standard ones: the Spec as JSON comes from the
// first. Into the second goes why the process cannot become the program; it is
// closed without a word when it has. Then there is one directory for each tree,
// by which Main knows that Tree.Host is still the same.
const (
	specFile = 3 + iota
	statusFile
	firstTree
)

// Files returns what to pass to the process, for exec.Cmd.ExtraFiles.
func Files(spec, status *os.File, trees []*os.File) []*os.File {
	return append([]*os.File{spec, status}, trees...)
}
