package session_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/vfs"
)

var modelSeed = flag.Uint64("model.seed", 0, "repeat one run of the model test")

// flakyStore refuses outcomes while the test says so.
type flakyStore struct {
	dataprovider.Store
	rnd *rand.Rand
	mu  sync.Mutex
	bad float64 // chance of a failure
}

type flakyOutbox struct {
	dataprovider.Outbox
	f *flakyStore
}

func (f *flakyStore) Outbox() dataprovider.Outbox { return &flakyOutbox{f.Store.Outbox(), f} }

func (f *flakyStore) fails() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.bad > 0 && f.rnd.Float64() < f.bad
}

func (f *flakyStore) set(bad float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bad = bad
}

func (o *flakyOutbox) Begin(ctx context.Context, r []byte) (int64, error) {
	if o.f.fails() {
		return 0, dataprovider.ErrUnavailable
	}
	return o.Outbox.Begin(ctx, r)
}

func (o *flakyOutbox) Settle(ctx context.Context, id int64, s dataprovider.Settlement) (dataprovider.Amount, error) {
	if o.f.fails() {
		return dataprovider.Amount{}, dataprovider.ErrUnavailable
	}
	return o.Outbox.Settle(ctx, id, s)
}

func (o *flakyOutbox) Drop(ctx context.Context, id int64) error {
	if o.f.fails() {
		return dataprovider.ErrUnavailable
	}
	return o.Outbox.Drop(ctx, id)
}

const modelQuota = 2000

// model drives several sessions at random and knows how many events there must be.
type model struct {
	r        *rig
	rnd      *rand.Rand
	cfg      session.Config
	store    *flakyStore
	sessions []*session.Session
	open     []*running
	trace    []string
	parallel bool // others work at the same time

	done, failed, renamed, removed int // events that must come
	maybe                          int // upload.failed of those that a crash ended
}

type running struct {
	t       *session.Transfer
	s       *session.Session
	touched bool // an event will come
	staged  bool
}

func newModel(t *testing.T, mode int, seed uint64) *model {
	m := &model{rnd: rand.New(rand.NewPCG(seed, 1)), cfg: session.Config{UploadMode: mode}}
	m.r = newRig(t, m.cfg, func(u *dataprovider.User) { u.QuotaSize, u.QuotaFiles = modelQuota, 6 })
	m.store = &flakyStore{Store: m.r.store, rnd: rand.New(rand.NewPCG(seed, 2))}
	m.start()
	s := m.sessions[0]
	must(t, s.Mkdir(t.Context(), "/d"), s.Symlink(t.Context(), "a", "/link"), s.Symlink(t.Context(), "d", "/dlink"))
	return m
}

func (m *model) start() {
	m.r.restart(m.cfg, m.store)
	m.sessions = nil
	for range 3 {
		m.sessions = append(m.sessions, m.r.open())
	}
}

func (m *model) name() string {
	return []string{"/a", "/b", "/c", "/d/a", "/d/b", "/e/a", "/link", "/dlink/a"}[m.rnd.IntN(8)]
}

func (m *model) session() *session.Session { return m.sessions[m.rnd.IntN(len(m.sessions))] }

// recorded reports whether an operation happened, whatever the store said.
func recorded(err error) bool {
	return err == nil || strings.Contains(err.Error(), "record outcome")
}

func (m *model) step() {
	s, name := m.session(), m.name()
	op := m.rnd.IntN(31)
	var err error
	switch {
	case op < 6:
		err = m.begin(s, name)
	case op < 11 && len(m.open) > 0:
		tr := m.open[m.rnd.IntN(len(m.open))]
		name = tr.t.Name()
		if _, err = tr.t.WriteAt(make([]byte, m.rnd.IntN(300)), m.rnd.Int64N(300)); err == nil {
			tr.touched = true
		}
	case op < 12 && len(m.open) > 0:
		tr := m.open[m.rnd.IntN(len(m.open))]
		name = tr.t.Name()
		if err = tr.t.SetAttrs(context.Background(), vfs.Attrs{Size: ptr(m.rnd.Int64N(400))}); err == nil {
			tr.touched = true
		}
	case op < 16 && len(m.open) > 0:
		i := m.rnd.IntN(len(m.open))
		tr := m.open[i]
		name = tr.t.Name()
		if m.rnd.IntN(4) == 0 {
			tr.t.TransferError(errCut)
		}
		m.open = append(m.open[:i], m.open[i+1:]...)
		err = m.close(tr)
	case op < 18:
		if err = s.Remove(s.Context(), name); recorded(err) {
			m.removed++
		}
	case op < 20:
		to := m.name()
		same := m.sameFile(name, to)
		if err = s.Rename(s.Context(), name, to); recorded(err) && !same {
			m.renamed++
		}
		name += " " + to
	case op < 21:
		from, to := "/d", "/e"
		if m.rnd.IntN(2) == 0 {
			from, to = to, from
		}
		if err = s.Rename(s.Context(), from, to); recorded(err) {
			m.renamed++
		}
		name = from + " " + to
	case op < 22 && !m.uploads(s, name): // that would be a change of the upload
		err = s.SetAttrs(s.Context(), name, vfs.Attrs{Size: ptr(m.rnd.Int64N(400))})
	case op < 25:
		to := m.name()
		err = s.Link(s.Context(), name, to)
		name += " " + to
	case op < 27:
		to := m.name()
		if m.rnd.IntN(4) == 0 {
			name, to = "/d", "/e"
		}
		err = s.CopyTree(s.Context(), name, to)
		name += " " + to
	case op < 28:
		err = m.digest(s, name)
	case op < 29 && len(m.open) > 0:
		from, to := m.open[m.rnd.IntN(len(m.open))], m.open[m.rnd.IntN(len(m.open))]
		name = from.t.Name() + " " + to.t.Name()
		var n int64
		n, err = from.t.CopyRange(s.Context(), to.t, m.rnd.Int64N(200), m.rnd.Int64N(200), m.rnd.Int64N(200))
		to.touched = to.touched || n > 0
	case op < 30:
		i := m.rnd.IntN(len(m.sessions))
		m.kill(i)
	default:
		m.store.set([]float64{0, 0, 0.3}[m.rnd.IntN(3)])
	}
	m.trace = append(m.trace, fmt.Sprintf("%d %s %v", op, name, err))
}

// sameEntry reports whether two names are one entry, which is no rename.
func sameEntry(a, b string) bool {
	real := func(n string) string { return strings.Replace(n, "/dlink/", "/d/", 1) }
	return real(a) == real(b)
}

// sameFile is the same for two names of one file.
func (m *model) sameFile(a, b string) bool {
	if sameEntry(a, b) {
		return true
	}
	x, errX := os.Lstat(filepath.Join(m.r.home, a))
	y, errY := os.Lstat(filepath.Join(m.r.home, b))
	return errX == nil && errY == nil && os.SameFile(x, y) && x.Mode().IsRegular()
}

// digest compares with what lies there.
func (m *model) digest(s *session.Session, name string) error {
	var got bytes.Buffer
	err := s.Digest(s.Context(), name, &got)
	if want, rerr := os.ReadFile(filepath.Join(m.r.home, name)); !m.parallel && ((err == nil) != (rerr == nil) || !bytes.Equal(got.Bytes(), want)) {
		m.r.t.Errorf("digest of %s: %d bytes, %v; there are %d, %v", name, got.Len(), err, len(want), rerr)
	}
	return err
}

func (m *model) uploads(s *session.Session, name string) bool {
	return slices.ContainsFunc(m.open, func(tr *running) bool { return tr.s == s && tr.t.Name() == name })
}

func (m *model) begin(s *session.Session, name string) error {
	mode := []vfs.Mode{put, put, inPlace, vfs.Read | vfs.Write}[m.rnd.IntN(4)]
	_, lerr := os.Stat(filepath.Join(m.r.home, name))
	t, err := s.Upload(s.Context(), name, mode)
	if err == nil {
		isNew := errors.Is(lerr, fs.ErrNotExist)
		cut := mode.Has(vfs.Truncate) || isNew
		m.open = append(m.open, &running{t: t, s: s, touched: cut, staged: cut && m.cfg.UploadMode > 0})
	}
	return err
}

func (m *model) close(tr *running) error {
	err := tr.t.Close()
	switch {
	case recorded(err) && tr.touched:
		m.done++
	case recorded(err):
	default:
		m.failed++
	}
	return err
}

// kill ends a session with its transfers.
func (m *model) kill(i int) {
	s := m.sessions[i]
	_ = s.Close()
	var rest []*running
	for _, tr := range m.open {
		if tr.s != s {
			rest = append(rest, tr)
			continue
		}
		m.failed++
	}
	m.open = rest
	m.sessions[i] = m.r.open()
}

// quiet ends everything and compares.
func (m *model) quiet(t *testing.T) {
	t.Helper()
	for _, tr := range m.open {
		_ = m.close(tr)
	}
	m.open = nil
	m.store.set(0)
	for _, s := range m.sessions {
		_ = s.Close()
	}
	m.r.manager.Shutdown(t.Context())
	m.compare(t)
	m.start()
}

// crash forgets everything, as a killed process does.
func (m *model) crash(t *testing.T) {
	t.Helper()
	for _, tr := range m.open {
		if !tr.staged {
			m.maybe++
		}
	}
	m.open = nil
	m.store.set(0)
	m.r.manager.Retry(t.Context()) // what waited in memory is another matter
	m.r.restart(m.cfg, m.store)
	if _, err := m.r.manager.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.compare(t)
	m.start()
}

func (m *model) compare(t *testing.T) {
	t.Helper()
	m.r.exact(modelQuota + 400) // a truncation of what is being written is reserved by its writers
	count := map[string]int{}
	events := m.r.events()
	for _, e := range events {
		count[strings.Fields(e)[0]]++
	}
	failed := count["upload.failed"] + count["upload.part"]
	if count["upload.done"] != m.done || count["rename.done"] != m.renamed || count["delete.done"] != m.removed ||
		failed < m.failed || failed > m.failed+m.maybe {
		t.Errorf("%q\nevents %v, want %d done, %d to %d failed, %d renamed, %d removed",
			events, count, m.done, m.failed, m.failed+m.maybe, m.renamed, m.removed)
	}
	m.done, m.failed, m.maybe, m.renamed, m.removed = 0, 0, 0, 0, 0
}

// TestModel checks, after random operations of several sessions, that usage is what
// lies on the disk and that each operation was told once.
func TestModel(t *testing.T) {
	runs := 150
	if testing.Short() {
		runs = 20
	}
	for i := range runs {
		seed := rand.Uint64()
		if *modelSeed != 0 {
			seed = *modelSeed
		}
		ok := t.Run(fmt.Sprintf("mode %d seed %d", i%3, seed), func(t *testing.T) {
			m := newModel(t, i%3, seed)
			defer func() {
				if t.Failed() {
					t.Log(strings.Join(m.trace, "\n"))
				}
			}()
			for range 4 {
				for range 40 {
					m.step()
				}
				if m.rnd.IntN(2) == 0 {
					m.crash(t)
				} else {
					m.quiet(t)
				}
				m.trace = append(m.trace, "compared")
				if t.Failed() {
					return
				}
			}
		})
		if !ok {
			return
		}
	}
}

// TestModelInParallel lets clients work at the same time.
func TestModelInParallel(t *testing.T) {
	for mode := range 3 {
		t.Run(fmt.Sprint("mode ", mode), func(t *testing.T) {
			r := newRig(t, session.Config{UploadMode: mode}, func(u *dataprovider.User) { u.QuotaSize, u.QuotaFiles = modelQuota, 6 })
			s := r.open()
			must(t, s.Mkdir(t.Context(), "/d"), s.Symlink(t.Context(), "a", "/link"), s.Symlink(t.Context(), "d", "/dlink"))
			var wg sync.WaitGroup
			for i := range 8 {
				m := &model{r: r, parallel: true, rnd: rand.New(rand.NewPCG(uint64(i), rand.Uint64())), cfg: session.Config{UploadMode: mode},
					store: &flakyStore{Store: r.store}, sessions: []*session.Session{r.open()}}
				wg.Go(func() {
					for range 150 {
						m.step()
						m.store.set(0)
					}
					for _, tr := range m.open {
						_ = m.close(tr)
					}
				})
			}
			wg.Wait()
			r.exact(modelQuota)
			if left, _ := filepath.Glob(filepath.Join(r.home, "*", vfs.StagingPrefix+"*")); len(left)+len(r.leftovers()) > 0 {
				t.Errorf("left behind: %v %v", left, r.leftovers())
			}
		})
	}
}
