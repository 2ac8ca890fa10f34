package execsink

import (
	"fmt"
	"os"
	"strings"
)

// variableLimit is how long a variable may be. Linux takes 128 KiB in one, and a
// program of which one is longer cannot be started at all.
const variableLimit = 64 << 10

// spill puts the values that are too long into files that only this user reads, and
// tells their paths: of NAME the variable NAME_FILE, and NAME is empty. The files
// are there until remove is called.
func spill(env []string) (kept []string, remove func(), err error) {
	var files []string
	remove = func() {
		for _, f := range files {
			_ = os.Remove(f) // the system cleans its directory up
		}
	}
	for _, v := range env {
		if len(v) <= variableLimit {
			kept = append(kept, v)
			continue
		}
		name, value, _ := strings.Cut(v, "=")
		f, err := os.CreateTemp("", "sftpgo-variable-*")
		if err != nil {
			remove()
			return nil, nil, fmt.Errorf("variable %s: %w", name, err)
		}
		files = append(files, f.Name())
		_, err = f.WriteString(value)
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			remove()
			return nil, nil, fmt.Errorf("variable %s: %w", name, err)
		}
		kept = append(kept, name+"=", name+"_FILE="+f.Name())
	}
	return kept, remove, nil
}
