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

// namespaces are the flags of clone(2) that make one.
const namespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWPID |
	unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// bitCall is a system call that is denied when an argument has one of some bits.
type bitCall struct{ nr, arg, bits uint32 }

// restrictCalls denies what neither mounts nor Landlock know. A file with the
// setuid or setgid bit, which SFTP does not make either, would be a program that
// runs as the user of the server for everybody on the host. Sockets and namespaces
// are nothing that git or rsync need. Calls that hide their arguments in memory
// are as if the kernel did not have them.
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
	for _, nr := range []uint32{unix.SYS_OPENAT2, unix.SYS_CLONE3, unix.SYS_IO_URING_SETUP} {
		list = append(list, unix.SockFilter{Code: equal, K: nr, Jf: 1}, missing)
	}
	for _, nr := range []uint32{unix.SYS_SOCKET, unix.SYS_UNSHARE, unix.SYS_SETNS} {
		list = append(list, unix.SockFilter{Code: equal, K: nr, Jf: 1}, denied)
	}
	calls := []bitCall{{unix.SYS_CLONE, 0, namespaces}}
	for nr, arg := range modeCalls() {
		calls = append(calls, bitCall{nr, arg, setBits})
	}
	for _, c := range calls {
		list = append(list,
			unix.SockFilter{Code: equal, K: c.nr, Jf: 4},
			unix.SockFilter{Code: load, K: offsetArgs + 8*c.arg},
			unix.SockFilter{Code: anyBit, K: c.bits, Jf: 1},
			denied,
			answer(unix.SECCOMP_RET_ALLOW),
		)
	}
	return append(list, answer(unix.SECCOMP_RET_ALLOW))
}

// modeCalls are the calls that give a file a mode, with the argument that has it.
func modeCalls() map[uint32]uint32 {
	calls := olderModeCalls()
	for nr, arg := range map[uint32]uint32{
		unix.SYS_FCHMOD: 1, unix.SYS_FCHMODAT: 2, unix.SYS_FCHMODAT2: 2, unix.SYS_OPENAT: 3, unix.SYS_MKNODAT: 2,
	} {
		calls[nr] = arg
	}
	return calls
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
