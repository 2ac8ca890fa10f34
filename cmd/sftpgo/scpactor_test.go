package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"path"
	"strings"

	"golang.org/x/crypto/ssh"
)

// scpActor speaks the protocol of "scp -O". It can copy, and nothing else.
type scpActor struct {
	tcp net.Conn
	ssh *ssh.Client
}

func newSCPActor(addr, user string) (*scpActor, error) {
	tcp, conn, err := dialSSH(addr, user)
	if err != nil {
		return nil, err
	}
	return &scpActor{tcp, conn}, nil
}

// scpRun is one remote scp.
type scpRun struct {
	s   *ssh.Session
	in  io.WriteCloser
	out *bufio.Reader
}

func (c *scpActor) run(flags, name string) (*scpRun, error) {
	s, err := c.ssh.NewSession()
	if err != nil {
		return nil, err
	}
	in, err := s.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := s.StdoutPipe()
	if err != nil {
		return nil, err
	}
	quoted := "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	return &scpRun{s, in, bufio.NewReader(out)}, s.Start("scp " + flags + " -- " + quoted)
}

// answer reads one answer of the server.
func (r *scpRun) answer() error {
	c, err := r.out.ReadByte()
	if err != nil {
		return err
	}
	if c == 0 {
		return nil
	}
	text, err := r.out.ReadString('\n')
	if err != nil {
		return err
	}
	return &refusedError{int(c), strings.TrimSpace(text)}
}

// say sends text and reads the answer.
func (r *scpRun) say(text string) error {
	if _, err := io.WriteString(r.in, text); err != nil {
		return err
	}
	return r.answer()
}

// end closes the run. The exit status tells whether all was copied.
func (r *scpRun) end(err error) error {
	r.in.Close()
	var exit *ssh.ExitError
	werr := r.s.Wait()
	switch {
	case err == nil && errors.As(werr, &exit):
		return &refusedError{exit.ExitStatus(), "scp: exit status"}
	case err == nil:
		return werr
	}
	return err
}

func (c *scpActor) put(name string, content []byte) error {
	r, err := c.run("-t", name)
	if err != nil {
		return err
	}
	err = r.answer()
	if err == nil {
		err = r.say(fmt.Sprintf("C0644 %d %s\n", len(content), path.Base(name)))
	}
	if err == nil {
		err = r.say(string(content) + "\x00")
	}
	return r.end(err)
}

func (c *scpActor) get(name string) ([]byte, error) {
	r, err := c.run("-f", name)
	if err != nil {
		return nil, err
	}
	content, err := r.receive()
	return content, r.end(err)
}

// announced reads the line before a file and returns its size.
func (r *scpRun) announced() (size int64, err error) {
	if _, err := r.in.Write([]byte{0}); err != nil {
		return 0, err
	}
	line, err := r.out.ReadString('\n')
	if err != nil {
		return 0, err
	}
	if line[0] == 1 || line[0] == 2 {
		return 0, &refusedError{int(line[0]), strings.TrimSpace(line[1:])}
	}
	var mode int
	if _, err := fmt.Sscanf(line, "C%o %d ", &mode, &size); err != nil {
		return 0, fmt.Errorf("line %q: %w", line, err)
	}
	_, err = r.in.Write([]byte{0})
	return size, err
}

func (r *scpRun) receive() ([]byte, error) {
	size, err := r.announced()
	if err != nil {
		return nil, err
	}
	content := make([]byte, size)
	if _, err := io.ReadFull(r.out, content); err != nil {
		return nil, err
	}
	if err := r.answer(); err != nil {
		return nil, err
	}
	_, err = r.in.Write([]byte{0})
	return content, err
}

// mkdir is "scp -r" of an empty directory.
func (c *scpActor) mkdir(name string) error {
	r, err := c.run("-r -t", path.Dir(name))
	if err != nil {
		return err
	}
	err = r.answer()
	if err == nil {
		err = r.say("D0755 0 " + path.Base(name) + "\n")
	}
	if err == nil {
		err = r.say("E\n")
	}
	return r.end(err)
}

func (c *scpActor) resume(string, []byte) error         { return errNoVerb }
func (c *scpActor) remove(string) error                 { return errNoVerb }
func (c *scpActor) removeTree([]string, []string) error { return errNoVerb }
func (c *scpActor) rename(string, string) error         { return errNoVerb }
func (c *scpActor) rmdir(string) error                  { return errNoVerb }

func (c *scpActor) cutUpload(name string, part []byte, total int, arrived func() error) error {
	r, err := c.run("-t", name)
	if err != nil {
		return err
	}
	if err := r.answer(); err != nil {
		return err
	}
	if err := r.say(fmt.Sprintf("C0644 %d %s\n", total, path.Base(name))); err != nil {
		return err
	}
	if _, err := r.in.Write(part); err != nil {
		return err
	}
	defer cut(c.tcp)
	return arrived()
}

func (c *scpActor) cutDownload(name string) error {
	r, err := c.run("-f", name)
	if err != nil {
		return err
	}
	if _, err := r.announced(); err != nil {
		return err
	}
	defer cut(c.tcp)
	_, err = io.ReadFull(r.out, make([]byte, 1000))
	return err
}

func (c *scpActor) close() { c.ssh.Close() }
