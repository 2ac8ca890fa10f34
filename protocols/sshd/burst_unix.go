//go:build unix

package sshd

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// canReadReady says that readReady is there.
const canReadReady = true

// readReady waits until there is something to read, and takes the buffer then.
func (c *burstConn) readReady() (n int, err error) {
	waited := c.raw.Read(func(fd uintptr) (done bool) {
		c.grab()
		for {
			n, err = syscall.Read(int(fd), c.buf[:])
			if !errors.Is(err, syscall.EINTR) {
				break
			}
		}
		if n > 0 {
			return true
		}
		c.release()
		return !errors.Is(err, syscall.EAGAIN)
	})
	switch {
	case waited != nil:
		return 0, waited
	case err != nil:
		return 0, os.NewSyscallError("read", err)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}
