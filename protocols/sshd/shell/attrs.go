package shell

import (
	"context"
	"errors"

	"strconv"
	"strings"

	"sftpgo/protocols/sshd/shellword"
	"sftpgo/vfs"
)

// changeMode is "chmod [-R] MODE NAME...". A mode may begin with a dash, so it is
// taken before the options end.
func changeMode(ctx context.Context, c *call) uint32 {
	if len(c.args) > 0 && isRemoval(c.args[0].Text) {
		c.args = append([]shellword.Word{{Text: "--"}}, c.args...)
	}
	o, operands, ok := c.split("R")
	if !ok || !c.needs(operands, 2) {
		return statusFailed
	}
	change, exact, err := parseMode(operands[0].Text)
	if err != nil {
		c.complain(c.name + ": " + err.Error() + ": '" + operands[0].Text + "'")
		return statusFailed
	}
	set := func(e entry) error {
		mode := change(e.info.Mode())
		return c.s.SetAttrs(ctx, e.name, vfs.Attrs{Mode: &mode})
	}
	return c.each(operands[1:], func(w shellword.Word) error {
		if exact && !o.has('R') { // who may not look at it may change it
			mode := change(0)
			return c.s.SetAttrs(ctx, c.at(w), vfs.Attrs{Mode: &mode})
		}
		return c.changeAll(ctx, c.at(w), o, set)
	})
}

// isRemoval reports whether a word is a mode such as -w, not the option -R.
func isRemoval(text string) bool {
	return len(text) > 1 && text[0] == '-' && strings.Trim(text[1:], "rwxXst,ugoa+=-") == ""
}

// changeAll sets something for a name, with -R for all below it, too.
func (c *call) changeAll(ctx context.Context, name string, o options, set func(entry) error) error {
	if o.has('R') {
		return c.walk(ctx, name, set)
	}
	info, err := c.s.Stat(ctx, name)
	if err != nil {
		return err
	}
	return set(entry{name, info})
}

// changeOwner is "chown [-R] [OWNER][:[GROUP]] NAME...".
func changeOwner(ctx context.Context, c *call) uint32 {
	return c.changeOwners(ctx, func(text string) (a vfs.Attrs, err error) {
		owner, group, _ := strings.Cut(text, ":")
		if a.UID, err = c.id(owner); err == nil {
			a.GID, err = c.id(group)
		}
		return a, err
	})
}

// changeGroup is "chgrp [-R] GROUP NAME...".
func changeGroup(ctx context.Context, c *call) uint32 {
	return c.changeOwners(ctx, func(text string) (a vfs.Attrs, err error) {
		a.GID, err = c.id(text)
		return a, err
	})
}

var errOwner = errors.New("no such user or group; use a number")

// id is the number that a name means: none for the account itself, whose name
// listings show for every file.
func (c *call) id(text string) (*int, error) {
	if text == "" || text == c.owner() {
		return nil, nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return nil, errOwner
	}
	id := int(n)
	return &id, nil
}

func (c *call) changeOwners(ctx context.Context, parse func(string) (vfs.Attrs, error)) uint32 {
	o, operands, ok := c.split("R")
	if !ok || !c.needs(operands, 2) {
		return statusFailed
	}
	a, err := parse(operands[0].Text)
	if err != nil {
		c.complain(c.name + ": " + operands[0].Text + ": " + err.Error())
		return statusFailed
	}
	set := func(e entry) error {
		if a == (vfs.Attrs{}) {
			return nil
		}
		return c.s.SetAttrs(ctx, e.name, a)
	}
	return c.each(operands[1:], func(w shellword.Word) error { return c.changeAll(ctx, c.at(w), o, set) })
}
