package sftp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	client "github.com/pkg/sftp"
)

// model is what a client believes of a directory: names and contents.
type model struct {
	t     *testing.T
	c     *client.Client
	rng   *rand.Rand
	files map[string][]byte
	open  map[string]*client.File
	log   []string
}

// TestModel lets pkg/sftp's client do random things, several files open at a time,
// and compares everything with a map.
func TestModel(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := newRig(t, func(s *setup) { s.session.UploadMode = int(seed % 3) })
			m := &model{t: t, rng: rand.New(rand.NewPCG(seed, 1)), files: map[string][]byte{}, open: map[string]*client.File{}}
			m.c = r.client(client.UseConcurrentWrites(seed%2 == 0), client.MaxPacketUnchecked(1<<(10+seed%8)))
			for range 250 {
				m.step()
				if t.Failed() {
					t.Fatalf("after:\n%s", strings.Join(m.log, "\n"))
				}
			}
			for name := range m.open {
				m.close(name)
			}
			m.list()
			for name := range m.files {
				m.read(name)
			}
		})
	}
}

func (m *model) name() string { return fmt.Sprintf("/f%d", m.rng.IntN(8)) }

func (m *model) data() []byte {
	b := make([]byte, m.rng.IntN(1<<m.rng.IntN(20)))
	for i := range b {
		b[i] = byte(m.rng.Uint32())
	}
	return b
}

// expect compares what came of an operation with whether it should have worked.
func (m *model) expect(ok bool, err error, format string, args ...any) bool {
	m.log = append(m.log, fmt.Sprintf(format, args...)+fmt.Sprint(": ", err))
	if (err == nil) != ok {
		m.t.Errorf("%s: %v, want ok = %v", fmt.Sprintf(format, args...), err, ok)
	}
	return err == nil
}

func (m *model) step() {
	name := m.name()
	_, exists := m.files[name]
	f := m.open[name]
	switch m.rng.IntN(9) {
	case 0, 1:
		if f == nil {
			m.create(name)
		}
	case 2, 3:
		if f != nil {
			m.write(name, f)
		}
	case 4:
		if f != nil {
			m.close(name)
		}
	case 5:
		if f == nil && exists {
			m.read(name)
		}
	case 6:
		if f == nil && m.expect(exists, m.c.Remove(name), "remove %s", name) {
			delete(m.files, name)
		}
	case 7:
		m.rename(name)
	case 8:
		m.list()
	}
}

// create opens a file for writing and reading.
func (m *model) create(name string) {
	old, exists := m.files[name]
	flags := os.O_RDWR | os.O_CREATE
	switch m.rng.IntN(3) {
	case 0:
		flags |= os.O_TRUNC
		old = nil
	case 1:
		flags |= os.O_EXCL
	}
	f, err := m.c.OpenFile(name, flags)
	if m.expect(!exists || flags&os.O_EXCL == 0, err, "open %s %#x", name, flags) {
		m.open[name], m.files[name] = f, old
	}
}

func (m *model) write(name string, f *client.File) {
	data, content := m.data(), m.files[name]
	off := m.rng.IntN(len(content) + 100)
	_, err := f.WriteAt(data, int64(off))
	m.expect(true, err, "write %d at %d of %s", len(data), off, name)
	if len(data) > 0 && off+len(data) > len(content) {
		content = append(content, make([]byte, off+len(data)-len(content))...)
	}
	copy(content[min(off, len(content)):], data)
	if m.rng.IntN(4) == 0 {
		size := m.rng.IntN(len(content) + 10)
		m.expect(true, f.Truncate(int64(size)), "truncate %s to %d", name, size)
		content = append(content, make([]byte, 10)...)[:size]
		clear(content[min(size, len(m.files[name])+len(data)+off):])
	}
	m.files[name] = content
	got := make([]byte, len(content)+1)
	n, err := f.ReadAt(got, 0)
	if err != io.EOF || !bytes.Equal(got[:n], content) {
		m.t.Errorf("%s through the handle: %d bytes, %v; want %d", name, n, err, len(content))
	}
	if info, err := m.c.Stat(name); err != nil || info.Size() != int64(len(content)) {
		m.t.Errorf("stat of open %s: %v, %v; want %d bytes", name, info, err, len(content))
	}
}

func (m *model) close(name string) {
	m.expect(true, m.open[name].Close(), "close %s", name)
	delete(m.open, name)
}

func (m *model) read(name string) {
	f, err := m.c.Open(name)
	if !m.expect(true, err, "open %s", name) {
		return
	}
	var got bytes.Buffer
	_, err = f.WriteTo(&got)
	m.expect(true, errors.Join(err, f.Close()), "read %s", name)
	if !bytes.Equal(got.Bytes(), m.files[name]) {
		m.t.Errorf("%s: %d bytes, want %d, or others", name, got.Len(), len(m.files[name]))
	}
}

func (m *model) rename(from string) {
	to := m.name()
	content, there := m.files[from]
	_, taken := m.files[to]
	if m.open[from] != nil || m.open[to] != nil || from == to {
		return
	}
	var ok bool
	if m.rng.IntN(2) == 0 {
		ok = m.expect(there && !taken, m.c.Rename(from, to), "rename %s %s", from, to)
	} else {
		ok = m.expect(there, m.c.PosixRename(from, to), "posix-rename %s %s", from, to)
	}
	if ok {
		delete(m.files, from)
		m.files[to] = content
	}
}

// list compares the names; uploads that are staged have none yet.
func (m *model) list() {
	infos, err := m.c.ReadDir("/")
	m.expect(true, err, "list")
	var got, want []string
	for _, info := range infos {
		if m.open["/"+info.Name()] == nil {
			got = append(got, "/"+info.Name())
		}
	}
	for name := range maps.Keys(m.files) {
		if m.open[name] == nil {
			want = append(want, name)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		m.t.Errorf("listing %q, want %q", got, want)
	}
}
