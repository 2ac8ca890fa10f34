package system

import (
	"fmt"
	"strings"

	"sftpgo/protocols/sshd/shellword"
)

// gitCall is what a client asked one of git's commands to do.
type gitCall struct {
	options []string
	repo    string // as the client names it
}

// parseGit takes the arguments of one of git's commands apart: one repository,
// and before it the options that git's clients and servers of old sent. Options
// that change what is spoken are for HTTP.
func parseGit(command string, args []shellword.Word) (gitCall, error) {
	var c gitCall
	for len(args) > 0 && strings.HasPrefix(args[0].Text, "-") {
		option := args[0].Text
		args = args[1:]
		if option == "--" {
			break
		}
		if command == uploadArchive || !gitOption(option) {
			return c, fmt.Errorf("%w: %s", errOption, option)
		}
		c.options = append(c.options, option)
	}
	if len(args) != 1 || args[0].Text == "" {
		return c, fmt.Errorf("%w: it takes one repository", errUsage)
	}
	c.repo = homeless(args[0].Text)
	return c, nil
}

func gitOption(option string) bool {
	if seconds, ok := strings.CutPrefix(option, "--timeout="); ok {
		return isNumber(seconds)
	}
	return option == "--strict" || option == "--no-strict"
}

// homeless is a name without the tilde of a home, which is the root here.
func homeless(name string) string {
	if name == "~" || strings.HasPrefix(name, "~/") || strings.HasPrefix(name, "/~/") {
		_, rest, _ := strings.Cut(name, "~")
		return "/" + strings.TrimPrefix(rest, "/")
	}
	return name
}

func isNumber(text string) bool {
	return text != "" && len(text) < 20 && strings.Trim(text, "0123456789") == ""
}
