package command

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"slices"
	"strings"
)

// stdin stands for the standard input among the names of files.
const stdin = "-"

// digest is one of the hash commands of coreutils.
type digest struct {
	name string
	make func() hash.Hash
}

func hashes() []digest {
	return []digest{
		{"md5sum", md5.New}, {"sha1sum", sha1.New}, {"sha256sum", sha256.New},
		{"sha384sum", sha512.New384}, {"sha512sum", sha512.New},
	}
}

func isHash(command string) bool {
	return slices.ContainsFunc(hashes(), func(d digest) bool { return d.name == command })
}

// operands returns the names among the arguments of a hash command, and the first
// option that it does not have. Binary and text mode, which coreutils and its
// callers know, are one here.
func operands(args []string) (names []string, unknown string) {
	for i, a := range args {
		switch {
		case a == "--":
			return append(names, args[i+1:]...), unknown
		case a == "--binary", a == "--text":
		case a == stdin || !strings.HasPrefix(a, "-"):
			names = append(names, a)
		case strings.Trim(a[1:], "bt") != "" && unknown == "":
			unknown = a
		}
	}
	return names, unknown
}
