package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// TestClients takes each client of the SSH family through one table of steps
// against the real server. A client is one file of testdata/clients; what it
// must know is in the README there.
func TestClients(t *testing.T) {
	t.Parallel()
	drivers, err := clientDrivers("testdata/clients")
	if err != nil {
		t.Fatal(err)
	}
	// Each client alone in mode 0; in mode 1 an upload is staged and published by
	// a rename, and what resumes goes on in place.
	for _, mode := range []string{"0", "1"} {
		t.Run("mode"+mode, func(t *testing.T) {
			t.Parallel()
			site := newClientSite(t, mode, drivers)
			for _, d := range drivers {
				t.Run(d.name, func(t *testing.T) {
					t.Parallel()
					d.require(t)
					site.visit(t, d)
				})
			}
		})
	}
}

// clientSite is a server with an account for each client.
type clientSite struct {
	server *realServer
	mode   string
	steps  []clientStep
	env    []string // of the drivers
}

func newClientSite(t *testing.T, mode string, drivers []*clientDriver) *clientSite {
	t.Helper()
	server := newRealServer(t,
		"SFTPGO_COMMON__UPLOAD_MODE="+mode,
		"SFTPGO_SFTPD__HOST_KEYS=host_ed25519,host_ecdsa",
		"SFTPGO_SFTPD__ENABLED_SSH_COMMANDS=scp,md5sum,sha1sum,sha256sum,cd,pwd",
		// What these tests are not about: a line of fsync for each file.
		"SFTPGO_DATA_PROVIDER__TRACK_QUOTA=0",
	)
	known, prints, err := clientHostKeys(server)
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(server.dir, "id_ed25519")
	if err := clientKey(key); err != nil {
		t.Fatal(err)
	}
	lib, err := filepath.Abs("testdata/clients/lib")
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(server.sftp)
	if err != nil {
		t.Fatal(err)
	}
	modules, err := nodeModules()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range drivers {
		server.addUser(t, d.name, "--public-key", key+".pub")
	}
	if err := server.start(); err != nil {
		t.Fatal(err)
	}
	return &clientSite{server: server, mode: mode, steps: clientSteps(), env: append(os.Environ(),
		"LC_ALL=C.UTF-8", "TZ=UTC", "PYTHONDONTWRITEBYTECODE=1", "PYTHONWARNINGS=ignore",
		"PYTHONPATH="+lib, "NODE_PATH="+modules+":"+lib,
		"LIB="+lib, "HOST="+host, "PORT="+port, "PASSWORD="+secretOfAll,
		"KEY="+key, "KNOWN_HOSTS="+known, "FINGERPRINT="+prints,
	)}
}

// clientHostKeys adds an ECDSA key, the only one that old clients know, and
// writes a known_hosts of both. It returns its name and the fingerprint of the
// ED25519 key.
func clientHostKeys(server *realServer) (known, fingerprint string, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", err
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return "", "", err
	}
	conf := filepath.Join(server.dir, "conf")
	if err := os.WriteFile(filepath.Join(conf, "host_ecdsa"), pem.EncodeToMemory(block), 0o600); err != nil {
		return "", "", err
	}
	_, port, err := net.SplitHostPort(server.sftp)
	if err != nil {
		return "", "", err
	}
	var lines strings.Builder
	for _, name := range []string{"host_ed25519", "host_ecdsa"} {
		text, err := os.ReadFile(filepath.Join(conf, name))
		if err != nil {
			return "", "", err
		}
		signer, err := ssh.ParsePrivateKey(text)
		if err != nil {
			return "", "", err
		}
		if fingerprint == "" {
			fingerprint = ssh.FingerprintSHA256(signer.PublicKey())
		}
		fmt.Fprintf(&lines, "[127.0.0.1]:%s %s", port, ssh.MarshalAuthorizedKey(signer.PublicKey()))
	}
	known = filepath.Join(server.dir, "known_hosts")
	return known, fingerprint, os.WriteFile(known, []byte(lines.String()), 0o600)
}

// nodeModules is where .ci/clients installs what package-lock.json names.
func nodeModules() (string, error) {
	lock, err := os.ReadFile("testdata/clients/npm/package-lock.json")
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(lock)
	return filepath.Join(cache, "sftpgo-clients", hex.EncodeToString(sum[:8]), "node_modules"), nil
}

// visit runs the table with one client.
func (s *clientSite) visit(t *testing.T, d *clientDriver) {
	c := &clientVisit{
		driver: d, mode: s.mode,
		home: s.server.data(d.name), work: t.TempDir(), dav: s.server.dav,
	}
	c.process = d.start(t, c.work, append(slices.Clip(s.env), "CLIENT_USER="+d.name, "HOME="+t.TempDir(), "TMPDIR="+t.TempDir()))
	if err := os.MkdirAll(c.home, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, step := range s.steps {
		t.Run(step.name, func(t *testing.T) {
			for _, verb := range slices.Sorted(maps.Keys(d.cannot)) {
				if slices.Contains(step.verbs, verb) {
					t.Skipf("%s cannot %s: %s", d.name, verb, d.cannot[verb])
				}
			}
			step.run(t, c)
		})
	}
}
