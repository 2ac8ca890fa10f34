package sinktest

import (
	"errors"
	"strings"

	"sftpgo/actions"
)

// Format is the dialect of the suite: it passes names on byte by byte, so that
// whatever a transport does to them shows. A kind of "unknown" is an error.
type Format struct{}

var errUnknown = errors.New("sinktest: unknown kind")

// EnvPrefix begins the names of all variables that Format renders.
const EnvPrefix = "SINKTEST_"

// Render implements actions.Format.
func (Format) Render(e *actions.Event) (actions.Call, error) {
	if e.Kind == "unknown" {
		return actions.Call{}, errUnknown
	}
	args := []string{string(e.Kind), e.Session.User, e.Object.Path, e.Object.TargetPath, ""}
	return actions.Call{
		Args:        args,
		Env:         []string{EnvPrefix + "ID=" + e.ID, EnvPrefix + "PATH=" + e.Object.Path, EnvPrefix + "EMPTY="},
		Body:        []byte(strings.Join(args, "\x00")),
		ContentType: "application/x-sinktest",
	}, nil
}
