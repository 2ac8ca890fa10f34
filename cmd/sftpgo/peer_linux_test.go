package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// peer is another server, at hand for comparison in the same run.
type peer struct {
	process process
	addr    string
	home    string // where paths of its clients begin
}

// cost is what the peer and the processes that it made for its clients have used.
// It waits until those have ended.
func (p *peer) cost() time.Duration {
	p.process.awaitChildren()
	return p.process.cpu() + p.process.children()
}

// startSSHD runs OpenSSH's server with its defaults, but a host key and the
// client key of its own. It returns nil when there is none here, or the benchmark
// may not run it.
func startSSHD(b *testing.B) (p *peer, keyFile string) {
	program, err := lookPath("sshd")
	if err != nil || os.Geteuid() != 0 {
		b.Log("no peer: sshd is not installed, or this is not root")
		return nil, ""
	}
	must(b, os.MkdirAll("/run/sshd", 0o755)) // sshd insists on it
	dir := b.TempDir()
	p = newPeer(b)
	keyFile = filepath.Join(dir, "id_ed25519")
	must(b, clientKey(keyFile))
	must(b, hostKey(dir))
	config := filepath.Join(dir, "sshd_config")
	host, port, _ := net.SplitHostPort(p.addr)
	must(b, os.WriteFile(config, fmt.Appendf(nil, `ListenAddress %s
Port %s
HostKey %s
AuthorizedKeysFile %s.pub
StrictModes no
PermitRootLogin yes
UsePAM no
PidFile none
MaxStartups 100
Subsystem sftp internal-sftp
`, host, port, filepath.Join(dir, "host_ed25519"), keyFile), 0o600))
	// sshd wants to be called by an absolute path; -e: messages go to us.
	p.process = runProcess(b, exec.Command(program, "-D", "-e", "-f", config), syscall.SIGKILL)
	p.await()
	return p, keyFile
}

// startVSFTPD runs vsftpd for anonymous clients, who may write below "in". It
// returns nil when there is none here, or the benchmark may not run it.
func startVSFTPD(b *testing.B) *peer {
	program, err := lookPath("vsftpd")
	if err != nil || os.Geteuid() != 0 {
		b.Log("no peer: vsftpd is not installed, or this is not root")
		return nil
	}
	ftp, err := user.Lookup("ftp") // the package makes it
	must(b, err)
	dir := b.TempDir()
	must(b, os.Mkdir(filepath.Join(dir, "empty"), 0o755))
	p := newPeer(b)
	uid, err := strconv.Atoi(ftp.Uid)
	must(b, err)
	must(b, os.Mkdir(filepath.Join(p.home, "in"), 0o755))
	must(b, os.Chown(filepath.Join(p.home, "in"), uid, 0))
	must(b, certificate(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")))
	host, port, _ := net.SplitHostPort(p.addr)
	config := filepath.Join(dir, "vsftpd.conf")
	must(b, os.WriteFile(config, []byte(strings.Join([]string{
		"listen=YES", "background=NO", "listen_address=" + host, "listen_port=" + port,
		"anonymous_enable=YES", "write_enable=YES", "anon_upload_enable=YES",
		"anon_other_write_enable=YES", "anon_world_readable_only=NO", "ftp_username=ftp", "nopriv_user=nobody",
		"anon_root=" + p.home, "secure_chroot_dir=" + filepath.Join(dir, "empty"), "seccomp_sandbox=NO",
		"ssl_enable=YES", "allow_anon_ssl=YES", "require_ssl_reuse=NO",
		"rsa_cert_file=" + filepath.Join(dir, "cert.pem"), "rsa_private_key_file=" + filepath.Join(dir, "key.pem"),
	}, "\n")+"\n"), 0o600))
	p.process = runProcess(b, exec.Command(program, config), syscall.SIGKILL)
	p.await()
	return p
}

func newPeer(b *testing.B) *peer {
	ports, err := freePorts(1)
	must(b, err)
	return &peer{addr: fmt.Sprintf("127.0.0.1:%d", ports[0]), home: memoryDir(b)}
}

// await returns when the peer takes connections.
func (p *peer) await() {
	for range 500 {
		c, err := net.Dial("tcp", p.addr)
		if err == nil {
			c.Close()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	p.process.b.Fatalf("peer takes no connections: %s", p.process.output)
}
