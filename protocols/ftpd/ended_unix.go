//go:build unix

package ftpd

import (
	"net"
	"syscall"
)

// hasEnded tells whether the peer has closed conn and nothing is left to read. It
// takes nothing from who reads.
func hasEnded(conn net.Conn) bool {
	if over, ok := conn.(interface{ NetConn() net.Conn }); ok { // that a proxy might have sent
		conn = over.NetConn()
	}
	tcp, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return false
	}
	ended := false
	err = raw.Control(func(fd uintptr) {
		n, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		ended = n == 0 && err == nil
	})
	return ended || err != nil // closed by us
}
