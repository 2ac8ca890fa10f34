package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// davActor is a client of WebDAV.
type davActor struct {
	addr, user string
	http       *http.Client
}

func newDAVActor(addr, user string) *davActor {
	return &davActor{addr, user, &http.Client{Transport: &http.Transport{}, Timeout: patience}}
}

// escaped writes a name as the path of a URL, byte by byte where need be, and
// removes nothing from it.
func escaped(name string) string {
	if !strings.HasPrefix(name, "/") {
		name = "/" + name // HTTP has no other names
	}
	var b []byte
	for i := range len(name) {
		switch c := name[i]; {
		case c == '/' || c == '.' || c == '-' || c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z':
			b = append(b, c)
		default:
			b = fmt.Appendf(b, "%%%02X", c)
		}
	}
	return string(b)
}

// call sends one request; any status of the 2xx range is success.
func (c *davActor) call(method, name string, body []byte, header ...string) ([]byte, error) {
	req := &http.Request{
		Method: method, Host: c.addr, Header: http.Header{},
		URL:  &url.URL{Scheme: "http", Host: c.addr, Opaque: escaped(name)},
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
	if len(body) == 0 {
		req.Body = http.NoBody
	}
	req.SetBasicAuth(c.user, secretOfAll)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		return nil, &refusedError{resp.StatusCode, fmt.Sprintf("%s: %s", resp.Status, bytes.TrimSpace(answer))}
	}
	return answer, nil
}

func (c *davActor) put(name string, content []byte) error {
	_, err := c.call(http.MethodPut, name, content)
	return err
}

func (c *davActor) get(name string) ([]byte, error) { return c.call(http.MethodGet, name, nil) }

func (c *davActor) remove(name string) error {
	_, err := c.call(http.MethodDelete, name, nil)
	return err
}

func (c *davActor) removeTree(_, dirs []string) error { return c.remove(dirs[len(dirs)-1]) }
func (c *davActor) rmdir(name string) error           { return c.remove(name) }
func (c *davActor) resume(string, []byte) error       { return errNoVerb }

func (c *davActor) mkdir(name string) error {
	_, err := c.call("MKCOL", name, nil)
	return err
}

func (c *davActor) rename(oldname, newname string) error {
	_, err := c.call("MOVE", oldname, nil, "Destination", escaped(newname))
	return err
}

func (c *davActor) cutUpload(name string, part []byte, total int, arrived func() error) error {
	return c.raw(fmt.Sprintf("PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", escaped(name), c.addr, total), part,
		func(net.Conn) error { return arrived() })
}

func (c *davActor) cutDownload(name string) error {
	return c.raw(fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\n", escaped(name), c.addr), nil, func(tcp net.Conn) error {
		_, err := io.ReadFull(tcp, make([]byte, 2000))
		return err
	})
}

// raw sends a request on a connection of its own, waits and cuts it.
func (c *davActor) raw(head string, body []byte, wait func(net.Conn) error) error {
	tcp, err := net.DialTimeout("tcp", c.addr, patience)
	if err != nil {
		return err
	}
	defer cut(tcp)
	_ = tcp.SetDeadline(time.Now().Add(patience))
	login := base64.StdEncoding.EncodeToString([]byte(c.user + ":" + secretOfAll))
	if _, err := fmt.Fprintf(tcp, "%sAuthorization: Basic %s\r\n\r\n%s", head, login, body); err != nil {
		return err
	}
	return wait(tcp)
}

func (c *davActor) close() { c.http.CloseIdleConnections() }
