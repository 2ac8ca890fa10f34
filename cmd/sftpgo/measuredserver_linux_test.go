package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

const measuredUser = "alice"

// measuredServer is a real server whose costs can be read. The home of its user is
// in memory where the machine has a file system for that, its database on the
// disk.
type measuredServer struct {
	*realServer
	b       *testing.B
	process process
	home    string // of the user
	keyFile string
	signer  ssh.Signer
}

// startMeasured runs a server until the end of the benchmark; settings are
// KEY=value of its environment, without the prefix, over the defaults.
func startMeasured(b *testing.B, settings ...string) *measuredServer {
	b.Helper()
	env := []string{
		// What the tests change for their own good.
		"SFTPGO_DATA_PROVIDER__PASSWORD_HASHING__ARGON2_OPTIONS__MEMORY=65536", "SFTPGO_DATA_PROVIDER__TRACK_QUOTA=2",
		"SFTPGO_TELEMETRY__ENABLE_PROFILER=true",
		"SFTPGO_FTPD__CERTIFICATE_FILE=cert.pem", "SFTPGO_FTPD__CERTIFICATE_KEY_FILE=key.pem",
	}
	for _, kv := range settings {
		env = append(env, "SFTPGO_"+kv)
	}
	s := &measuredServer{realServer: newRealServer(b, env...), b: b, home: memoryDir(b)}
	conf := filepath.Join(s.dir, "conf")
	s.keyFile = filepath.Join(s.dir, "id_ed25519")
	must(b, clientKey(s.keyFile))
	text, err := os.ReadFile(s.keyFile)
	must(b, err)
	s.signer, err = ssh.ParsePrivateKey(text)
	must(b, err)
	must(b, certificate(filepath.Join(conf, "cert.pem"), filepath.Join(conf, "key.pem")))
	s.addUser(b, measuredUser, "--public-key", s.keyFile+".pub", "--home", s.home)
	must(b, s.start())
	b.Cleanup(func() { must(b, s.stop()) })
	s.process = process{b: b, pid: s.cmd.Process.Pid}
	return s
}

// dialSFTP connects the way a Go program does.
func (s *measuredServer) dialSFTP(options ...sftp.ClientOption) *sftp.Client {
	s.b.Helper()
	conn, err := ssh.Dial("tcp", s.sftp, &ssh.ClientConfig{
		User: measuredUser, Auth: []ssh.AuthMethod{ssh.PublicKeys(s.signer)},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), // the benchmark's own server
	})
	must(s.b, err)
	s.b.Cleanup(func() { conn.Close() })
	c, err := sftp.NewClient(conn, options...)
	must(s.b, err)
	return c
}

// fetch reads one page of the telemetry listener.
func (s *measuredServer) fetch(path string) string {
	resp, err := http.Get("http://" + s.telemetry + path)
	must(s.b, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(s.b, err)
	return string(body)
}

// metric sums what the server counts under a name, whatever the labels.
func (s *measuredServer) metric(name string) (sum float64) {
	for line := range strings.Lines(s.fetch("/metrics")) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || (rest[0] != ' ' && rest[0] != '{') {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndexByte(rest, ' '):]), 64)
		must(s.b, err)
		sum += v
	}
	return sum
}

// memory returns what the process holds, and what of it is heap and stacks in use
// after a collection.
func (s *measuredServer) memory() (resident, live float64) {
	resident = s.process.resident()
	s.fetch("/debug/pprof/heap?gc=1")
	return resident, s.metric("go_memstats_heap_inuse_bytes") + s.metric("go_memstats_stack_inuse_bytes")
}

// expect fails the benchmark unless the file in the home has that size.
func (s *measuredServer) expect(name string, size int64) {
	s.b.Helper()
	info, err := os.Stat(filepath.Join(s.home, name))
	must(s.b, err)
	if info.Size() != size {
		s.b.Fatalf("%s has %d bytes, want %d", name, info.Size(), size)
	}
}

// makeFile makes a file whose bytes are really there: reading a hole costs less.
func makeFile(b *testing.B, path string, size int64) {
	b.Helper()
	f, err := os.Create(path)
	must(b, err)
	_, err = io.Copy(f, io.LimitReader(endless{}, size))
	must(b, err)
	must(b, f.Close())
}

// endless has bytes for ever; io.Copy finds no shortcut round it.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	if len(p) > 0 {
		p[0] = 1
	}
	return len(p), nil
}

// memoryDir returns a directory on a file system in memory, if there is one with
// room, because it is not the disk that is measured.
func memoryDir(b *testing.B) string {
	const shm = "/dev/shm"
	var fs syscall.Statfs_t
	if err := syscall.Statfs(shm, &fs); err != nil || fs.Bavail*uint64(fs.Bsize) < 8*bigFile {
		return b.TempDir()
	}
	dir, err := os.MkdirTemp(shm, "sftpgo-bench-*")
	must(b, err)
	b.Cleanup(func() { must(b, os.RemoveAll(dir)) })
	must(b, os.Chmod(dir, 0o755)) // peers serve it as another user
	return dir
}
