//go:build linux && (amd64 || arm64 || riscv64)

package confine

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offsets in struct seccomp_data of a little-endian machine: the low half of an
// argument comes first.
const (
	offsetNr   = 0
	offsetArch = 4
	offsetArgs = 16
)

// setBits are the mode bits that lend the rights of a file's owner.
const setBits = unix.S_ISUID | unix.S_ISGID

// modeCall is a system call that sets the mode of a file by an argument.
type modeCall struct {
	nr  uint32
	arg uint32
}

// restrictCalls denies what neither mounts nor Landlock know: to give a file the
// setuid or setgid bit, which SFTP does not do either. A client could else make
// programs that run as the user of the server for everybody on the host. Calls
// that hide the mode in memory are as if the kernel did not have them.
func restrictCalls(*Spec) error {
	filter := callFilter()
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&prog)), 0, 0)
}

func callFilter() []unix.SockFilter {
	const (
		load   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		atMost = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		anyBit = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
		ret    = unix.BPF_RET | unix.BPF_K
	)
	const x32 = 0x40000000 // the other calls of amd64
	answer := func(v uint32) unix.SockFilter { return unix.SockFilter{Code: ret, K: v} }
	denied := answer(unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM))
	missing := answer(unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS))
	list := []unix.SockFilter{
		{Code: load, K: offsetArch},
		{Code: equal, K: auditArch(), Jt: 1},
		answer(unix.SECCOMP_RET_KILL_PROCESS),
		{Code: load, K: offsetNr},
		{Code: atMost, K: x32, Jf: 1},
		missing,
	}
	for _, nr := range []uint32{unix.SYS_OPENAT2, unix.SYS_IO_URING_SETUP} {
		list = append(list, unix.SockFilter{Code: equal, K: nr, Jf: 1}, missing)
	}
	for _, c := range append(modeCalls(), modeCall{unix.SYS_FCHMOD, 1}, modeCall{unix.SYS_FCHMODAT, 2},
		modeCall{unix.SYS_FCHMODAT2, 2}, modeCall{unix.SYS_OPENAT, 3}, modeCall{unix.SYS_MKNODAT, 2}) {
		list = append(list,
			unix.SockFilter{Code: equal, K: c.nr, Jf: 4},
			unix.SockFilter{Code: load, K: offsetArgs + 8*c.arg},
			unix.SockFilter{Code: anyBit, K: setBits, Jf: 1},
			denied,
			answer(unix.SECCOMP_RET_ALLOW),
		)
	}
	return append(list, answer(unix.SECCOMP_RET_ALLOW))
}

func auditArch() uint32 {
	switch runtime.GOARCH {
	case "arm64":
		return unix.AUDIT_ARCH_AARCH64
	case "riscv64":
		return unix.AUDIT_ARCH_RISCV64
	}
	return unix.AUDIT_ARCH_X86_64
}
