package main

import (
	"errors"
	"net"
	"time"
)

// actor is one logged-in client of one protocol. Its methods do what a user
// of that protocol would do; names are absolute, and sent as they are.
type actor interface {
	put(name string, content []byte) error
	// resume adds to a file that is there.
	resume(name string, content []byte) error
	get(name string) ([]byte, error)
	remove(name string) error
	// removeTree removes files and directories; who has no verb for that removes
	// one after the other, in the order given.
	removeTree(files, dirs []string) error
	rename(oldname, newname string) error
	mkdir(name string) error
	rmdir(name string) error
	// cutUpload sends the first part of a file of total bytes, calls arrived, which
	// waits until the server has it, and cuts the connection.
	cutUpload(name string, part []byte, total int, arrived func() error) error
	// cutDownload reads the beginning of a file and cuts the connection.
	cutDownload(name string) error
	close()
}

// errNoVerb: the protocol does not have the operation.
var errNoVerb = errors.New("the protocol has no such operation")

// patience is the longest that a client waits for anything.
const patience = 30 * time.Second

// cut closes a TCP connection so that the other side sees a reset, as when a
// machine dies and comes back, not the end of a stream.
func cut(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // closed already, if this fails
	}
	_ = conn.Close()
}

// refusedError is the answer of a server that does not do what it is asked. Any
// other error means that the client does not know.
type refusedError struct {
	code int // of the protocol
	text string
}

func (e *refusedError) Error() string { return e.text }
