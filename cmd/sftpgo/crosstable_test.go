package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// step is one operation of the table.
type step struct {
	name    string
	without []string // protocols that have no such operation, or no refusal of it: there an SFTP client does it
	free    bool     // as the account without limits
	refused bool
	cuts    bool // the connection is gone afterwards
	do      func(a actor, w *world) error
	events  func(mode int) []hookEvent // paths relative to the home; nil: none
	disk    func(mode int) map[string]int64
}

// someSize stands for a size that depends on when a connection was cut.
const someSize = -1

// bytesOf is content that shows where a piece went astray.
func bytesOf(n int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%d ", i)
	}
	return b.Bytes()[:n]
}

const (
	kib = 1 << 10
	mib = 1 << 20
	// part and whole are the sizes of an upload that is cut off.
	part, whole = 256 * kib, 600 * kib
	missing     = -1
)

// limited is the record of the account with rules.
const limited = `{"status": 1, "quota_size": 4194304, "filesystem": {"provider": 0},
	"permissions": {"/": ["*"], "/ro": ["list", "download", "upload"], "/sealed": ["list"], "/blind": ["list", "upload"]},
	"filters": {"max_upload_file_size": 3145728, "file_patterns": [{"path": "/", "denied_patterns": ["*.exe"]}]}}`

func put(name string, n int) func(actor, *world) error {
	return func(a actor, _ *world) error { return a.put(name, bytesOf(n)) }
}

func get(name string, n int) func(actor, *world) error {
	return func(a actor, _ *world) error {
		got, err := a.get(name)
		if err == nil && !bytes.Equal(got, bytesOf(n)) {
			err = fmt.Errorf("got %d bytes, not the content of %d", len(got), n)
		}
		return err
	}
}

func mkdir(name string) func(actor, *world) error {
	return func(a actor, _ *world) error { return a.mkdir(name) }
}

func rmdir(name string) func(actor, *world) error {
	return func(a actor, _ *world) error { return a.rmdir(name) }
}

func remove(name string) func(actor, *world) error {
	return func(a actor, _ *world) error { return a.remove(name) }
}

func rename(oldname, newname string) func(actor, *world) error {
	return func(a actor, _ *world) error { return a.rename(oldname, newname) }
}

// cutOff begins an upload, and cuts the connection when the first part has arrived.
func cutOff(name string) func(actor, *world) error { return cutOffAfter(name, part) }

func cutOffAfter(name string, n int) func(actor, *world) error {
	return func(a actor, w *world) error {
		return a.cutUpload(name, bytesOf(n), whole, func() error {
			if !eventually(patience, func() bool { return w.arrived(name, n) }) {
				return errors.New("the first part did not arrive")
			}
			return nil
		})
	}
}

// arrived reports whether the first n bytes lie under the name or are staged.
func (w *world) arrived(name string, n int) bool {
	entries, err := os.ReadDir(filepath.Dir(w.path(false, name)))
	if err != nil {
		return false
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasSuffix(e.Name(), filepath.Base(name)) && info.Size() == int64(n) {
			return true
		}
	}
	return false
}

// The events of the contract, with paths relative to the home.

func anyMode(events ...hookEvent) func(int) []hookEvent {
	return func(int) []hookEvent { return events }
}

func uploaded(name string, size int64, status int) hookEvent {
	return hookEvent{Action: "upload", Path: name, FileSize: size, Status: status}
}

func downloaded(name string, size int64) hookEvent {
	return hookEvent{Action: "download", Path: name, FileSize: size, Status: 1}
}

func renamed(name, target string) hookEvent {
	return hookEvent{Action: "rename", Path: name, TargetPath: target, Status: 1}
}

func deleted(name string, size int64) []hookEvent {
	e := hookEvent{Action: "delete", Path: name, FileSize: size, Status: 1}
	asked := e
	asked.Action = "pre-delete"
	return []hookEvent{asked, e}
}

// keptIn is what becomes of an upload that is cut off: kept under its name in the
// modes 0 and 2, dropped in mode 1.
func keptIn(name string, old int64) (func(int) []hookEvent, func(int) map[string]int64) {
	events := func(mode int) []hookEvent {
		if mode == 1 {
			return []hookEvent{uploaded(name, 0, 0)}
		}
		return []hookEvent{uploaded(name, part, 0)}
	}
	disk := func(mode int) map[string]int64 {
		if mode == 1 {
			return map[string]int64{name: old}
		}
		return map[string]int64{name: part}
	}
	return events, disk
}

func always(disk map[string]int64) func(int) map[string]int64 {
	return func(int) map[string]int64 { return disk }
}

// steps is the table. What it says of events holds for every protocol.
func steps() []step {
	scp, scpDAV := []string{viaSCP}, []string{viaSCP, viaDAV}
	odd, moved := "/with spaces, ünïcödé", "/moved 目录"
	cutNew, cutNewDisk := keptIn("/cut", missing)
	cutOld, cutOldDisk := keptIn("/cut over", 10)
	return []step{
		{name: "upload", do: put("/a.txt", 1000), events: anyMode(uploaded("/a.txt", 1000, 1))},
		{name: "upload over existing", do: put("/a.txt", 1500), events: anyMode(uploaded("/a.txt", 1500, 1)),
			disk: always(map[string]int64{"/a.txt": 1500})},
		{name: "shorter upload over existing", do: put("/a.txt", 70), events: anyMode(uploaded("/a.txt", 70, 1)),
			disk: always(map[string]int64{"/a.txt": 70})},
		{name: "upload of nothing", do: put("/empty", 0), events: anyMode(uploaded("/empty", 0, 1)),
			disk: always(map[string]int64{"/empty": 0})},
		{name: "resume", without: scpDAV, events: anyMode(uploaded("/a.txt", 170, 1)),
			do: func(a actor, _ *world) error { return a.resume("/a.txt", bytesOf(170)[70:]) }},
		{name: "directory with an odd name", do: mkdir(odd)},
		{name: "upload into it", do: put(odd+"/ä 文件.txt", 300), events: anyMode(uploaded(odd+"/ä 文件.txt", 300, 1))},

		{name: "download", do: get("/a.txt", 170), events: anyMode(downloaded("/a.txt", 170))},
		{name: "download of nothing", do: get("/empty", 0), events: anyMode(downloaded("/empty", 0))},
		{name: "download with an odd name", do: get(odd+"/ä 文件.txt", 300), events: anyMode(downloaded(odd+"/ä 文件.txt", 300))},
		{name: "download, cut off", free: true, cuts: true,
			do:     func(a actor, _ *world) error { return a.cutDownload("/big") },
			events: anyMode(hookEvent{Action: "download", Path: "/big", FileSize: someSize})},

		{name: "rename", without: scp, do: rename("/a.txt", "/b.txt"), events: anyMode(renamed("/a.txt", "/b.txt"))},
		{name: "upload of a target", do: put("/c.txt", 700), events: anyMode(uploaded("/c.txt", 700, 1))},
		{name: "rename over existing", without: scp, do: rename("/b.txt", "/c.txt"), events: anyMode(renamed("/b.txt", "/c.txt")),
			disk: always(map[string]int64{"/c.txt": 170, "/b.txt": missing})},
		{name: "rename of a directory", without: scp, do: rename(odd, moved), events: anyMode(renamed(odd, moved)),
			disk: always(map[string]int64{moved + "/ä 文件.txt": 300})},

		{name: "upload of what goes", do: put("/gone", 33), events: anyMode(uploaded("/gone", 33, 1))},
		{name: "delete", without: scp, do: remove("/gone"), events: anyMode(deleted("/gone", 33)...),
			disk: always(map[string]int64{"/gone": missing})},
		{name: "directory for a while", do: mkdir("/while")},
		{name: "directory removed", without: scp, do: rmdir("/while")},
		{name: "tree", do: mkdir("/tree")},
		{name: "tree, below", do: mkdir("/tree/sub")},
		{name: "tree, file", do: put("/tree/1", 11), events: anyMode(uploaded("/tree/1", 11, 1))},
		{name: "tree, file below", do: put("/tree/sub/2", 22), events: anyMode(uploaded("/tree/sub/2", 22, 1))},
		{name: "tree, last file", do: put("/tree/zz", 0), events: anyMode(uploaded("/tree/zz", 0, 1))},
		{name: "tree removed", without: scp,
			do: func(a actor, _ *world) error {
				return a.removeTree([]string{"/tree/1", "/tree/sub/2", "/tree/zz"}, []string{"/tree/sub", "/tree"})
			},
			events: anyMode(slices.Concat(deleted("/tree/1", 11), deleted("/tree/sub/2", 22), deleted("/tree/zz", 0))...)},

		{name: "download of what is not there", refused: true, do: get("/nothing", 0)},
		{name: "delete of what is not there", refused: true, without: scp, do: remove("/nothing")},
		{name: "rename of what is not there", refused: true, without: scp, do: rename("/nothing", "/something")},
		{name: "upload without a parent", refused: true, do: put("/nothing/x", 5)},
		{name: "directory that exists", refused: true, without: scp, do: mkdir(moved)},

		{name: "directory for reading", do: mkdir("/ro")},
		{name: "directory for listing", do: mkdir("/sealed")},
		{name: "directory for writing", do: mkdir("/blind")},
		{name: "upload where allowed", do: put("/ro/kept", 44), events: anyMode(uploaded("/ro/kept", 44, 1))},
		{name: "overwrite without permission", refused: true, do: put("/ro/kept", 45)},
		{name: "delete without permission", refused: true, without: scp, do: remove("/ro/kept")},
		{name: "rename without permission", refused: true, without: scp, do: rename("/ro/kept", "/ro/other")},
		{name: "rename into without permission", refused: true, without: scp, do: rename("/c.txt", "/sealed/c.txt")},
		{name: "upload without permission", refused: true, do: put("/sealed/x", 6)},
		{name: "directory without permission", refused: true, do: mkdir("/sealed/dir")},
		{name: "blind upload", do: put("/blind/x", 8), events: anyMode(uploaded("/blind/x", 8, 1))},
		{name: "download without permission", refused: true, do: get("/blind/x", 8)},
		{name: "upload of a filtered name", refused: true, do: put("/virus.exe", 9)},
		{name: "rename to a filtered name", refused: true, without: scp, do: rename("/c.txt", "/c.exe"),
			disk: always(map[string]int64{"/c.txt": 170})},

		{name: "upload above the size of a file", refused: true, do: put("/large", 3*mib+1), events: anyMode(uploaded("/large", 0, 2)),
			disk: always(map[string]int64{"/large": missing})},
		{name: "half of the quota", do: put("/half", 2*mib), events: anyMode(uploaded("/half", 2*mib, 1))},
		{name: "upload above the quota", refused: true, do: put("/too much", 5*mib/2), events: anyMode(uploaded("/too much", 0, 2)),
			disk: always(map[string]int64{"/too much": missing})},
		{name: "small file", do: put("/small", 10), events: anyMode(uploaded("/small", 10, 1))},
		{name: "overwrite above the quota", refused: true, do: put("/small", 5*mib/2), events: anyMode(uploaded("/small", 0, 2)),
			disk: func(mode int) map[string]int64 {
				if mode == 0 {
					return map[string]int64{"/small": missing}
				}
				return map[string]int64{"/small": 10}
			}},
		{name: "room again", without: scp, do: remove("/half"), events: anyMode(deleted("/half", 2*mib)...)},
		{name: "upload into the room", do: put("/fits", 5*mib/2), events: anyMode(uploaded("/fits", 5*mib/2, 1))},

		{name: "upload, cut off", cuts: true, do: cutOff("/cut"), events: cutNew, disk: cutNewDisk},
		{name: "upload before the cut", do: put("/cut over", 10), events: anyMode(uploaded("/cut over", 10, 1))},
		{name: "overwrite, cut off", cuts: true, do: cutOff("/cut over"), events: cutOld, disk: cutOldDisk},
		{name: "upload after all", do: put("/last", 1), events: anyMode(uploaded("/last", 1, 1))},
	}
}
