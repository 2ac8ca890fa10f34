package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// sshPair is our server and, where it is installed, OpenSSH's sshd with
// internal-sftp, both with the same files.
type sshPair struct {
	b    *testing.B
	list []sshServer
}

// sshServer is one of the two, as OpenSSH's client sees it.
type sshServer struct {
	name    string // empty for ours
	addr    string
	user    string
	keyFile string
	home    string // on the disk
	prefix  string // of names on the wire
	cost    func() time.Duration
}

func startSSHPair(b *testing.B) *sshPair {
	if _, err := exec.LookPath("sftp"); err != nil {
		b.Skip("OpenSSH's sftp is not installed")
	}
	s := startMeasured(b)
	p := &sshPair{b: b, list: []sshServer{{"", s.sftp, measuredUser, s.keyFile, s.home, "", s.process.cpu}}}
	if peer, key := startSSHD(b); peer != nil {
		p.list = append(p.list, sshServer{"sshd", peer.addr, "root", key, peer.home, peer.home, peer.cost})
	}
	return p
}

// compare lets both servers do the same in turns; see perUnit.
func (p *sshPair) compare(unit string, amount float64, do func(s sshServer)) {
	var list []contender
	for _, s := range p.list {
		list = append(list, contender{s.name, s.cost, func() { do(s) }})
	}
	perUnit(p.b, unit, amount, list...)
}

// client runs OpenSSH's sftp with a list of commands.
func (s sshServer) client(b *testing.B, commands string, flags ...string) {
	host, port, _ := net.SplitHostPort(s.addr)
	args := append([]string{
		"-q", "-b", "-", "-P", port, "-oBatchMode=yes", "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null",
		"-oIdentitiesOnly=yes", "-oIdentityAgent=none", "-oIdentityFile=" + s.keyFile,
	}, flags...)
	cmd := exec.Command("sftp", append(args, s.user+"@"+host)...)
	cmd.Stdin = strings.NewReader(commands)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Errorf("sftp: %v\n%s", err, out)
	}
}

// BenchmarkSFTP moves a big file with OpenSSH's client: with the cipher that the
// two agree upon, and with AES-GCM; in one session and in four.
func BenchmarkSFTP(b *testing.B) {
	for _, way := range []string{"upload", "download"} {
		for _, cipher := range []string{"default", "aes128-gcm"} {
			for _, streams := range []int{1, 4} {
				b.Run(fmt.Sprintf("%s/%s/%d", way, cipher, streams), func(b *testing.B) { moveBig(b, way, cipher, streams) })
			}
		}
	}
}

func moveBig(b *testing.B, way, cipher string, streams int) {
	p := startSSHPair(b)
	var flags []string
	if cipher != "default" {
		flags = []string{"-c", cipher + "@openssh.com"}
	}
	size := int64(bigFile / streams)
	local := filepath.Join(memoryDir(b), "source")
	makeFile(b, local, size)
	for _, s := range p.list {
		makeFile(b, filepath.Join(s.home, "stored"), size)
	}
	p.compare("GiB", bigFile/float64(1<<30), func(s sshServer) {
		var all sync.WaitGroup
		for i := range streams {
			command := fmt.Sprintf("put %s %s/sent%d\n", local, s.prefix, i)
			if way == "download" {
				command = fmt.Sprintf("get %s/stored %s.fetched%d\n", s.prefix, local, i)
			}
			all.Go(func() { s.client(b, command, flags...) })
		}
		all.Wait()
	})
	if way == "upload" {
		for _, s := range p.list {
			info, err := os.Stat(filepath.Join(s.home, "sent0"))
			must(b, err)
			if info.Size() != size {
				b.Fatalf("%s has %d bytes", s.name, info.Size())
			}
		}
	}
}

// BenchmarkSFTPList lists a directory of 100,000 entries.
func BenchmarkSFTPList(b *testing.B) {
	const entries = 100_000
	p := startSSHPair(b)
	for _, s := range p.list {
		manyFiles(b, filepath.Join(s.home, "many"), entries)
	}
	p.compare("entry", entries, func(s sshServer) { s.client(b, fmt.Sprintf("ls -fl %s/many\n", s.prefix)) })
}

// BenchmarkSFTPSmallFiles moves a directory of files of 4 KiB with OpenSSH's
// client, without hooks.
func BenchmarkSFTPSmallFiles(b *testing.B) {
	const files = 1000
	for _, way := range []string{"upload", "download"} {
		b.Run(way, func(b *testing.B) {
			p := startSSHPair(b)
			local := filepath.Join(memoryDir(b), "small")
			smallTree(b, local, files)
			for _, s := range p.list {
				smallTree(b, filepath.Join(s.home, "small"), files)
			}
			p.compare("file", files, func(s sshServer) {
				command := fmt.Sprintf("put -r %s %s/\n", local, s.prefix)
				if way == "download" {
					command = fmt.Sprintf("get -r %s/small %s\n", s.prefix, b.TempDir())
				}
				s.client(b, command)
			})
		})
	}
}

func smallTree(b *testing.B, dir string, files int) {
	must(b, os.Mkdir(dir, 0o755))
	for i := range files {
		must(b, os.WriteFile(filepath.Join(dir, fmt.Sprint("file", i)), make([]byte, smallFile), 0o644))
	}
}

// BenchmarkSSHLogin connects with a key, asks one thing over SFTP and leaves.
func BenchmarkSSHLogin(b *testing.B) {
	const logins = 50
	p := startSSHPair(b)
	p.compare("login", logins, func(s sshServer) {
		text, err := os.ReadFile(s.keyFile)
		must(b, err)
		key, err := ssh.ParsePrivateKey(text)
		must(b, err)
		for range logins {
			conn, err := ssh.Dial("tcp", s.addr, &ssh.ClientConfig{
				User: s.user, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)},
				HostKeyCallback: ssh.InsecureIgnoreHostKey(), // the benchmark's own servers
			})
			must(b, err)
			c, err := sftp.NewClient(conn)
			must(b, err)
			_, err = c.Stat("/")
			must(b, err)
			must(b, conn.Close())
		}
	})
}

// BenchmarkBusySession reports how much memory one session needs at most while
// it moves a big file each way.
func BenchmarkBusySession(b *testing.B) {
	s := startMeasured(b)
	local := sources(b, s.home)
	ours := sshServer{"", s.sftp, measuredUser, s.keyFile, s.home, "", s.process.cpu}
	ours.client(b, "ls /\n")
	for b.Loop() {
		s.memory() // collects
		before := s.process.resetPeak()
		ours.client(b, fmt.Sprintf("put %s /sent\nget /stored %s.fetched\n", local, local))
		b.ReportMetric((s.process.peak()-before)/(1<<20), "peak-MiB")
	}
	b.ReportMetric(0, "ns/op")
}
