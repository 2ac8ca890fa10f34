package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/sqlstore"
	"sftpgo/vfs"
)

// realServer is the real program, over a directory and ports of its own that
// outlive it.
type realServer struct {
	dir                       string // conf/, data/, server.log
	sftp, ftp, dav, telemetry string // addresses
	env                       []string
	cmd                       *exec.Cmd
	exited                    chan error
}

// secretOfAll is the password of every account in the tests with processes.
const secretOfAll = "secret"

// newRealServer prepares a server; settings are KEY=value of its environment.
func newRealServer(t testing.TB, settings ...string) *realServer {
	t.Helper()
	p := &realServer{dir: t.TempDir()}
	if err := p.prepare(settings); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill) // stopped already, if all went well
	return p
}

func (p *realServer) prepare(settings []string) error {
	for _, dir := range []string{"conf", "data"} {
		if err := os.MkdirAll(filepath.Join(p.dir, dir), 0o755); err != nil {
			return err
		}
	}
	if err := hostKey(filepath.Join(p.dir, "conf")); err != nil {
		return err
	}
	ports, err := quietPorts(4)
	if err != nil {
		return err
	}
	for i, addr := range []*string{&p.sftp, &p.ftp, &p.dav, &p.telemetry} {
		*addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[i]))
	}
	p.env = append(os.Environ(),
		"HOME="+p.dir,
		"SFTPGO_CONFIG_DIR="+filepath.Join(p.dir, "conf"),
		"SFTPGO_LOG_FILE_PATH="+filepath.Join(p.dir, "server.log"),
		"SFTPGO_DATA_PROVIDER__USERS_BASE_DIR="+p.data(""),
		"SFTPGO_DATA_PROVIDER__PASSWORD_HASHING__ARGON2_OPTIONS__MEMORY=1024",
		"SFTPGO_DATA_PROVIDER__TRACK_QUOTA=1",
		"SFTPGO_SFTPD__BINDINGS__0__ADDRESS=127.0.0.1",
		"SFTPGO_SFTPD__BINDINGS__0__PORT="+strconv.Itoa(ports[0]),
		"SFTPGO_SFTPD__HOST_KEYS=host_ed25519",
		"SFTPGO_FTPD__BINDINGS__0__ADDRESS=127.0.0.1",
		"SFTPGO_FTPD__BINDINGS__0__PORT="+strconv.Itoa(ports[1]),
		"SFTPGO_FTPD__PASSIVE_PORT_RANGE__START=0",
		"SFTPGO_WEBDAVD__BINDINGS__0__ADDRESS=127.0.0.1",
		"SFTPGO_WEBDAVD__BINDINGS__0__PORT="+strconv.Itoa(ports[2]),
		"SFTPGO_TELEMETRY__BIND_PORT="+strconv.Itoa(ports[3]),
	)
	p.env = append(p.env, settings...)
	return nil
}

// quietPorts returns ports that nobody listens on and that the system does not
// give to clients: a server that is started again finds them free.
func quietPorts(n int) ([]int, error) {
	var ports []int
	for range 1000 {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(10000+rand.N(20000))))
		if err != nil {
			continue
		}
		defer l.Close()
		if ports = append(ports, l.Addr().(*net.TCPAddr).Port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, errors.New("no free ports")
}

// data is a path below the directory that holds the homes.
func (p *realServer) data(name string) string { return filepath.Join(p.dir, "data", name) }

// run runs a command of the program, with input for it.
func (p *realServer) run(input string, args ...string) error {
	cmd := p.command(args...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("sftpgo %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// output runs a command of the program and returns what it prints.
func (p *realServer) output(args ...string) (string, error) {
	out, err := p.command(args...).CombinedOutput()
	return string(out), err
}

func (p *realServer) command(args ...string) *exec.Cmd {
	cmd := exec.Command("sftpgo", args...)
	cmd.Env, cmd.Dir = p.env, p.dir
	return cmd
}

// addUser adds an account; flags are those of "user add".
func (p *realServer) addUser(t testing.TB, name string, flags ...string) {
	t.Helper()
	args := append([]string{"user", "add", name, "--password-stdin"}, flags...)
	if err := p.run(secretOfAll+"\n", args...); err != nil {
		t.Fatal(err)
	}
}

// launch starts the server and does not wait until it is ready.
func (p *realServer) launch() error {
	out, err := os.OpenFile(filepath.Join(p.dir, "server.out"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	p.cmd = exec.Command("sftpgo", "serve")
	p.cmd.Env, p.cmd.Dir = p.env, p.dir
	p.cmd.Stdout, p.cmd.Stderr = out, out
	if err := p.cmd.Start(); err != nil {
		p.cmd = nil
		return err
	}
	cmd, exited := p.cmd, make(chan error, 1)
	p.exited = exited
	go func() { exited <- cmd.Wait() }()
	return nil
}

// start is launch and the wait until the server says that it is healthy. By then
// it has settled what an earlier process left.
func (p *realServer) start() error {
	if err := p.launch(); err != nil {
		return err
	}
	client := http.Client{Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		select {
		case err := <-p.exited:
			p.cmd = nil
			out, _ := os.ReadFile(filepath.Join(p.dir, "server.out"))
			return fmt.Errorf("the server ended: %w\n%s", err, out)
		default:
		}
		resp, err := client.Get("http://" + p.telemetry + "/healthz")
		if err != nil {
			continue
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return nil
		}
	}
	return errors.New("the server is not ready after 30 s")
}

// stop ends the server gracefully.
func (p *realServer) stop() error { return p.end(syscall.SIGTERM) }

// kill ends it at once.
func (p *realServer) kill() { _ = p.end(syscall.SIGKILL) } // "signal: killed", or it does not run

func (p *realServer) end(sig syscall.Signal) error {
	if p.cmd == nil {
		return errors.New("the server does not run")
	}
	_ = p.cmd.Process.Signal(sig) // it may be gone: Wait tells
	cmd := p.cmd
	p.cmd = nil
	select {
	case err := <-p.exited:
		return err
	case <-time.After(60 * time.Second):
		_ = cmd.Process.Kill()
		return fmt.Errorf("the server did not end within 60 s of %s", sig)
	}
}

// store opens the data store beside the server.
func (p *realServer) store(t testing.TB) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: filepath.Join(p.dir, "conf", "sftpgo.db"), UpdateMode: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// stored is what a walk of the disk finds below a home: regular files, and the
// names of staged uploads.
func stored(home string) (sum dataprovider.Amount, staged []string, err error) {
	err = filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // swept meanwhile
			return nil
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if strings.HasPrefix(d.Name(), vfs.StagingPrefix) {
			staged = append(staged, path)
			return nil
		}
		sum = sum.Add(dataprovider.Amount{Files: 1, Bytes: info.Size()})
		return nil
	})
	return sum, staged, err
}

// eventually waits up to a time for a condition.
func eventually(limit time.Duration, ok func() bool) bool {
	for deadline := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		if ok() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}
