//go:build linux && (arm64 || riscv64)

package confine

// modeCalls are those of older architectures.
func modeCalls() []modeCall { return nil }
