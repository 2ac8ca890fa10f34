package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// kind says what is wrong with a name.
type kind int

const (
	unparsable kind = iota // no name of the server: "..", NUL, too long, not UTF-8
	absolute               // a path of the host, which is another place in the home
	below                  // below a link that leads outside
	link                   // the link itself: who removes or replaces it acts inside
)

// hostileName is a name that must lead nowhere.
type hostileName struct {
	kind kind
	name string
}

const secretText = "nobody may read this"

// hostileNames are the names for a server whose homes are below root.
func hostileNames(root string) []hostileName {
	list := []hostileName{
		{absolute, "/etc/passwd"},
		{absolute, filepath.Join(root, "canary.txt")},
		{absolute, filepath.Join(root, "outside", "secret.txt")},
		{below, "/abs/secret.txt"},
		{below, "/rel/secret.txt"},
		{below, "/one/secret.txt"},
		{below, "/sub/up/secret.txt"},
		{below, "/rel/deep/secret.txt"},
		{link, "/absfile"},
		{link, "/relfile"},
		{link, "/chainfile"},
		{link, "/fresh"},
		{link, "/abs"},
		{link, "/rel"},
		{link, "/one"},
	}
	for _, name := range []string{
		"../canary.txt", "/../canary.txt", "/../../../../../../../../etc/passwd", "/sub/../../canary.txt",
		"/sub/../../outside/secret.txt", "/rel/../../canary.txt", "/..", "/../alice-too/canary.txt",
		"/nul\x00.txt", "/inside.txt\x00.exe", "/" + strings.Repeat("x", 256), strings.Repeat("/deep", 900),
		"/bad\xff\xfe.txt", "/\xc0\xae\xc0\xae/canary.txt", "/sub/\xed\xa0\x80",
		"/.sftpgo-upload.0123.inside.txt",
	} {
		list = append(list, hostileName{unparsable, name})
	}
	return list
}

// attempt is one verb of a protocol with a name.
type attempt struct {
	verb string
	// do returns nil when the server did it, and what it sent.
	do func(name string) (string, error)
	// harmless tells kinds of names with which the verb may succeed: it acts on the
	// link itself or inside.
	harmless []kind
	// asks is how many requests one attempt takes, if more than one: each that is
	// refused has its line in the log.
	asks int
}

// prober makes attempts over one protocol.
type prober interface {
	attempts() []attempt
	close()
}

// TestHostileNames holds that no name, on no protocol, with no verb, reads or
// changes anything outside the home; that the client gets an error that tells no
// path of the host; and that the log has a line for it.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	for mode := range 2 {
		t.Run(fmt.Sprintf("upload mode %d", mode), func(t *testing.T) {
			t.Parallel()
			s := newRealServer(t, fmt.Sprintf("SFTPGO_COMMON__UPLOAD_MODE=%d", mode))
			s.addUser(t, "alice")
			f := newFence(t, s)
			if err := s.start(); err != nil {
				t.Fatal(err)
			}
			for _, p := range []struct {
				protocol string
				dial     func(*realServer, string) (prober, error)
			}{{viaSFTP, probeSFTP}, {viaSCP, probeSCP}, {viaFTP, probeFTP}, {viaDAV, probeDAV}} {
				f.protocol, f.dial = p.protocol, func() (prober, error) { return p.dial(s, "alice") }
				f.run(t)
			}
		})
	}
}

// fence is what lies around a home, and the home with links that lead out.
type fence struct {
	root, home, log string
	protocol        string
	dial            func() (prober, error)
	prober          prober
}

func newFence(t *testing.T, s *realServer) *fence {
	f := &fence{root: s.data(""), home: s.data("alice"), log: filepath.Join(s.dir, "server.log")}
	outside := filepath.Join(f.root, "outside")
	for name, text := range map[string]string{
		"canary.txt": secretText, "alice-too/canary.txt": secretText, "outside/secret.txt": secretText,
		"outside/deep/secret.txt": secretText, "alice/inside.txt": "inside", "alice/sub/inside.txt": "inside",
	} {
		file := filepath.Join(f.root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{
		"abs": outside, "rel": "../outside", "one": "two", "two": "../outside", "sub/up": "../../outside",
		"absfile": filepath.Join(outside, "secret.txt"), "relfile": "../outside/secret.txt", "chainfile": "relfile",
		"fresh": "../outside/new.txt",
	} {
		if err := os.Symlink(target, filepath.Join(f.home, name)); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func (f *fence) run(t *testing.T) {
	before := f.snapshot(t)
	for _, n := range hostileNames(f.root) {
		p := f.connected(t)
		for i := range p.attempts() {
			f.try(t, n, i, before)
		}
	}
	if f.prober != nil {
		f.prober.close()
		f.prober = nil
	}
}

// connected returns a client; one that was thrown out is replaced.
func (f *fence) connected(t *testing.T) prober {
	if f.prober == nil {
		p, err := f.dial()
		if err != nil {
			t.Fatalf("%s: %v", f.protocol, err)
		}
		f.prober = p
	}
	return f.prober
}

func (f *fence) try(t *testing.T, n hostileName, i int, before map[string]string) {
	a := f.connected(t).attempts()[i]
	what := fmt.Sprintf("%s %s %.60q", f.protocol, a.verb, n.name)
	from := f.logSize(t)
	sent, err := a.do(n.name)
	for _, k := range a.harmless {
		if k == n.kind {
			f.repair(t, before, what)
			return
		}
	}
	if diff := cmp.Diff(before, f.snapshot(t)); diff != "" {
		t.Fatalf("%s has changed something:\n%s", what, diff)
	}
	if strings.Contains(sent, secretText) || strings.Contains(sent, "root:x:") {
		t.Fatalf("%s has read %q", what, sent)
	}
	var refused *refusedError
	switch {
	case err == nil:
		t.Errorf("%s is not refused", what)
	case !errors.As(err, &refused):
		t.Errorf("%s: no answer: %v", what, err)
		f.prober.close()
		f.prober = nil
	case strings.Contains(strings.ReplaceAll(refused.text, n.name, ""), filepath.Dir(f.root)):
		t.Errorf("%s: the answer tells a path of the host: %s", what, refused.text)
	}
	if lines := f.complaints(t, from); err != nil && (len(lines) == 0 || len(lines) > max(a.asks, 1)) {
		t.Errorf("%s: %d lines in the log: %s", what, len(lines), strings.Join(lines, ""))
	}
}

// repair undoes what a verb did to a link, and holds that it did nothing else.
func (f *fence) repair(t *testing.T, before map[string]string, what string) {
	now := f.snapshot(t)
	for name, state := range before {
		if !strings.HasPrefix(name, "alice/") && now[name] != state {
			t.Fatalf("%s has changed %s: %s, was %s", what, name, now[name], state)
		}
		target, isLink := strings.CutPrefix(state, "link ")
		if file := filepath.Join(f.root, name); isLink && now[name] != state {
			_ = os.Remove(file) // if something has taken its place
			if err := os.Symlink(target, file); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name := range now {
		if _, known := before[name]; known {
			continue
		}
		if !strings.HasPrefix(name, "alice/") {
			t.Fatalf("%s has made %s", what, name)
		}
		if err := os.RemoveAll(filepath.Join(f.root, name)); err != nil {
			t.Fatal(err)
		}
	}
	if before["alice/inside.txt"] != f.snapshot(t)["alice/inside.txt"] {
		file := filepath.Join(f.home, "inside.txt")
		if err := os.WriteFile(file, []byte("inside"), 0o644); err != nil {
			t.Fatal(err)
		}
		before["alice/inside.txt"] = f.snapshot(t)["alice/inside.txt"]
	}
}

// snapshot describes all that lies below the root, and one file of the host.
func (f *fence) snapshot(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(f.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(f.root, path)
		if err != nil {
			return err
		}
		found[name], err = stateOf(path, d)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat("/etc/passwd")
	if err == nil {
		found["/etc/passwd"] = info.ModTime().Format(time.RFC3339Nano)
	}
	return found
}

func stateOf(path string, d fs.DirEntry) (string, error) {
	info, err := d.Info()
	switch {
	case err != nil:
		return "", err
	case info.IsDir():
		return info.Mode().String(), nil
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		return "link " + target, err
	}
	content, err := os.ReadFile(path)
	return fmt.Sprintf("%v %v %x", info.Mode(), info.ModTime().UnixNano(), sha256.Sum256(content)), err
}

func (f *fence) logSize(t *testing.T) int64 {
	info, err := os.Stat(f.log)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// complaints are the lines of the log, from an offset on, that tell of an error.
// The record that WebDAV writes of each request, and that SCP writes at the end,
// count only if there is no other.
func (f *fence) complaints(t *testing.T, from int64) []string {
	data, err := os.ReadFile(f.log)
	if err != nil {
		t.Fatal(err)
	}
	var lines, summaries []string
	for line := range strings.Lines(string(data[from:])) {
		switch {
		case !strings.Contains(line, `"error":"`) || strings.Contains(line, `"error":""`):
		case strings.Contains(line, `"sender":"webdavd"`), strings.Contains(line, "copy ended with errors"):
			summaries = append(summaries, line)
		default:
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return summaries
	}
	return lines
}
