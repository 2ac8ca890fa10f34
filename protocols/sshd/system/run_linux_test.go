package system_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
	"sftpgo/protocols/session"
	"sftpgo/protocols/sshd/command"
	"sftpgo/protocols/sshd/shellword"
	"sftpgo/protocols/sshd/system"
	"sftpgo/protocols/sshd/system/confine"
	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

// The test program is the helper, and the remote shell of the clients: it takes
// the place of ssh.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case system.HelperCommand:
			os.Exit(confine.Main())
		case "rsh":
			os.Exit(remoteShell(os.Args[2:]))
		}
	}
	os.Exit(m.Run())
}

// remoteShell sends its command and its input to the socket, and gets output,
// errors and status in frames: kind, length, bytes.
func remoteShell(args []string) int {
	for len(args) > 0 && strings.HasPrefix(args[0], "-") { // what git tells ssh
		args = args[2:]
	}
	c, err := net.Dial("unix", os.Getenv("RSH_SOCKET"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 99
	}
	if err := json.NewEncoder(c).Encode(strings.Join(args[1:], " ")); err != nil {
		return 99
	}
	go func() {
		_, _ = io.Copy(c, os.Stdin)
		_ = c.(*net.UnixConn).CloseWrite()
	}()
	for {
		var head [5]byte
		if _, err := io.ReadFull(c, head[:]); err != nil {
			return 98
		}
		n := binary.BigEndian.Uint32(head[1:])
		switch head[0] {
		case 'o', 'e':
			to := os.Stdout
			if head[0] == 'e' {
				to = os.Stderr
			}
			if _, err := io.CopyN(to, c, int64(n)); err != nil {
				return 98
			}
		default:
			return int(n)
		}
	}
}

type frames struct {
	mu *sync.Mutex
	w  io.Writer
	k  byte
}

func (f frames) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	head := binary.BigEndian.AppendUint32([]byte{f.k}, uint32(len(p)))
	if _, err := f.w.Write(head); err != nil {
		return 0, err
	}
	return f.w.Write(p)
}

type hooks struct{ actions.Nobody }

// Wants is true, but for what tests here are not about.
func (hooks) Wants(k actions.Kind) bool {
	switch k {
	case actions.UploadOpen, actions.MkdirDone, actions.RmdirDone, actions.CopyDone:
		return false
	}
	return true
}

func (hooks) Route(*actions.Event) []string { return []string{"hook"} }

type noMetrics struct{}

func (noMetrics) SessionsChanged(int)                          {}
func (noMetrics) TransferDone(session.Direction, int64, error) {}
func (noMetrics) CommandDone(error)                            {}

// rig is the commands on a home, and a place for the client.
type rig struct {
	t        *testing.T
	home     string
	work     string
	store    dataprovider.Store
	manager  *session.Manager
	commands map[string]command.Command
	user     dataprovider.User
	socket   string
	log      *strings.Builder
	runs     *sync.Cond // of active
	active   int
	running  chan *session.Session // each run that begins
	ended    chan uint32           // each run that has ended
}

func newRig(t *testing.T, change ...func(*dataprovider.User)) *rig {
	t.Helper()
	if err := confine.Check(); err != nil && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	r := &rig{t: t, home: filepath.Join(t.TempDir(), "alice"), work: t.TempDir(), log: &strings.Builder{},
		runs: sync.NewCond(&sync.Mutex{}), commands: map[string]command.Command{}, running: make(chan *session.Session, 100), ended: make(chan uint32, 100)}
	r.user = dataprovider.User{Username: "alice", Status: 1, HomeDir: r.home, Permissions: map[string][]string{"/": {"*"}}}
	for _, c := range change {
		c(&r.user)
	}
	r.store = memstore.New(memstore.Config{})
	_, err := r.store.Users().Put(t.Context(), r.user, 0)
	must(t, err)
	log := slog.New(slog.NewTextHandler(r.log, nil))
	r.manager = session.NewManager(r.store, hooks{}, []vfs.Factory{localfs.NewFactory(log)}, noMetrics{}, log, 1, session.Config{})
	for _, c := range system.New(system.Config{Enabled: []string{"*"}}, log) {
		r.commands[c.Name()] = c
	}
	if strings.Contains(r.log.String(), "cannot be confined") && os.Getenv("CI") != "true" {
		t.Skip(r.log.String())
	}
	r.listen()
	return r
}

func (r *rig) listen() {
	r.socket = filepath.Join(r.t.TempDir(), "s")
	l, err := net.Listen("unix", r.socket)
	if err != nil {
		r.t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.count(1)
			wg.Go(func() {
				defer r.count(-1)
				r.serve(c.(*net.UnixConn))
			})
		}
	})
	r.t.Cleanup(func() { l.Close(); wg.Wait() })
}

func (r *rig) count(n int) {
	r.runs.L.Lock()
	defer r.runs.L.Unlock()
	r.active += n
	r.runs.Broadcast()
}

// idle waits for commands whose clients have gone before.
func (r *rig) idle() {
	r.runs.L.Lock()
	defer r.runs.L.Unlock()
	for r.active > 0 {
		r.runs.Wait()
	}
}

// serve is what the SSH server does with a channel.
func (r *rig) serve(c *net.UnixConn) {
	defer c.Close()
	in := bufio.NewReader(c)
	text, err := in.ReadBytes('\n')
	if err != nil {
		return
	}
	var line string
	if err := json.Unmarshal(text, &line); err != nil {
		r.t.Error(err)
		return
	}
	words, err := shellword.Split(line)
	if err != nil {
		r.t.Error(err)
		return
	}
	s, err := r.manager.Open(context.Background(), r.user, session.Peer{
		Protocol: "SSH", ID: "SSH_1", Remote: netip.MustParseAddr("192.0.2.7"), Disconnect: func() { c.Close() },
	})
	if err != nil {
		r.t.Error(err)
		return
	}
	defer s.Close()
	r.running <- s
	mu := &sync.Mutex{}
	status := r.commands[words[0].Text].Run(s.Context(), s, words[1:], command.Stream{
		Line: line, In: in, Out: frames{mu, c, 'o'}, Err: frames{mu, c, 'e'},
	})
	_, _ = c.Write(binary.BigEndian.AppendUint32([]byte{'s'}, status)) // the client may have gone
	r.ended <- status
}

// client makes a command that runs in the client's directory.
func (r *rig) client(name string, args ...string) *exec.Cmd {
	r.t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			r.t.Fatal(err)
		}
		r.t.Skip(name + " is not installed")
	}
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = r.work
	cmd.Env = append(os.Environ(), "RSH_SOCKET="+r.socket, "RSYNC_RSH="+self+" rsh", "GIT_SSH_COMMAND="+self+" rsh",
		"GIT_SSH_VARIANT=ssh", "HOME="+r.work, "GIT_CONFIG_GLOBAL=/dev/null", "LC_ALL=C.UTF-8",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	return cmd
}

func (r *rig) run(name string, args ...string) string {
	r.t.Helper()
	out, err := r.client(name, args...).CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func (r *rig) fails(name string, args ...string) string {
	r.t.Helper()
	out, err := r.client(name, args...).CombinedOutput()
	if err == nil {
		r.t.Fatalf("%s %q succeeds\n%s", name, args, out)
	}
	return string(out)
}

func (r *rig) write(path, text string) {
	r.t.Helper()
	must(r.t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(r.t, os.WriteFile(path, []byte(text), 0o644))
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// scan counts what was put there behind the server's back.
func (r *rig) scan() {
	r.t.Helper()
	_, err := r.manager.Scan(r.t.Context(), "alice")
	must(r.t, err)
}

// counted compares the usage with what is there.
func (r *rig) counted() {
	r.t.Helper()
	r.idle()
	var want dataprovider.Amount
	must(r.t, filepath.WalkDir(r.home, func(_ string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			want = want.Add(dataprovider.Amount{Files: 1, Bytes: info.Size()})
		}
		return err
	}))
	got, err := r.store.Usage().Get(r.t.Context(), "alice")
	must(r.t, err)
	if got.Amount != want {
		r.t.Errorf("usage %v, there is %v", got.Amount, want)
	}
}

// events takes the events, as "command name status".
func (r *rig) events() (list []string) {
	r.t.Helper()
	r.idle()
	for { // one for each name at a time
		deliveries, err := r.store.Outbox().Claim(r.t.Context(), "hook", 100, time.Minute)
		must(r.t, err)
		if len(deliveries) == 0 {
			return list
		}
		for _, d := range deliveries {
			var e actions.Event
			must(r.t, json.Unmarshal(d.Event, &e), r.store.Outbox().Done(r.t.Context(), d.ID))
			list = append(list, fmt.Sprintf("%s %s %s %d", e.Kind, e.Object.SSHCommand, e.Object.Name, e.Result.Status))
		}
	}
}

// groups returns the process groups that children of this process lead.
func groups(t *testing.T) (list []int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	must(t, err)
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		pid, _, _ := strings.Cut(string(text), " ")
		fields := strings.Fields(string(text)[strings.LastIndex(string(text), ")")+1:])
		if fields[1] == strconv.Itoa(os.Getpid()) && fields[2] == pid {
			n, err := strconv.Atoi(pid)
			must(t, err)
			list = append(list, n)
		}
	}
	return list
}

func gone(t *testing.T, pgids []int) {
	t.Helper()
	if len(pgids) == 0 {
		t.Error("no process group was seen")
	}
	for _, g := range pgids {
		var err error
		// A process that has ended is there until the system's first process reaps it.
		for range 500 {
			if err = syscall.Kill(-g, 0); errors.Is(err, syscall.ESRCH) {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process group %d: %v", g, err)
		}
	}
}
