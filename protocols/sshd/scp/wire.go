package scp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"sftpgo/protocols"
)

// The bytes that answer a line or a file.
const (
	okByte    = 0
	warnByte  = 1 // this file failed, go on
	fatalByte = 2 // the end
)

var (
	// errRefused: the client does not want a file, or could not read one; the
	// next may do better.
	errRefused = errors.New("refused by the client")
	// errEnded: one of the two sides has given up and said so.
	errEnded = errors.New("ended by an error")
	// errIncomplete: the run came to its end, but not every file was copied.
	errIncomplete = errors.New("not everything was copied")
)

// wire speaks the protocol's smallest units. Its errors mean that the run is
// over, but for errRefused.
type wire struct {
	in     *bufio.Reader
	out    io.Writer
	log    *slog.Logger
	failed bool // something was not copied: the exit status will tell
}

func (w *wire) send(text string) error {
	if _, err := io.WriteString(w.out, text); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func (w *wire) ack() error { return w.send("\x00") }

// response reads the client's answer.
func (w *wire) response() error {
	c, err := w.in.ReadByte()
	if err != nil {
		return unexpected(err)
	}
	switch c {
	case okByte:
		return nil
	case warnByte, fatalByte:
		return w.complaint(c)
	}
	return w.protocolError("unexpected answer")
}

// farewell is the answer after the last byte of a file. libssh2, and so curl, ends
// the channel there instead of answering: all bytes have passed by then.
func (w *wire) farewell() error {
	if _, err := w.in.Peek(1); errors.Is(err, io.EOF) {
		return nil
	}
	return w.response()
}

// complaint reads the text after a warning or a fatal byte.
func (w *wire) complaint(c byte) error {
	w.failed = true
	text, err := w.line()
	if err != nil {
		return err
	}
	w.log.Debug("client reports an error", "message", text)
	if c == fatalByte {
		return errEnded
	}
	return errRefused
}

// line reads up to a newline, which it drops.
func (w *wire) line() (string, error) {
	var b strings.Builder
	for b.Len() <= maxLine {
		c, err := w.in.ReadByte()
		if err != nil {
			return "", unexpected(err)
		}
		if c == '\n' {
			return b.String(), nil
		}
		b.WriteByte(c)
	}
	return "", w.protocolError("line too long")
}

// warn tells the client that one file failed, and goes on. The session has
// logged why.
func (w *wire) warn(name string, err error) error {
	return w.warnText(name, protocols.StatusOf(err).Text)
}

func (w *wire) warnText(name, text string) error {
	w.failed = true
	return w.send("\x01scp: " + printable(name) + ": " + text + "\n")
}

// protocolError tells the client that it is not understood, and returns an
// error that ends the run.
func (w *wire) protocolError(text string) error {
	w.failed = true
	if err := w.send("\x02scp: protocol error: " + text + "\n"); err != nil {
		return err
	}
	return fmt.Errorf("protocol error: %s", text)
}

// printable keeps control characters in a name from ending a message or
// reaching the client's terminal.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '?'
		}
		return r
	}, name)
}

// unexpected is for an end of the stream inside the protocol.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read: %w", err)
}
