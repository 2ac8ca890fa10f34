package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
)

// The protocols that the tests compare, as events name them.
const (
	viaSFTP = "SFTP"
	viaSCP  = "SCP"
	viaFTP  = "FTP"
	viaDAV  = "DAV"
)

// world is where the steps of one protocol happen.
type world struct {
	protocol  string
	server    *realServer
	eventFile string
	mode      int
	open      map[bool]actor // free or not, of the protocol
	standIn   map[bool]actor // SFTP
	want      []hookEvent
}

// account is that of the protocol, with or without limits: the four do not meet.
func (w *world) account(free bool) string {
	if free {
		return "free-" + strings.ToLower(w.protocol)
	}
	return strings.ToLower(w.protocol)
}

func (w *world) path(free bool, name string) string {
	return w.server.data(w.account(free)) + filepath.FromSlash(name)
}

// TestCrossProtocol holds that a hook is told the same of the same operation,
// whatever the protocol, and that the usage is what lies on the disk.
func TestCrossProtocol(t *testing.T) {
	t.Parallel()
	for _, hook := range []string{"program", "http"} {
		for mode := range 3 {
			t.Run(fmt.Sprintf("%s in upload mode %d", hook, mode), func(t *testing.T) {
				t.Parallel()
				crossProtocol(t, hook, mode)
			})
		}
	}
}

func crossProtocol(t *testing.T, hook string, mode int) {
	dir := t.TempDir()
	events := filepath.Join(dir, "events.jsonl")
	s := newRealServer(t,
		fmt.Sprintf("SFTPGO_COMMON__UPLOAD_MODE=%d", mode), "EVENTS="+events,
		"SFTPGO_COMMON__ACTIONS__EXECUTE_ON="+allActions, "SFTPGO_COMMON__ACTIONS__HOOK="+startHook(t, hook, events))
	record := filepath.Join(dir, "limited.json")
	if err := os.WriteFile(record, []byte(limited), 0o600); err != nil {
		t.Fatal(err)
	}
	worlds := make([]*world, 0, 4)
	for _, protocol := range []string{viaSFTP, viaSCP, viaFTP, viaDAV} {
		w := &world{protocol: protocol, server: s, eventFile: events, mode: mode, open: map[bool]actor{}, standIn: map[bool]actor{}}
		worlds = append(worlds, w)
		s.addUser(t, w.account(false), "--from-json", record)
		s.addUser(t, w.account(true))
		if err := os.MkdirAll(w.path(true, ""), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(w.path(true, "/big"), make([]byte, 32*mib), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	for _, w := range worlds {
		w.runAll(t)
	}
	store := s.store(t)
	if !eventually(patience, func() bool {
		backlog, err := store.Outbox().Backlog(t.Context())
		return err == nil && len(backlog) == 0
	}) {
		t.Error("events still wait")
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	for _, w := range worlds {
		w.checkEvents(t)
		w.checkUsage(t, store)
	}
}

// startHook returns the setting for a hook that writes to the file.
func startHook(t *testing.T, kind, events string) string {
	if kind == "http" {
		h := &receiver{addr: "127.0.0.1:0", path: events}
		if err := h.listen(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(h.close)
		return "http://" + h.addr + "/events"
	}
	program, err := exec.LookPath("hookprogram")
	if err != nil {
		t.Fatal(err)
	}
	return program
}

func (w *world) runAll(t *testing.T) {
	defer w.closeAll()
	for _, st := range steps() {
		if err := w.run(st); err != nil {
			t.Fatalf("%s, %s: %v", w.protocol, st.name, err)
		}
	}
}

func (w *world) closeAll() {
	for _, a := range []map[bool]actor{w.open, w.standIn} {
		for _, a := range a {
			a.close()
		}
	}
}

// run does one step and notes what the hook must be told of it.
func (w *world) run(st step) error {
	a, err := w.actor(w.open, w.protocol, st.free)
	if err != nil {
		return err
	}
	err = st.do(a, w)
	protocol := w.protocol
	if slices.Contains(st.without, w.protocol) {
		if !st.refused && !errors.Is(err, errNoVerb) {
			return fmt.Errorf("the protocol has the operation after all: %v", err)
		}
		protocol = viaSFTP
		if a, err = w.actor(w.standIn, viaSFTP, st.free); err == nil {
			err = st.do(a, w)
		}
	}
	var refused *refusedError
	switch {
	case st.refused && !errors.As(err, &refused):
		return fmt.Errorf("not refused: %v", err)
	case !st.refused && err != nil:
		return err
	}
	if st.events != nil {
		for _, e := range st.events(w.mode) {
			w.want = append(w.want, w.absolute(e, st.free, protocol))
		}
	}
	if st.cuts {
		a.close()
		delete(w.open, st.free)
		if !eventually(patience, func() bool { return w.heard() == len(w.want) }) {
			return fmt.Errorf("the hook has heard of %d events, not %d", w.heard(), len(w.want))
		}
	}
	if st.disk != nil {
		return w.checkDisk(st.disk(w.mode))
	}
	return nil
}

// actor returns the client of an account, which logs in at its first step.
func (w *world) actor(among map[bool]actor, protocol string, free bool) (actor, error) {
	if a, ok := among[free]; ok {
		return a, nil
	}
	a, err := dialActor(w.server, protocol, w.account(free))
	if err == nil {
		among[free] = a
	}
	return a, err
}

// dialActor logs in over a protocol.
func dialActor(s *realServer, protocol, user string) (actor, error) {
	switch protocol {
	case viaSFTP:
		return newSFTPActor(s.sftp, user)
	case viaSCP:
		return newSCPActor(s.sftp, user)
	case viaFTP:
		return newFTPActor(s.ftp, user)
	case viaDAV:
		return newDAVActor(s.dav, user), nil
	}
	return nil, net.UnknownNetworkError(protocol)
}

func (w *world) absolute(e hookEvent, free bool, protocol string) hookEvent {
	e.Username, e.Protocol = w.account(free), protocol
	e.Path = w.path(free, e.Path)
	if e.TargetPath != "" {
		e.TargetPath = w.path(free, e.TargetPath)
	}
	return e
}

// events are those of the accounts of this world, in the order in which they
// happened.
func (w *world) events() ([]hookEvent, error) {
	all, err := readTold(w.eventFile)
	var mine []hookEvent
	for _, e := range all {
		if e.Username == w.account(false) || e.Username == w.account(true) {
			mine = append(mine, e.hookEvent)
		}
	}
	return mine, err
}

func (w *world) heard() int {
	got, err := w.events()
	if err != nil {
		return -1
	}
	return len(got)
}

func (w *world) checkEvents(t *testing.T) {
	got, err := w.events()
	if err != nil {
		t.Error(err)
		return
	}
	for i, e := range got {
		if i < len(w.want) && w.want[i].FileSize == someSize && e.FileSize > 0 && e.FileSize < 32*mib {
			got[i].FileSize = someSize
		}
	}
	if diff := cmp.Diff(w.want, got); diff != "" {
		t.Errorf("%s: events (-want +got):\n%s", w.protocol, diff)
	}
}

func (w *world) checkDisk(want map[string]int64) error {
	for name, size := range want {
		info, err := os.Lstat(w.path(false, name))
		switch {
		case err != nil && size != missing:
			return err
		case err == nil && info.Size() != size:
			return fmt.Errorf("%s has %d bytes, not %d", name, info.Size(), size)
		}
	}
	return nil
}

func (w *world) checkUsage(t *testing.T, store dataprovider.Store) {
	used, err := store.Usage().Get(t.Context(), w.account(false))
	if err != nil {
		t.Fatal(err)
	}
	there, staged, err := stored(w.path(false, ""))
	if err != nil {
		t.Fatal(err)
	}
	if used.Amount != there || there.Files == 0 {
		t.Errorf("%s: usage %+v, on the disk %+v", w.protocol, used.Amount, there)
	}
	if len(staged) > 0 {
		t.Errorf("%s: left behind %v", w.protocol, staged)
	}
	if !used.LastUpdate.Before(time.Now()) {
		t.Errorf("%s: last update %v", w.protocol, used.LastUpdate)
	}
}
