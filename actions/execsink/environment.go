package execsink

import (
	"slices"
	"strings"

	"sftpgo/actions"
)

// secretWords mark the variables of this server that a program must not inherit.
var secretWords = []string{
	"PASSWORD", "PASSPHRASE", "SECRET", "TOKEN", "KEY", "CREDENTIAL", "CONNECTION_STRING",
}

// Environment returns the variables that a program inherits: all, without the
// secrets of the server itself. Those are the variables whose name begins with
// SFTPGO_, or RUSTUS_ for the stand-alone server, and has PASSWORD, PASSPHRASE,
// SECRET, TOKEN, KEY, CREDENTIAL or CONNECTION_STRING in it, and those so named
// whose value is a URL with user info or a query. Letter case does not matter.
// Variables of others, such as AWS_SECRET_ACCESS_KEY, are the operator's choice and
// stay.
func Environment(environ []string) []string {
	kept := make([]string, 0, len(environ))
	for _, v := range environ {
		if !secret(v) {
			kept = append(kept, v)
		}
	}
	return kept
}

func secret(variable string) bool {
	name, value, _ := strings.Cut(variable, "=")
	name = strings.ToUpper(name)
	if !strings.HasPrefix(name, "SFTPGO_") && !strings.HasPrefix(name, "RUSTUS_") {
		return false
	}
	for _, w := range secretWords {
		if strings.Contains(name, w) {
			return true
		}
	}
	// A list of URLs has them one by one; a password may have a comma in it.
	return hasCredentials(value) || slices.ContainsFunc(strings.Split(value, ","), hasCredentials)
}

func hasCredentials(value string) bool {
	return strings.Contains(value, "://") && actions.RedactURL(value) != value
}

// CleanEnvironment returns PATH and what programs cannot start without on
// Windows, and nothing else.
func CleanEnvironment(environ []string) []string {
	kept := make([]string, 0, 2)
	for _, v := range environ {
		name, _, _ := strings.Cut(v, "=")
		switch strings.ToUpper(name) {
		case "PATH", "SYSTEMROOT":
			kept = append(kept, v)
		}
	}
	return kept
}
