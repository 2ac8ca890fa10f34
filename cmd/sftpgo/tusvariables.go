package main

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"sftpgo/config/spelling"
)

// strayVariables returns the variables that begin like those of the options and
// belong to none, in order, each with the one that may have been meant. They are
// no fault: Kubernetes, for one, sets RUSTUS_SERVICE_HOST for a service "rustus".
func strayVariables(flags *pflag.FlagSet, environ []string) []string {
	var known []string
	flags.VisitAll(func(f *pflag.Flag) { known = append(known, f.Annotations[fromEnvironment]...) })
	var stray []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		option, ours := strings.CutPrefix(name, "RUSTUS_")
		if !ours || slices.Contains(known, name) {
			continue
		}
		meant := spelling.Nearest(name, known)
		// That of --port is RUSTUS_SERVER_PORT.
		if f := flags.Lookup(strings.ToLower(option)); f != nil && len(f.Annotations[fromEnvironment]) > 0 {
			meant = f.Annotations[fromEnvironment][0]
		}
		if meant != "" {
			name += " (did you mean " + meant + "?)"
		}
		stray = append(stray, name)
	}
	slices.Sort(stray)
	return stray
}
