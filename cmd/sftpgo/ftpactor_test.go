package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// ftpActor is a client of FTP in clear text, with passive data connections.
type ftpActor struct {
	tcp  net.Conn
	text *textproto.Conn
}

func newFTPActor(addr, user string) (*ftpActor, error) {
	tcp, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	c := &ftpActor{tcp, textproto.NewConn(tcp)}
	for _, step := range []struct {
		code int
		line string
	}{{220, ""}, {331, "USER " + user}, {230, "PASS " + secretOfAll}, {200, "TYPE I"}} {
		if err = c.say(step.line); err == nil {
			_, err = c.expect(step.code)
		}
		if err != nil {
			tcp.Close()
			return nil, err
		}
	}
	return c, nil
}

// say sends a line; an empty one is none.
func (c *ftpActor) say(line string) error {
	_ = c.tcp.SetDeadline(time.Now().Add(patience)) // a closed connection shows below
	if line == "" {
		return nil
	}
	return c.text.PrintfLine("%s", line)
}

// expect reads one reply.
func (c *ftpActor) expect(want int) (string, error) {
	code, text, err := c.text.ReadResponse(want)
	var reply *textproto.Error
	if errors.As(err, &reply) {
		if code == 421 { // the end of the connection
			return "", fmt.Errorf("%d %s", code, text)
		}
		return "", &refusedError{code, fmt.Sprintf("%d %s", code, text)}
	}
	return text, err
}

func (c *ftpActor) cmd(want int, line string) (string, error) {
	if err := c.say(line); err != nil {
		return "", err
	}
	return c.expect(want)
}

// data opens a data connection for a command.
func (c *ftpActor) data(line string) (net.Conn, error) {
	text, err := c.cmd(229, "EPSV")
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(strings.Trim(text[strings.Index(text, "("):], "(|)"))
	if err != nil {
		return nil, fmt.Errorf("EPSV: %q", text)
	}
	d, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), patience)
	if err != nil {
		return nil, err
	}
	_ = d.SetDeadline(time.Now().Add(patience))
	if _, err := c.cmd(150, line); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func (c *ftpActor) put(name string, content []byte) error    { return c.send("STOR "+name, content) }
func (c *ftpActor) resume(name string, content []byte) error { return c.send("APPE "+name, content) }

func (c *ftpActor) send(line string, content []byte) error {
	d, err := c.data(line)
	if err != nil {
		return err
	}
	_, _ = d.Write(content) // who refuses closes; the reply says why
	d.Close()
	_, err = c.cmd(226, "")
	return err
}

func (c *ftpActor) get(name string) ([]byte, error) { return c.receive("RETR " + name) }

func (c *ftpActor) receive(line string) ([]byte, error) {
	d, err := c.data(line)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(d)
	d.Close()
	if err != nil {
		return nil, err
	}
	_, err = c.cmd(226, "")
	return content, err
}

func (c *ftpActor) remove(name string) error { return c.simple(250, "DELE "+name) }
func (c *ftpActor) mkdir(name string) error  { return c.simple(257, "MKD "+name) }
func (c *ftpActor) rmdir(name string) error  { return c.simple(250, "RMD "+name) }

func (c *ftpActor) rename(oldname, newname string) error {
	if err := c.simple(350, "RNFR "+oldname); err != nil {
		return err
	}
	return c.simple(250, "RNTO "+newname)
}

func (c *ftpActor) simple(want int, line string) error {
	_, err := c.cmd(want, line)
	return err
}

func (c *ftpActor) removeTree(files, dirs []string) error { return removeEach(c, files, dirs) }

// cutUpload resets both connections: the end of a data connection alone is the end
// of the file in FTP.
func (c *ftpActor) cutUpload(name string, part []byte, _ int, arrived func() error) error {
	d, err := c.data("STOR " + name)
	if err != nil {
		return err
	}
	if _, err := d.Write(part); err != nil {
		return err
	}
	defer cut(c.tcp)
	defer cut(d)
	return arrived()
}

func (c *ftpActor) cutDownload(name string) error {
	d, err := c.data("RETR " + name)
	if err != nil {
		return err
	}
	defer cut(c.tcp)
	defer cut(d)
	_, err = io.ReadFull(d, make([]byte, 1000))
	return err
}

func (c *ftpActor) close() { c.tcp.Close() }
