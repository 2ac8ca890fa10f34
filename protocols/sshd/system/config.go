package system

import (
	"fmt"
	"os"
)

// Config says what the commands run.
type Config struct {
	// Enabled are the commands that clients may run; "*" is all. What is enabled
	// and cannot run here is told in the log once.
	Enabled []string
	// Helper is the program, with its first arguments, that calls confine.Main.
	// Empty is this executable with the argument HelperCommand.
	Helper []string
}

// HelperCommand is the argument that makes this executable call confine.Main.
const HelperCommand = "confine"

func (c Config) helper() ([]string, error) {
	if len(c.Helper) > 0 {
		return c.Helper, nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return []string{self, HelperCommand}, nil
}
