package shell

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
)

// lang tells clients that names are UTF-8: WinSCP from 6.0 on asks with printenv.
const lang = "C.UTF-8"

func nothing(context.Context, *call) uint32 { return statusOK }

func failing(context.Context, *call) uint32 { return statusFailed }

// exit ends the session with the status given, or with that of the last command.
func exit(_ context.Context, c *call) uint32 {
	c.done = true
	if len(c.args) == 0 {
		return c.status
	}
	n, err := strconv.ParseUint(c.args[0].Text, 10, 8)
	if err != nil {
		c.complain(c.name + ": numeric argument required")
		return statusMisuse
	}
	return uint32(n)
}

// echo writes its arguments. Clients frame what they run with it.
func echo(_ context.Context, c *call) uint32 {
	end, words := "\n", c.args
	if len(words) > 0 && words[0].Text == "-n" {
		end, words = "", words[1:]
	}
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = w.Text
	}
	c.print("%s%s", strings.Join(texts, " "), end)
	return statusOK
}

// groups is the one group there is, which ls shows: that of the account.
func groups(_ context.Context, c *call) uint32 {
	c.print("%s\n", c.owner())
	return statusOK
}

func printenv(_ context.Context, c *call) uint32 {
	if len(c.args) != 1 {
		c.complain(c.name + ": one variable at a time")
		return statusMisuse
	}
	value, ok := map[string]string{
		"LANG": lang, "HOME": "/", "PWD": c.dir, "USER": c.owner(), "LOGNAME": c.owner(),
	}[c.args[0].Text]
	if !ok {
		return statusFailed
	}
	c.print("%s\n", value)
	return statusOK
}

func date(_ context.Context, c *call) uint32 {
	if len(c.args) > 0 {
		c.complain(c.name + ": no arguments are known")
		return statusFailed
	}
	c.print("%s\n", time.Now().Format("Mon Jan _2 15:04:05 MST 2006"))
	return statusOK
}

func help(_ context.Context, c *call) uint32 {
	names := []string{"scp"}
	for name := range c.builtins {
		names = append(names, name)
	}
	for name := range c.cfg.Commands {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	c.print("%s\n", strings.Join(names, " "))
	return statusOK
}

// owner is whom ls shows as the owner and the group of everything: a name of one
// word, whatever the account is called.
func (sh *shell) owner() string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f || r >= 0x80 && r <= 0xa0 {
			return '_'
		}
		return r
	}, sh.s.User().Username)
}
