//go:build linux && (arm64 || riscv64)

package confine

// olderModeCalls are those of older architectures.
func olderModeCalls() map[uint32]uint32 { return map[uint32]uint32{} }
