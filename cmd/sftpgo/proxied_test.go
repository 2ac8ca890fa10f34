package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
)

// balancer is a TCP proxy that tells who its clients are: always the same one.
type balancer struct {
	l       net.Listener
	to      string
	version byte
	wg      sync.WaitGroup
}

func newBalancer(t *testing.T, to string, version byte) *balancer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{l: l, to: to, version: version}
	b.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.wg.Go(func() { b.forward(c.(*net.TCPConn)) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		b.wg.Wait()
	})
	return b
}

func (b *balancer) forward(client *net.TCPConn) {
	defer client.Close()
	up, err := net.Dial("tcp", b.to)
	if err != nil {
		return
	}
	server := up.(*net.TCPConn)
	defer server.Close()
	from := &net.TCPAddr{IP: net.IPv4(203, 0, 113, 7), Port: 40000}
	if _, err := proxyproto.HeaderProxyFromAddrs(b.version, from, b.l.Addr()).WriteTo(server); err != nil {
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = io.Copy(server, client); _ = server.CloseWrite() })
	_, _ = io.Copy(client, server)
	_ = client.CloseWrite()
	wg.Wait()
}

// TestBehindProxies: clients of all protocols are who the proxy says, for the log and
// for the rules of accounts; who does not come through it is not served.
func TestBehindProxies(t *testing.T) {
	p := newRealServer(t,
		"SFTPGO_COMMON__PROXY_PROTOCOL=2", "SFTPGO_COMMON__PROXY_ALLOWED=127.0.0.1",
		"SFTPGO_WEBDAVD__BINDINGS__0__APPLY_PROXY_CONFIG=true",
		"SFTPGO_FTPD__BINDINGS__0__PASSIVE_CONNECTIONS_SECURITY=1", // data comes from the proxy
	)
	p.addUser(t, "alice", "--allowed-ip", "203.0.113.0/24")
	p.addUser(t, "bob", "--allowed-ip", "127.0.0.0/8")
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	content := bytes.Repeat([]byte("through a proxy\n"), 100_000)
	for _, version := range []byte{1, 2} {
		for protocol, dial := range map[string]func(user string) (actor, error){
			"SFTP": func(user string) (actor, error) {
				return newSFTPActor(newBalancer(t, p.sftp, version).l.Addr().String(), user)
			},
			"FTP": func(user string) (actor, error) {
				return newFTPActor(newBalancer(t, p.ftp, version).l.Addr().String(), user)
			},
			"DAV": func(user string) (actor, error) {
				return newDAVActor(newBalancer(t, p.dav, version).l.Addr().String(), user), nil
			},
		} {
			t.Run(fmt.Sprint(protocol, " version ", version), func(t *testing.T) {
				c, err := dial("alice")
				if err != nil {
					t.Fatal(err)
				}
				defer c.close()
				name := fmt.Sprint("/", protocol, version)
				if err := c.put(name, content); err != nil {
					t.Fatal(err)
				}
				if got, err := c.get(name); err != nil || !bytes.Equal(got, content) {
					t.Errorf("%d bytes came back, %v", len(got), err)
				}
				if c, err := dial("bob"); err == nil {
					defer c.close()
					if err := c.put("/no", nil); err == nil {
						t.Error("the address of the proxy counts")
					}
				}
			})
		}
	}
	for _, address := range []string{p.sftp, p.ftp, p.dav} {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if n, err := c.Read(make([]byte, 1)); n > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s without a header: %d bytes, %v", address, n, err)
		}
		_ = c.Close()
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
	log, err := os.ReadFile(filepath.Join(p.dir, "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`"ip":"203.0.113.7","username":"alice","method":"password","protocol":"SSH"`,
		`"ip":"203.0.113.7","username":"alice","method":"password","protocol":"FTP"`,
		`"ip":"203.0.113.7","username":"alice","method":"password","protocol":"DAV"`,
		`"client_ip":"203.0.113.7","username":"bob"`,
	} {
		if !strings.Contains(string(log), part) {
			t.Errorf("the log has no %s", part)
		}
	}
}

// TestImplicitTLSBehindProxies: TLS begins after the header.
func TestImplicitTLSBehindProxies(t *testing.T) {
	p := newRealServer(t, "SFTPGO_COMMON__PROXY_PROTOCOL=2", "SFTPGO_COMMON__PROXY_ALLOWED=127.0.0.1", "SFTPGO_FTPD__BINDINGS__0__TLS_MODE=2")
	p.addUser(t, "alice", "--allowed-ip", "203.0.113.7/32")
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	c, err := tls.Dial("tcp", newBalancer(t, p.ftp, 2).l.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	in := bufio.NewReader(c)
	for _, step := range []struct{ say, want string }{
		{"", "220"}, {"USER alice", "331"}, {"PASS " + secretOfAll, "230"}, {"QUIT", "221"},
	} {
		if step.say != "" {
			fmt.Fprintf(c, "%s\r\n", step.say)
		}
		if line, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(line, step.want) {
			t.Fatalf("%s: %q, %v; want %s", step.say, line, err, step.want)
		}
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
}

// TestHTTPSBehindProxies: for WebDAV too, and the client that the proxy names is the one
// that rules and log mean. One without TLS, or without the header, is not served.
func TestHTTPSBehindProxies(t *testing.T) {
	p := newRealServer(t,
		"SFTPGO_COMMON__PROXY_PROTOCOL=2", "SFTPGO_COMMON__PROXY_ALLOWED=127.0.0.1",
		"SFTPGO_WEBDAVD__BINDINGS__0__APPLY_PROXY_CONFIG=true", "SFTPGO_WEBDAVD__BINDINGS__0__ENABLE_HTTPS=true",
		"SFTPGO_WEBDAVD__CERTIFICATE_FILE=cert.pem", "SFTPGO_WEBDAVD__CERTIFICATE_KEY_FILE=key.pem",
	)
	if err := certificate(filepath.Join(p.dir, "conf", "cert.pem"), filepath.Join(p.dir, "conf", "key.pem")); err != nil {
		t.Fatal(err)
	}
	p.addUser(t, "alice", "--allowed-ip", "203.0.113.7/32")
	p.addUser(t, "bob", "--allowed-ip", "127.0.0.0/8")
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	for _, version := range []byte{1, 2} {
		through := newBalancer(t, p.dav, version).l.Addr().String()
		client := &http.Client{
			Timeout:   30 * time.Second,
			Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
		}
		for _, ask := range []struct {
			url, user string
			want      int
		}{
			{"https://" + through, "alice", http.StatusOK}, {"https://" + through, "bob", http.StatusUnauthorized},
			{"http://" + through, "alice", http.StatusBadRequest},
		} {
			req, err := http.NewRequest(http.MethodGet, ask.url+"/", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.SetBasicAuth(ask.user, secretOfAll)
			resp, err := client.Do(req)
			if err != nil {
				t.Fatalf("version %d: %v", version, err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != ask.want {
				t.Errorf("version %d: %s of %s: %s", version, ask.url, ask.user, resp.Status)
			}
		}
		client.CloseIdleConnections()
	}
	if c, err := tls.Dial("tcp", p.dav, &tls.Config{InsecureSkipVerify: true}); err == nil {
		_ = c.Close()
		t.Error("a client without the header of the proxy is served")
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
}
