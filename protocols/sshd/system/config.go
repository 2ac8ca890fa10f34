package system

// Config says what the commands run.
type Config struct {
	// Enabled are the commands that clients may run; "*" is all. What is enabled
	// and cannot run here is told in the log once.
	Enabled []string
	// Helper is the program, with its first arguments, that confines itself and
	// becomes the program that the client asked for: see package confine. Empty is
	// this executable with the argument HelperCommand.
	Helper []string
}

// HelperCommand is the argument that makes this executable call confine.Main.
const HelperCommand = "confined"
