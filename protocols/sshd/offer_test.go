package sshd

import (
	"bufio"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// serveEverybody starts a server that lets anybody in, and returns its address.
func serveEverybody(t testing.TB, cfg Config, dir string) string {
	t.Helper()
	srv, err := New(cfg, everybody{}, nil, 0, "1", dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return l.Addr().String()
}

// readOffer is a client that reads the first packet of the server, and no more.
func readOffer(t *testing.T, addr string) (version string, lists [10]string) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "SSH-2.0-raw\r\n"); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	version, err = r.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		t.Fatal(err)
	}
	packet := make([]byte, binary.BigEndian.Uint32(head[:])-1)
	if _, err := io.ReadFull(r, packet); err != nil {
		t.Fatal(err)
	}
	if packet[0] != 20 {
		t.Fatalf("the first packet is of type %d", packet[0])
	}
	rest := packet[17:] // type and cookie
	for i := range lists {
		n := binary.BigEndian.Uint32(rest)
		lists[i], rest = string(rest[4:4+n]), rest[4+n:]
	}
	return version, lists
}

// signatures returns what OpenSSH's client is told of the signatures that users
// may make (RFC 8308, 3.1).
func signatures(t *testing.T, addr string) string {
	t.Helper()
	program, err := exec.LookPath("ssh")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("ssh is not installed")
		}
		t.Skip("ssh is not installed")
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := exec.CommandContext(t.Context(), program, "-v", "-F", "none", "-p", port, "-o", "BatchMode=yes",
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "PreferredAuthentications=none", "u@127.0.0.1").CombinedOutput()
	_, after, found := strings.Cut(string(text), "server-sig-algs=<")
	list, _, _ := strings.Cut(after, ">")
	if !found {
		t.Fatalf("no server-sig-algs:\n%s", text)
	}
	return list
}

// TestGoldenOffer holds the complete offer of a server with all three kinds of
// host key: whatever changes it, a new version of the library too, shows here.
func TestGoldenOffer(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"id_rsa", "id_ecdsa", "id_ed25519"} {
		if err := makeHostKey(filepath.Join(dir, name), generator(name), slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
	}
	var golden strings.Builder
	for _, profile := range []string{profileModern, profileLegacy} {
		cfg := DefaultConfig()
		cfg.AlgorithmProfile = profile
		addr := serveEverybody(t, cfg, dir)
		version, lists := readOffer(t, addr)
		o, err := cfg.offer(hasAES())
		if err != nil {
			t.Fatal(err)
		}
		if lists[2] != strings.Join(o.ciphers, ",") || lists[3] != lists[2] || lists[5] != lists[4] || lists[7] != lists[6] || lists[8]+lists[9] != "" {
			t.Errorf("%s: ciphers, or the two ways differ: %q", profile, lists)
		}
		withAES, _ := cfg.offer(true)
		without, _ := cfg.offer(false)
		fmt.Fprintf(&golden, "# %s\nversion: %s", profile, strings.ReplaceAll(version, "\r", ""))
		for _, part := range []struct{ what, list string }{
			{"key exchange", lists[0]},
			{"host key", lists[1]},
			{"ciphers, CPU with AES", strings.Join(withAES.ciphers, ",")},
			{"ciphers, CPU without", strings.Join(without.ciphers, ",")},
			{"MACs", lists[4]},
			{"compression", lists[6]},
			{"server-sig-algs", signatures(t, addr)},
		} {
			fmt.Fprintf(&golden, "\n%s:\n  %s\n", part.what, strings.ReplaceAll(part.list, ",", "\n  "))
		}
		golden.WriteString("\n")
	}
	compareGolden(t, filepath.Join("testdata", "offer.golden"), golden.String())
}

func compareGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// oldClients are what programs of their time offer, cut to what the SSH library
// has. The host key algorithms are those for which a new server has a key.
func oldClients() map[string]ssh.ClientConfig {
	client := func(kex, hostKeys, ciphers, macs string) ssh.ClientConfig {
		return ssh.ClientConfig{
			Config: ssh.Config{
				KeyExchanges: strings.Split(kex, ","), Ciphers: strings.Split(ciphers, ","), MACs: strings.Split(macs, ","),
			},
			HostKeyAlgorithms: strings.Split(hostKeys, ","),
		}
	}
	const nist = "ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521"
	return map[string]ssh.ClientConfig{
		"libssh2 1.10": client(nist+",diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,diffie-hellman-group14-sha256",
			"ssh-ed25519,ssh-rsa", "aes256-ctr,aes128-ctr", "hmac-sha2-256,hmac-sha2-512,hmac-sha1"),
		"JSch 0.1.54": client(nist+",diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha256,diffie-hellman-group1-sha1",
			"ssh-rsa,ssh-dss", "aes128-ctr,aes128-cbc,3des-cbc", "hmac-sha1,hmac-sha2-256,hmac-sha1-96"),
		"a switch of 2012": client("diffie-hellman-group1-sha1", "ssh-rsa", "aes128-cbc,3des-cbc", "hmac-sha1,hmac-sha1-96"),
	}
}

func TestOldClients(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"id_rsa", "id_ed25519"} {
		if err := makeHostKey(filepath.Join(dir, name), generator(name), slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
	}
	for profile, admitted := range map[string][]string{
		profileModern: {"libssh2 1.10"},
		profileLegacy: {"libssh2 1.10", "JSch 0.1.54", "a switch of 2012"},
	} {
		cfg := DefaultConfig()
		cfg.AlgorithmProfile = profile
		addr := serveEverybody(t, cfg, dir)
		for name, client := range oldClients() {
			client.User, client.Auth = "u", []ssh.AuthMethod{ssh.Password("p")}
			client.HostKeyCallback = ssh.InsecureIgnoreHostKey() // the test's own server
			c, err := ssh.Dial("tcp", addr, &client)
			if err == nil {
				c.Close()
			}
			if want := slices.Contains(admitted, name); want != (err == nil) {
				t.Errorf("%s, %s: %v", profile, name, err)
			}
		}
	}
}
