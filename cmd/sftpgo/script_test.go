package main

import (
	"crypto/ed25519"
	"database/sql"
	"encoding/pem"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/crypto/ssh"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"sftpgo":      main,
		"hookprogram": hookProgram,
		"dumpprogram": dumpProgram,
	})
}

// TestScripts drives the real program with real clients. Each script has a
// server of its own on private ports of the loopback interface.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setupScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"client":   cmdClient,
			"server":   cmdServer,
			"hook":     cmdHook,
			"events":   cmdEvents,
			"sftp":     cmdSFTP,
			"scp":      cmdSCP,
			"login":    cmdLogin,
			"logged":   cmdLogged,
			"asker":    cmdAsker,
			"mount":    cmdMount,
			"sshfs":    cmdSSHFS,
			"tmpfs":    cmdTmpfs,
			"database": cmdDatabase,
			"bigfile":  cmdBigFile,
			"same":     cmdSame,
		},
	})
}

// rig is what one script has at hand.
type rig struct {
	env      *testscript.Env
	server   *exec.Cmd
	exited   chan error
	events   *receiver
	database *sql.DB   // of "database"
	lock     *sql.Conn // that holds it
}

type rigKey struct{}

func rigOf(ts *testscript.TestScript) *rig { return ts.Value(rigKey{}).(*rig) }

func setupScript(env *testscript.Env) error {
	r := &rig{env: env}
	env.Values[rigKey{}] = r
	env.Defer(r.cleanup)
	ports, err := freePorts(5)
	if err != nil {
		return err
	}
	for i, name := range []string{"SFTP_PORT", "FTP_PORT", "DAV_PORT", "TELEMETRY_PORT", "TUS_PORT"} {
		env.Setenv(name, strconv.Itoa(ports[i]))
	}
	for _, dir := range []string{"conf", "data", "home"} {
		if err := os.MkdirAll(filepath.Join(env.WorkDir, dir), 0o755); err != nil {
			return err
		}
	}
	env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
	env.Setenv("CI", os.Getenv("CI"))
	env.Setenv("EVENTS", filepath.Join(env.WorkDir, "hook.jsonl"))
	env.Setenv("DATA", filepath.Join(env.WorkDir, "data"))
	for key, value := range map[string]string{
		"SFTPGO_CONFIG_DIR":                                              filepath.Join(env.WorkDir, "conf"),
		"SFTPGO_DATA_PROVIDER__USERS_BASE_DIR":                           filepath.Join(env.WorkDir, "data"),
		"SFTPGO_SFTPD__BINDINGS__0__ADDRESS":                             "127.0.0.1",
		"SFTPGO_SFTPD__BINDINGS__0__PORT":                                env.Getenv("SFTP_PORT"),
		"SFTPGO_FTPD__BINDINGS__0__ADDRESS":                              "127.0.0.1",
		"SFTPGO_FTPD__BINDINGS__0__PORT":                                 env.Getenv("FTP_PORT"),
		"SFTPGO_WEBDAVD__BINDINGS__0__ADDRESS":                           "127.0.0.1",
		"SFTPGO_WEBDAVD__BINDINGS__0__PORT":                              env.Getenv("DAV_PORT"),
		"SFTPGO_TELEMETRY__BIND_PORT":                                    env.Getenv("TELEMETRY_PORT"),
		"SFTPGO_FTPD__PASSIVE_PORT_RANGE__START":                         "0",
		"SFTPGO_DATA_PROVIDER__PASSWORD_HASHING__ARGON2_OPTIONS__MEMORY": "1024",
	} {
		env.Setenv(key, value)
	}
	if err := clientKey(filepath.Join(env.WorkDir, "id_ed25519")); err != nil {
		return err
	}
	return hostKey(filepath.Join(env.WorkDir, "conf"))
}

// freePorts returns ports that nobody listens on. They lie below those that the
// system gives to clients (32768 on Linux, 49152 elsewhere), or one of the many that
// run meanwhile might be given one before the server listens.
func freePorts(n int) ([]int, error) {
	const lowest, highest, attempts = 20000, 32700, 1000
	ports := make([]int, 0, n)
	for range attempts {
		if len(ports) == n {
			return ports, nil
		}
		port := lowest + rand.IntN(highest-lowest)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		defer l.Close()
		ports = append(ports, port)
	}
	return nil, fmt.Errorf("no %d free ports between %d and %d", n, lowest, highest)
}

// hostKey keeps the server from making RSA keys for each script.
func hostKey(dir string) error {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "host_ed25519"), pem.EncodeToMemory(block), 0o600)
}

// clientKey makes the key pair of alice.
func clientKey(path string) error {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		return err
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return err
	}
	return os.WriteFile(path+".pub", ssh.MarshalAuthorizedKey(key), 0o644)
}

func (r *rig) cleanup() {
	if r.server != nil {
		_ = r.server.Process.Kill()
		<-r.exited
	}
	if r.events != nil {
		r.events.close()
	}
	for _, dir := range []string{"mnt"} {
		_ = exec.Command("umount", "-l", filepath.Join(r.env.WorkDir, dir)).Run() // mounted or not
	}
}

// cmdClient ends the script when a program that it needs is missing. In CI that
// is a failure.
func cmdClient(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		if _, err := lookPath(name); err == nil {
			continue
		}
		if os.Getenv("CI") == "true" {
			ts.Fatalf("client %s is missing; run .ci/clients", name)
		}
		ts.Logf("skipped: %s is not installed", name)
		rigOf(ts).env.T().Skip(name + " is not installed")
	}
}

func lookPath(name string) (string, error) {
	if p, err := exec.LookPath(name); err == nil {
		return p, nil
	}
	return exec.LookPath(filepath.Join("/usr/sbin", name))
}

// cmdServer starts, stops or kills the server of the script, or has it read its
// files again.
func cmdServer(ts *testscript.TestScript, neg bool, args []string) {
	r := rigOf(ts)
	switch {
	case len(args) > 0 && args[0] == "start":
		r.start(ts, args[1:])
	case len(args) == 1 && args[0] == "stop":
		ts.Check(r.end(syscall.SIGTERM))
	case len(args) == 1 && args[0] == "reload":
		ts.Check(r.server.Process.Signal(syscall.SIGHUP))
	case len(args) == 1 && args[0] == "kill":
		if err := r.end(syscall.SIGKILL); err == nil {
			ts.Fatalf("server survived SIGKILL")
		}
	default:
		ts.Fatalf("usage: server start [flags] | stop | reload | kill")
	}
}

func (r *rig) start(ts *testscript.TestScript, flags []string) {
	program, err := exec.LookPath("sftpgo")
	ts.Check(err)
	log, err := os.OpenFile(ts.MkAbs("server.out"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	defer log.Close()
	r.server = exec.Command(program, append([]string{"serve", "-l", ts.MkAbs("server.log")}, flags...)...)
	r.server.Dir = ts.MkAbs(".")
	// The slice is the script's: appending to it would change the script's environment.
	r.server.Env = append(slices.Clip(r.env.Vars), "SFTPGO_SFTPD__HOST_KEYS="+ts.MkAbs("conf/host_ed25519"))
	for _, key := range overrides() {
		if v := ts.Getenv(key); v != "" {
			r.server.Env = append(r.server.Env, key+"="+v)
		}
	}
	r.server.Stdout, r.server.Stderr = log, log
	ts.Check(r.server.Start())
	r.exited = make(chan error, 1)
	go func() { r.exited <- r.server.Wait() }()
	if err := r.ready(ts.Getenv("TELEMETRY_PORT")); err != nil {
		out, _ := os.ReadFile(ts.MkAbs("server.out"))
		ts.Fatalf("server did not start: %v\n%s", err, out)
	}
}

// overrides are settings that a script may change with "env" before it starts
// the server.
func overrides() []string {
	return []string{
		"SFTPGO_COMMON__UPLOAD_MODE", "SFTPGO_TUS__BINDINGS__0__PORT", "SFTPGO_TUS__BINDINGS__0__ADDRESS", "SFTPGO_TUS__IETF_DRAFTS", "SFTPGO_COMMON__ACTIONS__HOOK", "SFTPGO_COMMON__ACTIONS__EXECUTE_ON", "SFTPGO_COMMON__ACTIONS__EXECUTE_SYNC",
		"SFTPGO_FTPD__CERTIFICATE_FILE", "SFTPGO_FTPD__CERTIFICATE_KEY_FILE", "SFTPGO_FTPD__BINDINGS__0__TLS_MODE",
		"SFTPGO_WEBDAVD__CERTIFICATE_FILE", "SFTPGO_WEBDAVD__CERTIFICATE_KEY_FILE", "SFTPGO_WEBDAVD__BINDINGS__0__ENABLE_HTTPS",
		"SFTPGO_SFTPD__TRUSTED_USER_CA_KEYS", "SFTPGO_SFTPD__REVOKED_USER_CERTS_FILE", "SFTPGO_SFTPD__PASSWORD_AUTHENTICATION",
		"SFTPGO_SFTPD__KEYBOARD_INTERACTIVE_AUTH_HOOK", "SFTPGO_SFTPD__KEYBOARD_INTERACTIVE_AUTHENTICATION",
		"SFTPGO_DATA_PROVIDER__DRIVER", "SFTPGO_DATA_PROVIDER__NAME",
		"SFTPGO_DATA_PROVIDER__TRACK_QUOTA", "SFTPGO_HTTP__RETRY_MAX", "SFTPGO_HTTP__RETRY_WAIT_MIN", "EVENTS",
		"SFTPGO_HOOKS__0__NAME", "SFTPGO_HOOKS__0__TARGET", "SFTPGO_HOOKS__0__FORMAT", "SFTPGO_HOOKS__0__SECRETS",
		"HOOK_EXIT", "HOOK_HANDLES", "SFTPGO_SFTPD__ENABLED_SSH_COMMANDS",
	}
}

// ready waits until the server says that it is.
func (r *rig) ready(port string) error {
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		select {
		case err := <-r.exited:
			r.exited <- err
			return fmt.Errorf("exited: %w", err)
		default:
		}
		resp, err := http.Get("http://127.0.0.1:" + port + "/healthz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	return errors.New("not ready after 20 s")
}

// end sends a signal and waits; the error is how the server exited.
func (r *rig) end(sig syscall.Signal) error {
	if r.server == nil {
		return errors.New("no server is running")
	}
	_ = r.server.Process.Signal(sig) // it may be gone already: Wait tells
	var err error
	select {
	case err = <-r.exited:
	case <-time.After(60 * time.Second):
		_ = r.server.Process.Kill()
		return fmt.Errorf("server did not end within 60 s of %s", sig)
	}
	r.server = nil
	return err
}

// sshOptions make OpenSSH clients ask nothing and remember nothing.
func sshOptions(ts *testscript.TestScript) []string {
	return []string{
		"-oBatchMode=yes", "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oLogLevel=ERROR",
		"-oIdentitiesOnly=yes", "-oIdentityFile=" + ts.MkAbs("id_ed25519"), "-oIdentityAgent=none",
	}
}

// cmdSFTP runs OpenSSH's sftp with a batch file: sftp BATCH [USER]. Output goes
// to the file "stdout", which the script can grep.
func cmdSFTP(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 1 {
		ts.Fatalf("usage: sftp BATCH [USER]")
	}
	user := "alice"
	if len(args) > 1 {
		user = args[1]
	}
	run := append(sshOptions(ts), "-P", ts.Getenv("SFTP_PORT"), "-b", ts.MkAbs(args[0]), user+"@127.0.0.1")
	check(ts, neg, ts.Exec("sftp", run...))
}

// cmdSCP runs OpenSSH's scp; a word that begins with ":" is a path on the server.
func cmdSCP(ts *testscript.TestScript, neg bool, args []string) {
	run := append(sshOptions(ts), "-P", ts.Getenv("SFTP_PORT"))
	for _, a := range args {
		if strings.HasPrefix(a, ":") {
			a = "alice@127.0.0.1" + a
		}
		run = append(run, a)
	}
	check(ts, neg, ts.Exec("scp", run...))
}

func check(ts *testscript.TestScript, neg bool, err error) {
	if neg && err == nil {
		ts.Fatalf("unexpected success")
	}
	if !neg {
		ts.Check(err)
	}
}
