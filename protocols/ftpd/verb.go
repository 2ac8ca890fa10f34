package ftpd

import (
	"context"
	"strings"
)

// action carries out one command; arg is what follows the verb and one space.
type action func(ctx context.Context, d *driver, arg string) (reply, error)

// always is the action of a command with one answer.
func always(code int, text string) action {
	return func(context.Context, *driver, string) (reply, error) { return reply{code: code, text: text}, nil }
}

// action returns what this package does itself for a verb, because the library
// does not, or not as RFC 959 and RFC 3659 want it; nil: it is the library's.
func (c *client) action(verb string) action {
	switch verb {
	case "FEAT":
		return c.features
	case "OPTS":
		return c.option
	case "HELP":
		return help
	case "STRU": // RFC 959, 5.1: F belongs to the minimum
		return only("F", "Structure is file")
	case "MODE":
		return only("S", "Mode is stream")
	case "ACCT": // RFC 959, 4.2: not needed
		return always(202, "No account is needed")
	case "SMNT":
		return always(502, "There is nothing to mount")
	case "REIN":
		return always(502, "Connect anew to log in as another user")
	case "HOST": // RFC 7151, section 3.2
		return always(504, "There is one host only")
	case "ALLO":
		return allocate
	case "MFMT":
		return setTime
	case "MLST":
		return describe
	case "STAT": // without a name it is answered at once
		return status
	case "SITE":
		return c.site
	case "COMB":
		return c.combine
	}
	return c.digestAction(verb)
}

// open tells whether a verb is answered before the login.
func open(verb string) bool {
	switch verb {
	case "FEAT", "OPTS", "HELP", "STRU", "MODE", "ACCT", "HOST":
		return true
	}
	return false
}

// beforeLogin tells whether the library answers a verb before the login.
func beforeLogin(verb string) bool {
	switch verb {
	case "USER", "PASS", "QUIT", "NOOP", "SYST", "PBSZ", "CLNT", "CCC":
		return true
	}
	return false
}

// unknownVerb is one that neither we nor the library know.
const unknownVerb = "?"

// misread tells whether the library would take a verb for another one: it finds
// these at the end of a word, because bytes of Telnet may come before. Ours are gone
// by then.
func misread(verb string) bool {
	for _, known := range []string{"ABOR", "STAT", "QUIT"} {
		if verb != known && strings.HasSuffix(verb, known) {
			return true
		}
	}
	return false
}

// only is the action of a command that has one useful argument.
func only(value, text string) action {
	return func(_ context.Context, _ *driver, arg string) (reply, error) {
		if !strings.EqualFold(strings.TrimSpace(arg), value) {
			return reply{}, &refusal{504, "Only " + value + " is supported"}
		}
		return reply{code: 200, text: text}, nil
	}
}

// help is for people who type commands.
func help(context.Context, *driver, string) (reply, error) {
	return reply{code: 214, head: "The commands are", text: "End", body: []string{
		"USER PASS QUIT AUTH PBSZ PROT FEAT OPTS HELP SYST NOOP CLNT",
		"CWD CDUP PWD MKD RMD LIST NLST MLSD MLST STAT SIZE MDTM MFMT",
		"RETR STOR STOU APPE REST ABOR ALLO AVBL DELE RNFR RNTO SITE",
		"PASV EPSV PORT EPRT TYPE MODE STRU",
	}}, nil
}
