package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// dialSSH logs in with a password.
func dialSSH(addr, user string) (net.Conn, *ssh.Client, error) {
	tcp, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, nil, err
	}
	_ = tcp.SetDeadline(time.Now().Add(patience)) // of the login
	conn, channels, requests, err := ssh.NewClientConn(tcp, addr, &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.Password(secretOfAll)},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	})
	if err != nil {
		tcp.Close()
		return nil, nil, err
	}
	_ = tcp.SetDeadline(time.Time{})
	return tcp, ssh.NewClient(conn, channels, requests), nil
}

// sftpActor is a client of SFTP.
type sftpActor struct {
	tcp net.Conn
	ssh *ssh.Client
	c   *sftp.Client
}

func newSFTPActor(addr, user string) (*sftpActor, error) {
	tcp, conn, err := dialSSH(addr, user)
	if err != nil {
		return nil, err
	}
	c, err := sftp.NewClient(conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &sftpActor{tcp, conn, c}, nil
}

// sftpAnswer tells the refusals of the server from the loss of it.
func sftpAnswer(err error) error {
	var status *sftp.StatusError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &status):
		if status.FxCode() == sftp.ErrSSHFxConnectionLost {
			return err
		}
		return &refusedError{int(status.Code), err.Error()}
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission): // what the library makes of two codes
		return &refusedError{0, err.Error()}
	}
	return err
}

func (c *sftpActor) put(name string, content []byte) error {
	return c.write(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0, content)
}

func (c *sftpActor) resume(name string, content []byte) error {
	info, err := c.c.Stat(name)
	if err != nil {
		return sftpAnswer(err)
	}
	return c.write(name, os.O_WRONLY|os.O_APPEND, info.Size(), content)
}

func (c *sftpActor) write(name string, flags int, at int64, content []byte) error {
	f, err := c.c.OpenFile(name, flags)
	if err != nil {
		return sftpAnswer(err)
	}
	_, err = f.WriteAt(content, at)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return sftpAnswer(err)
}

func (c *sftpActor) get(name string) ([]byte, error) {
	f, err := c.c.Open(name)
	if err != nil {
		return nil, sftpAnswer(err)
	}
	content, err := io.ReadAll(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return content, sftpAnswer(err)
}

func (c *sftpActor) remove(name string) error { return sftpAnswer(c.c.Remove(name)) }
func (c *sftpActor) mkdir(name string) error  { return sftpAnswer(c.c.Mkdir(name)) }
func (c *sftpActor) rmdir(name string) error  { return sftpAnswer(c.c.RemoveDirectory(name)) }

// rename is what sftp of OpenSSH does.
func (c *sftpActor) rename(oldname, newname string) error {
	return sftpAnswer(c.c.PosixRename(oldname, newname))
}

func (c *sftpActor) removeTree(files, dirs []string) error { return removeEach(c, files, dirs) }

// removeEach is how a tree goes where there is no verb for it.
func removeEach(c actor, files, dirs []string) error {
	for _, name := range files {
		if err := c.remove(name); err != nil {
			return fmt.Errorf("remove %s: %w", name, err)
		}
	}
	for _, name := range dirs {
		if err := c.rmdir(name); err != nil {
			return fmt.Errorf("rmdir %s: %w", name, err)
		}
	}
	return nil
}

func (c *sftpActor) cutUpload(name string, part []byte, _ int, arrived func() error) error {
	f, err := c.c.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	if _, err := f.Write(part); err != nil {
		return err
	}
	defer cut(c.tcp)
	return arrived()
}

func (c *sftpActor) cutDownload(name string) error {
	f, err := c.c.Open(name)
	if err != nil {
		return err
	}
	defer cut(c.tcp)
	_, err = io.ReadFull(f, make([]byte, 1000))
	return err
}

func (c *sftpActor) close() {
	c.c.Close()
	c.ssh.Close()
}
