//go:build !(linux && (amd64 || arm64 || riscv64))

package confine

import (
	"fmt"
	"os"
	"syscall"
)

// Check returns an error that wraps ErrUnsupported.
func Check() error { return ErrUnsupported }

// Attributes are of no use here.
func Attributes() *syscall.SysProcAttr { return nil }

// Main tells that nothing can be done and returns the exit status.
func Main() int {
	fmt.Fprint(os.NewFile(statusFile, "status"), ErrUnsupported)
	return 1
}
