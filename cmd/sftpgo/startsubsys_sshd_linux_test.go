package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// startSubsystemSSHD runs OpenSSH's server with the program as its SFTP
// subsystem, and returns the options of clients.
func startSubsystemSSHD(t *testing.T, r *subsystemRig) (options []string) {
	t.Helper()
	sshd, err := lookPath("sshd")
	if err != nil || os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("sshd is missing, or this is not root; run .ci/clients")
		}
		t.Skip("sshd is not installed, or this is not root")
	}
	program, err := exec.LookPath("sftpgo")
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(r.dir, "id_ed25519")
	ports, err := freePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(ports[0])
	// A test directory is writable for all; sshd does not like the keys there.
	config := fmt.Sprintf(`ListenAddress 127.0.0.1
Port %s
HostKey %s/host_ed25519
AuthorizedKeysFile %s.pub
StrictModes no
PermitRootLogin yes
UsePAM no
PidFile none
ExposeAuthInfo yes
Subsystem sftp %s startsubsys %s --log-verbose=false 2>>%s/log
`, port, r.dir, key, program, strings.Join(r.flags, " "), r.dir)
	file := filepath.Join(r.dir, "sshd_config")
	for _, err := range []error{
		os.MkdirAll("/run/sshd", 0o755), // sshd insists on it
		clientKey(key), hostKey(r.dir), os.WriteFile(file, []byte(config), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	daemon := exec.Command(sshd, "-D", "-e", "-f", file)
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = daemon.Process.Kill()
		_ = daemon.Wait()
	})
	for range 500 {
		if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			c.Close()
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return []string{
		"-oBatchMode=yes", "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oLogLevel=ERROR",
		"-oIdentitiesOnly=yes", "-oIdentityFile=" + key, "-oIdentityAgent=none", "-P", port,
	}
}

// TestSubsystemOfOpenSSH drives sftp through sshd.
func TestSubsystemOfOpenSSH(t *testing.T) {
	t.Parallel()
	r := newSubsystemRig(t)
	options := startSubsystemSSHD(t, r)
	local := filepath.Join(r.dir, "local")
	if err := os.WriteFile(local, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sftp", append(options, "-b", "-", "127.0.0.1")...)
	cmd.Stdin = strings.NewReader(fmt.Sprintf(`pwd
put %s a
rename a b
mkdir d
put %s d/c
get b %s.back
ls -1
rm d/c
`, local, local, local))
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("with hooks that answer at once the end took %v", took)
	}
	for _, want := range []string{"Remote working directory: /\n", "\nb\n", "\nd\n"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if got, err := os.ReadFile(local + ".back"); err != nil || string(got) != "hello" {
		t.Errorf("%q, %v", got, err)
	}
	r.wantEvents("upload /a 1 5 SFTP", "rename /a /b 1 0 SFTP", "upload /d/c 1 5 SFTP",
		"download /b 1 5 SFTP", "delete /d/c 1 5 SFTP")
	log, err := os.ReadFile(filepath.Join(r.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	if want := `"sender":"login","ip":"127.0.0.1","username":"` + r.user + `","method":"publickey","protocol":"SSH"`; !strings.Contains(string(log), want) {
		t.Errorf("no %s in\n%s", want, log)
	}
}

// TestSubsystemClientKilled: sftp dies in the middle of an upload.
func TestSubsystemClientKilled(t *testing.T) {
	t.Parallel()
	r := newSubsystemRig(t)
	options := startSubsystemSSHD(t, r)
	big := filepath.Join(r.dir, "big")
	if err := os.WriteFile(big, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(big, 1<<40); err != nil {
		t.Skip("no sparse files here:", err)
	}
	batch := filepath.Join(r.dir, "batch")
	if err := os.WriteFile(batch, []byte("put "+big+" big\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// 10,000 Kbit a second: this takes days.
	cmd := exec.Command("sftp", append(options, "-l", "10000", "-b", batch, "127.0.0.1")...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if info, err := os.Stat(filepath.Join(r.home, "big")); err == nil && info.Size() > 100_000 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	var got []string
	for range 1000 {
		if got = r.events(); len(got) > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if len(got) != 1 || !strings.HasPrefix(got[0], "upload /big 0 ") {
		t.Fatalf("events: %q", got)
	}
}
