package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// contractStep is one operation, and how many events it has.
type contractStep struct {
	name    string
	events  int
	without []string // protocols that have no such operation
	refused bool
	varies  bool // the size depends on when a connection was cut
	modal   bool // the outcome depends on the upload mode
	do      func(a actor, w *world) error
}

// only are all protocols but these.
func only(protocols ...string) (others []string) {
	for _, p := range []string{viaSFTP, viaSCP, viaFTP, viaDAV, viaSSH} {
		if !slices.Contains(protocols, p) {
			others = append(others, p)
		}
	}
	return others
}

const viaSSH = "SSH"

// cutOnDisk cuts an upload off when what was sent of it lies on the disk. From a data
// connection of FTP the server takes large pieces, unless there is little.
func cutOnDisk(name string) func(actor, *world) error {
	return func(a actor, w *world) error {
		if w.protocol == viaFTP {
			return cutOffAfter(name, 4000)(a, w)
		}
		return cutOff(name)(a, w)
	}
}

// sshCommand runs an SSH command.
func sshCommand(line string) func(actor, *world) error {
	return func(a actor, _ *world) error { return a.(*programActor).ssh(line) }
}

// contractSteps are the operations and outcomes of the contract. Files in /seed lie
// there before the server starts.
func contractSteps() []contractStep {
	transfers, changes := only(viaSFTP, viaSCP, viaFTP, viaDAV), only(viaSFTP, viaFTP, viaDAV)
	return []contractStep{
		{name: "upload", events: 1, without: transfers, do: put("/a.txt", 1000)},
		{name: "upload over existing", events: 1, without: transfers, do: put("/a.txt", 70)},
		{name: "upload of nothing", events: 1, without: transfers, do: put("/empty", 0)},
		{name: "upload with a name to be escaped", events: 1, without: only(viaSFTP), do: put("/<&> ünïcödé", 5)},
		{name: "upload, resumed", events: 1, without: only(viaSFTP, viaFTP),
			do: func(a actor, _ *world) error { return a.resume("/a.txt", bytesOf(170)) }},
		{name: "upload, aborted", events: 1, without: transfers, modal: true, do: cutOnDisk("/cut")},
		{name: "overwrite, aborted", events: 1, without: transfers, modal: true, do: cutOnDisk("/seed/cut")},
		{name: "upload above the size of a file", events: 1, without: transfers, refused: true, modal: true, do: put("/large", 3*mib+1)},
		{name: "overwrite above the size of a file", events: 1, without: transfers, refused: true, modal: true, do: put("/seed/large", 3*mib+1)},
		{name: "half of the quota", events: 1, without: transfers, modal: true, do: put("/half", 5*mib/2)},
		{name: "upload above the quota", events: 1, without: transfers, refused: true, modal: true, do: put("/much", 5*mib/2)},
		{name: "upload, denied", without: transfers, refused: true, do: put("/sealed/x", 6)},
		{name: "upload of a filtered name, denied", without: transfers, refused: true, do: put("/virus.exe", 9)},
		{name: "overwrite, denied", without: transfers, refused: true, do: put("/ro/kept", 45)},

		{name: "download", events: 1, without: transfers, do: get("/seed/file", 700)},
		{name: "download of nothing", events: 1, without: transfers, do: get("/seed/empty", 0)},
		{name: "download, aborted", events: 1, without: transfers, varies: true,
			do: func(a actor, _ *world) error { return a.cutDownload("/seed/big") }},
		{name: "download, denied", without: transfers, refused: true, do: get("/blind/x", 8)},
		{name: "download of what is not there", without: transfers, refused: true, do: get("/nothing", 0)},

		{name: "rename", events: 1, without: changes, do: rename("/seed/old", "/seed/new")},
		{name: "rename, denied", without: changes, refused: true, do: rename("/ro/kept", "/ro/other")},
		{name: "rename of a directory", events: 1, without: changes, do: rename("/seed/dir", "/seed/moved")},

		{name: "delete", events: 2, without: changes, do: remove("/seed/gone")},
		{name: "delete, handled", events: 1, without: changes, do: func(a actor, w *world) error {
			if err := a.remove("/seed/handled"); err != nil {
				return err
			}
			_, err := os.Stat(w.path(false, "/seed/handled"))
			return err // the server believes the hook, and does nothing
		}},
		{name: "delete, denied", without: changes, refused: true, do: remove("/ro/kept")},
		{name: "delete of what is not there", without: changes, refused: true, do: remove("/nothing")},

		{name: "digest", events: 1, without: only(viaSSH), do: sshCommand("md5sum /seed/file")},
		{name: "no arguments", events: 1, without: only(viaSSH), do: sshCommand("pwd")},
		{name: "copy", events: 1, without: only(viaSSH), do: sshCommand("sftpgo-copy /seed/file /copy")},
		{name: "removal", events: 3, without: only(viaSSH), do: sshCommand("sftpgo-remove /copy")},
		{name: "digest of what is not there", events: 1, without: only(viaSSH), refused: true, do: sshCommand("md5sum /nothing")},
		{name: "no command of the server", without: only(viaSSH), refused: true, do: sshCommand("reboot")},
	}
}

// TestContract holds what a hook is given, of each operation over each protocol with
// each outcome: arguments, variables, requests, byte by byte.
func TestContract(t *testing.T) {
	needPrograms(t, contractClients())
	t.Parallel()
	for _, hook := range []string{"program", "http"} {
		for mode := range 3 {
			name := fmt.Sprintf("%s-mode%d", hook, mode)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				contractOf(t, hook, mode, filepath.Join("testdata", "contract", name))
			})
		}
	}
}

func contractOf(t *testing.T, hook string, mode int, golden string) {
	setting, events := startDump(t, hook)
	s := newRealServer(t, "EVENTS="+events, fmt.Sprintf("SFTPGO_COMMON__UPLOAD_MODE=%d", mode),
		"SFTPGO_SFTPD__ENABLED_SSH_COMMANDS=*",
		"SFTPGO_COMMON__ACTIONS__EXECUTE_ON="+allActions, "SFTPGO_COMMON__ACTIONS__HOOK="+setting)
	dir := t.TempDir()
	key, record := filepath.Join(dir, "id"), filepath.Join(dir, "limited.json")
	if err := errors.Join(clientKey(key), os.WriteFile(record, []byte(limited), 0o600)); err != nil {
		t.Fatal(err)
	}
	worlds := []*world{}
	for _, protocol := range []string{viaSFTP, viaSCP, viaFTP, viaDAV, viaSSH} {
		w := &world{protocol: protocol, server: s, mode: mode}
		s.addUser(t, w.account(false), "--from-json", record, "--public-key", key+".pub")
		if err := w.seed(); err != nil {
			t.Fatal(err)
		}
		worlds = append(worlds, w)
	}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	c := &contract{t: t, events: events, key: key, dir: dir, home: s.data("") + "/"}
	for _, w := range worlds {
		if got := c.run(w); got != "" {
			compareGolden(t, golden, strings.ToLower(w.protocol)+".golden", got)
		}
	}
	if err := s.stop(); err != nil { // delivers what waits
		t.Error(err)
	}
	list, err := dumps(events)
	if err != nil || len(list) != c.heard {
		t.Errorf("%d events at the end, not %d: %v", len(list), c.heard, err)
	}
}

// contract is one run.
type contract struct {
	t      *testing.T
	events string
	key    string
	dir    string
	home   string
	heard  int // events
}

// run does the steps of one protocol and returns what the hook was given.
func (c *contract) run(w *world) string {
	var b strings.Builder
	for _, st := range contractSteps() {
		if slices.Contains(st.without, w.protocol) || w.mode > 0 && !st.modal {
			continue
		}
		told, err := c.step(w, st)
		if err != nil {
			c.t.Fatalf("%s, %s: %v", w.protocol, st.name, err)
		}
		fmt.Fprintf(&b, "== %s\n", st.name)
		for _, d := range told {
			text := d.text(c.home)
			if st.varies {
				text = anySize.ReplaceAllString(text, "${1}SIZE")
			}
			b.WriteString(text)
		}
	}
	return b.String()
}

// anySize finds the size in a program's variable and in a body.
var anySize = regexp.MustCompile(`((?:"file_size":|SFTPGO_ACTION_FILE_SIZE=))[1-9][0-9]*`)

// step does one operation and waits until the hook has heard of it. An event too
// many shows in the next step, or at the end.
func (c *contract) step(w *world, st contractStep) ([]dumped, error) {
	a := &programActor{protocol: w.protocol, user: w.account(false), server: w.server, key: c.key, dir: c.dir}
	if w.protocol != viaSSH {
		raw, err := dialActor(w.server, w.protocol, a.user)
		if err != nil {
			return nil, err
		}
		defer raw.close()
		a.actor = raw
	}
	err := st.do(a, w)
	var refused *refusedError
	switch {
	case st.refused && !errors.As(err, &refused):
		return nil, fmt.Errorf("not refused: %v", err)
	case !st.refused && err != nil:
		return nil, err
	}
	var list []dumped
	want := c.heard + st.events
	if !eventually(patience, func() bool {
		list, err = dumps(c.events)
		return err == nil && len(list) >= want
	}) {
		return nil, fmt.Errorf("the hook has heard %d times, not %d: %v", len(list), want, err)
	}
	told := list[c.heard:]
	c.heard = len(list)
	return told, nil
}

// seed makes the files that steps read, change and remove.
func (w *world) seed() error {
	files := map[string]int{
		"/seed/file": 700, "/seed/empty": 0, "/seed/cut": 10, "/seed/large": 20, "/seed/old": 30, "/seed/gone": 40,
		"/seed/handled": 50, "/seed/dir/x": 1, "/ro/kept": 60, "/blind/x": 8, "/sealed/y": 1,
	}
	for name, size := range files {
		if err := os.MkdirAll(filepath.Dir(w.path(false, name)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(w.path(false, name), bytesOf(size), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(w.path(false, "/seed/big"), make([]byte, 32*mib), 0o644)
}

func compareGolden(t *testing.T, dir, name, got string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if *update {
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(file, []byte(got), 0o644)); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}
