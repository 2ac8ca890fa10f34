package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

// hooks wants everything and answers questions as the test says.
type hooks struct {
	mu      sync.Mutex
	verdict actions.Verdict
	err     error
	onAsk   func()
	asks    map[actions.Kind]bool                           // beside DeleteCheck
	answer  func(e *actions.Event) (actions.Verdict, error) // instead of verdict and err; may be nil
	asked   []actions.Event
	all     bool // also what begins, and of directories and copies

	wait func(ctx context.Context) error // answers, without the lock; may be nil
}

func (h *hooks) Ask(ctx context.Context, e *actions.Event) (actions.Verdict, error) {
	if h.wait != nil {
		return actions.Verdict{}, h.wait(ctx)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, *e)
	if h.onAsk != nil {
		h.onAsk()
	}
	if h.answer != nil {
		return h.answer(e)
	}
	return h.verdict, h.err
}

func (h *hooks) Asks(e *actions.Event) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return e.Kind == actions.DeleteCheck || h.asks[e.Kind]
}

func (h *hooks) Header(all map[string][]string) map[string][]string { return all }
func (h *hooks) Route(*actions.Event) []string                      { return []string{"hook"} }
func (h *hooks) Wake()                                              {}

// Wants is true, but for what most tests are not about.
func (h *hooks) Wants(k actions.Kind) bool {
	switch k {
	case actions.UploadOpen, actions.MkdirDone, actions.RmdirDone, actions.CopyDone:
		return h.all
	}
	return true
}

type counters struct {
	mu       sync.Mutex
	sessions int
	done     int
	failed   int

	commands, commandsFailed int
}

func (c *counters) SessionsChanged(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions = n
}

func (c *counters) CommandDone(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.commands++
	if err != nil {
		c.commandsFailed++
	}
}

func (c *counters) TransferDone(_ session.Direction, _ int64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done++
	if err != nil {
		c.failed++
	}
}

// rig is a manager on a real directory and a store in memory.
type rig struct {
	t       testing.TB
	home    string
	store   dataprovider.Store
	hooks   *hooks
	metrics *counters
	manager *session.Manager
	user    dataprovider.User
	plain   bool // storage that can do no more than it must
	broken  bool // and of which every write fails half way
}

func newRig(t *testing.T, cfg session.Config, change ...func(*dataprovider.User)) *rig {
	t.Helper()
	return newRigAt(t, filepath.Join(t.TempDir(), "alice"), cfg, change...)
}

func newRigAt(t testing.TB, home string, cfg session.Config, change ...func(*dataprovider.User)) *rig {
	t.Helper()
	r := &rig{t: t, home: home, hooks: &hooks{}, metrics: &counters{}}
	r.user = dataprovider.User{
		Username: "alice", Status: 1, HomeDir: r.home, Password: "$argon2id$unused",
		Permissions: map[string][]string{"/": {"*"}},
	}
	for _, c := range change {
		c(&r.user)
	}
	r.store = memstore.New(memstore.Config{})
	if _, err := r.store.Users().Put(t.Context(), r.user, 0); err != nil {
		t.Fatal(err)
	}
	r.restart(cfg, r.store)
	return r
}

// restart makes a new manager, as a new process would.
func (r *rig) restart(cfg session.Config, store dataprovider.Store) {
	log := slog.New(slog.DiscardHandler)
	var storage vfs.Factory = localfs.NewFactory(log)
	if r.plain {
		storage = plainFactory{storage, r.broken}
	}
	r.manager = session.NewManager(store, r.hooks, []vfs.Factory{storage}, r.metrics, log, 1, cfg)
}

func (r *rig) open() *session.Session {
	r.t.Helper()
	s, err := r.manager.Open(r.t.Context(), r.user, session.Peer{
		Protocol: "SFTP", ID: "SFTP_1", Remote: netip.MustParseAddr("192.0.2.7"), Method: "password",
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { s.Close() })
	return s
}

func (r *rig) write(name, content string) {
	r.t.Helper()
	p := filepath.Join(r.home, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// content is what lies at name, or "-" for nothing.
func (r *rig) content(name string) string {
	r.t.Helper()
	b, err := os.ReadFile(filepath.Join(r.home, name))
	if errors.Is(err, os.ErrNotExist) {
		return "-"
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b)
}

// events takes what waits for delivery, as "action path [target] status size".
func (r *rig) events() []string {
	r.t.Helper()
	var lines []string
	for {
		list, err := r.store.Outbox().Claim(r.t.Context(), "hook", 100, time.Minute)
		if err != nil {
			r.t.Fatal(err)
		}
		if len(list) == 0 {
			return lines
		}
		for _, d := range list {
			var e actions.Event
			if err := json.Unmarshal(d.Event, &e); err != nil {
				r.t.Fatal(err)
			}
			line := fmt.Sprintf("%s %s", e.Kind, e.Object.Name)
			if e.Object.Target != "" {
				line += " " + e.Object.Target
			}
			lines = append(lines, fmt.Sprintf("%s %d %d", line, e.Result.Status, e.Result.Size))
			if err := r.store.Outbox().Done(r.t.Context(), d.ID); err != nil {
				r.t.Fatal(err)
			}
		}
	}
}

func (r *rig) removeOutside(name string) {
	if err := os.Remove(filepath.Join(r.home, name)); err != nil {
		r.t.Error(err)
	}
}

func (r *rig) usage() dataprovider.Amount {
	r.t.Helper()
	u, err := r.store.Usage().Get(r.t.Context(), "alice")
	if err != nil {
		r.t.Fatal(err)
	}
	return u.Amount
}

func (r *rig) leftovers() []string {
	r.t.Helper()
	found, err := filepath.Glob(filepath.Join(r.home, vfs.StagingPrefix+"*"))
	if err != nil {
		r.t.Fatal(err)
	}
	return found
}

// count makes what lies there the usage, as if it had been uploaded.
func (r *rig) count() {
	r.t.Helper()
	if _, err := r.manager.Scan(r.t.Context(), "alice"); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) symlink(text, name string) {
	r.t.Helper()
	if err := os.Symlink(text, filepath.Join(r.home, name)); err != nil {
		r.t.Fatal(err)
	}
}

// plainFactory hides all that is optional, and publishes at once.
type plainFactory struct {
	vfs.Factory
	broken bool
}

func (f plainFactory) Open(ctx context.Context, cfg []byte) (vfs.FS, error) {
	storage, err := f.Factory.Open(ctx, cfg)
	return plainFS{storage, f.broken}, err
}

type plainFS struct {
	vfs.FS
	broken bool
}

func (f plainFS) Open(ctx context.Context, name string, mode vfs.Mode) (vfs.File, error) {
	if mode.Has(vfs.Atomic) {
		return nil, fmt.Errorf("open: %w", vfs.ErrUnsupported)
	}
	file, err := f.FS.Open(ctx, name, mode)
	return plainFile{file, f.broken}, err
}

type plainFile struct {
	vfs.File
	broken bool
}

func (f plainFile) WriteAt(p []byte, off int64) (int, error) {
	if !f.broken {
		return f.File.WriteAt(p, off)
	}
	n, err := f.File.WriteAt(p[:len(p)/2], off)
	return n, errors.Join(err, vfs.ErrNoSpace)
}

const put = vfs.Write | vfs.Create | vfs.Truncate

// upload sends content and ends the way fail says.
func upload(s *session.Session, name, content string, mode vfs.Mode, fail error) error {
	t, err := s.Upload(s.Context(), name, mode)
	if err != nil {
		return err
	}
	if mode&vfs.Truncate == 0 {
		if _, err := t.Seek(0, io.SeekEnd); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(t, content); err != nil && fail == nil {
		fail = err
	}
	t.TransferError(fail)
	return t.Close()
}
