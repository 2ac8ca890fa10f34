package command

import (
	"path"
	"strings"

	"sftpgo/protocols/sshd/shellword"
	"sftpgo/vfs"
)

const (
	copyName   = "sftpgo-copy"
	removeName = "sftpgo-remove"
)

// Names are what a command works on, as its event and its log record tell it:
// the last argument; for sftpgo-copy the last two. Options of the hash commands
// and their standard input are no names. What is returned is absolute and clean,
// or empty when there is nothing to name.
func Names(command string, args []shellword.Word) (name, target string) {
	words := texts(args)
	if isHash(command) {
		words, _ = operands(words) // a bad option is no name either
	}
	last := len(words) - 1
	switch {
	case last < 0, isHash(command) && words[last] == stdin:
		return "", ""
	case command == copyName && last > 0:
		return absolute(words[last-1]), absolute(into(words[last], words[last-1]))
	}
	return absolute(words[last]), ""
}

func texts(args []shellword.Word) []string {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = a.Text
	}
	return words
}

// into is the target of a copy: one that ends in a slash is the directory that
// the copy is put into.
func into(target, source string) string {
	if !strings.HasSuffix(target, "/") {
		return target
	}
	return target + path.Base(absolute(source))
}

// absolute is the name as answers, events and the log show it, be it allowed or
// not. NUL would end the argument of a hook.
func absolute(raw string) string {
	if name, err := vfs.ParseName("/", raw); err == nil {
		return name
	}
	clean := path.Clean("/" + strings.ToValidUTF8(strings.ReplaceAll(raw, "\x00", "?"), "?"))
	if len(clean) > vfs.MaxName {
		clean = strings.ToValidUTF8(clean[:vfs.MaxName], "")
	}
	return clean
}
