//go:build !unix

package sshd

import "errors"

// canReadReady says that readReady is there.
const canReadReady = false

func (*burstConn) readReady() (int, error) { return 0, errors.ErrUnsupported }
