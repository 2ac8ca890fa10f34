package sftp

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"sftpgo/vfs"
)

// announced returns the extensions of VERSION.
func (r *rig) announced() map[string]string {
	p := r.connect()
	p.send(frame(typeInit, uint32(3)))
	reply := p.wait(3)
	list := map[string]string{}
	for len(reply.rest) > 0 {
		name := reply.text()
		list[name] = reply.text()
	}
	if reply.bad {
		r.t.Error("VERSION is malformed")
	}
	p.conn.Close()
	return list
}

// TestAnnounced: what the storage cannot do is not announced.
func TestAnnounced(t *testing.T) {
	all := newRig(t).announced()
	bare := newRig(t, func(s *setup) { s.factory = endless{s.factory, 0} }).announced()
	for _, name := range []string{
		"posix-rename@openssh.com", "limits@openssh.com", "expand-path@openssh.com", "copy-data", "home-directory",
		"users-groups-by-id@openssh.com", "check-file", "check-file-name", "check-file-handle",
	} {
		if all[name] == "" || bare[name] == "" {
			t.Errorf("%s: %q, without capabilities %q", name, all[name], bare[name])
		}
	}
	for _, name := range []string{
		"statvfs@openssh.com", "fstatvfs@openssh.com", "hardlink@openssh.com", "fsync@openssh.com", "lsetstat@openssh.com",
	} {
		if all[name] == "" || bare[name] != "" {
			t.Errorf("%s: %q, without capabilities %q", name, all[name], bare[name])
		}
	}
}

func TestNameExtensions(t *testing.T) {
	r := newRig(t)
	r.write("d/f", "content")
	r.write("g", "other")
	p := r.dial()
	ext := func(parts ...any) reply { return p.ask(typeExtended, parts...) }
	for _, tt := range []struct {
		parts []any
		want  string
	}{
		{[]any{"hardlink@openssh.com", "/d/f", "/g"}, "4 already exists"},
		{[]any{"hardlink@openssh.com", "/d/f", "/h"}, ""},
		{[]any{"posix-rename@openssh.com", "/g", "/h"}, ""},
		{[]any{"posix-rename@openssh.com", "/g", "/h"}, "2 no such file or directory"},
		{[]any{"lsetstat@openssh.com", "/h", attrTimes, 1_500_000_000, 1_600_000_000}, ""},
		{[]any{"fstatvfs@openssh.com", "none"}, "4 invalid handle"},
		{[]any{"fsync@openssh.com", "none"}, "4 invalid handle"},
		{[]any{"home-directory", "bob"}, "4 unknown user"},
		{[]any{"expand-path@openssh.com", "~bob/x"}, "4 unknown user"},
		{[]any{"expand-path@openssh.com", "~/a\x00"}, "4 name not allowed"},
		{[]any{"users-groups-by-id@openssh.com", "abc", ""}, "5 bad message"},
		{[]any{"users-groups-by-id@openssh.com", strings.Repeat("\x00", 4*maxIDs+4), ""}, "5 bad message"},
	} {
		if st := ext(tt.parts...).status(); st != tt.want {
			t.Errorf("%q: %q, want %q", tt.parts[0], st, tt.want)
		}
	}
	if got := r.content("h"); got != "other" {
		t.Errorf("after posix-rename: %q", got)
	}
	info, err := os.Stat(r.path("h"))
	must(t, err)
	if info.ModTime().Unix() != 1_600_000_000 {
		t.Errorf("lsetstat: %v", info.ModTime())
	}
	for _, tt := range [][3]string{
		{"home-directory", "", "/"}, {"home-directory", "alice", "/"},
		{"expand-path@openssh.com", "~", "/"}, {"expand-path@openssh.com", "~/a/../b", "/b"},
		{"expand-path@openssh.com", "~alice/x", "/x"}, {"expand-path@openssh.com", "x/y", "/x/y"},
	} {
		if reply := ext(tt[0], tt[1]); reply.kind != typeName || reply.u32() != 1 || reply.text() != tt[2] {
			t.Errorf("%s %q: %v", tt[0], tt[1], reply)
		}
	}
}

func TestSpaceAndLimits(t *testing.T) {
	r := newRig(t, func(s *setup) { s.user.QuotaSize, s.user.QuotaFiles = 1<<20, 100 })
	p := r.dial()
	h := p.openFile("/f", wr|cr)
	for _, reply := range []reply{
		p.ask(typeExtended, "statvfs@openssh.com", "/"), p.ask(typeExtended, "fstatvfs@openssh.com", h),
	} {
		var v [11]uint64
		for i := range v {
			v[i] = reply.u64()
		}
		if reply.kind != typeExtendedReply || reply.bad || v[1]*v[2] != 1<<20 || v[5] != 100 || v[10] == 0 {
			t.Errorf("space: %v", v)
		}
	}
	limits := p.ask(typeExtended, "limits@openssh.com")
	if got := [4]uint64{limits.u64(), limits.u64(), limits.u64(), limits.u64()}; got != [4]uint64{256 << 10, 261120, 261120, 1024} {
		t.Errorf("limits: %v", got)
	}
}

// TestLimitsHold: what limits@openssh.com announces is taken and given.
func TestLimitsHold(t *testing.T) {
	r := newRig(t)
	p := r.dial()
	h := p.openFile("/f", rd|wr|cr)
	data := strings.Repeat("0123456789abcdef", maxData/16)
	if st := p.ask(typeWrite, h, uint64(0), data+strings.Repeat("x", 900)).status(); st != "" {
		t.Error(st)
	}
	for _, n := range []uint32{maxData, maxPacket, 1 << 31, 1<<32 - 1} {
		if reply := p.ask(typeRead, h, uint64(0), n); reply.kind != typeData || reply.text() != data {
			t.Errorf("READ of %d: %d bytes", n, len(reply.rest))
		}
	}
}

func TestUsersGroups(t *testing.T) {
	r := newRig(t, func(s *setup) { s.user.UID, s.user.GID = 7001, 7002 })
	ids := func(list ...int) string {
		var b []byte
		for _, id := range list {
			b = binary.BigEndian.AppendUint32(b, uint32(id))
		}
		return string(b)
	}
	reply := r.dial().ask(typeExtended, "users-groups-by-id@openssh.com", ids(os.Getuid(), 7001, 7002, 65534), ids(7002, 7001, os.Getgid()))
	for i, want := range [][]string{{"alice", "alice", "", ""}, {"alice", "", "alice"}} {
		list := fields{rest: reply.bytes()}
		var got []string
		for len(list.rest) > 0 {
			got = append(got, list.text())
		}
		if !slices.Equal(got, want) || reply.bad || list.bad {
			t.Errorf("list %d: %q, want %q", i, got, want)
		}
	}
}

func TestFsync(t *testing.T) {
	r := newRig(t)
	p := r.dial()
	h := p.openFile("/f", wr|cr)
	p.send(frame(typeWrite, 20, h, uint64(0), "x"), frame(typeExtended, 21, "fsync@openssh.com", h), frame(typeWrite, 22, h, uint64(1), "y"))
	for id := range uint32(3) {
		if st := p.wait(20 + id).status(); st != "" {
			t.Errorf("reply %d: %s", 20+id, st)
		}
	}
}

func TestCopyData(t *testing.T) {
	for mode := range 3 {
		r := newRig(t, func(s *setup) { s.session.UploadMode = mode })
		r.write("in", "0123456789")
		p := r.dial()
		in, out := p.openFile("/in", rd), p.openFile("/out", rd|wr|cr)
		copyData := func(from, n uint64, dst string, to uint64) string {
			return p.ask(typeExtended, "copy-data", in, from, n, dst, to).status()
		}
		for _, tt := range []struct {
			from, n uint64
			dst     string
			to      uint64
			want    string
		}{
			{2, 3, out, 0, ""},
			{0, 0, out, 5, ""},
			{8, 5, out, 15, "1 end of file"},
			{0, 5, in, 5, denied},
			{0, 5, "none", 5, "4 invalid handle"},
			{1 << 63, 5, out, 5, "5 bad message"},
		} {
			if st := copyData(tt.from, tt.n, tt.dst, tt.to); st != tt.want {
				t.Errorf("copy of %d from %d to %d: %q, want %q", tt.n, tt.from, tt.to, st, tt.want)
			}
		}
		// The WRITE that follows is behind the copy.
		p.send(frame(typeExtended, 20, "copy-data", in, uint64(0), uint64(0), out, uint64(0)), frame(typeWrite, 21, out, uint64(1), "xx"),
			frame(typeClose, 22, out))
		for id := range uint32(3) {
			if st := p.wait(20 + id).status(); st != "" {
				t.Errorf("reply %d: %s", 20+id, st)
			}
		}
		if got := r.content("out"); got != "0xx345678956789"+"89" {
			t.Errorf("content %q", got)
		}
	}
}

func TestCheckFile(t *testing.T) {
	r := newRig(t)
	text := strings.Repeat("0123456789abcdef", 100) // 1600 bytes
	r.write("f", text)
	r.write("empty", "")
	p := r.dial()
	h := p.openFile("/f", rd)
	sum := func(parts ...string) (b []byte) {
		for _, part := range parts {
			s := md5.Sum([]byte(part))
			b = append(b, s[:]...)
		}
		return b
	}
	sha := sha256.Sum256([]byte(text))
	crc := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(text)))
	for _, tt := range []struct {
		list        string
		off, length uint64
		block       int
		algorithm   string
		want        []byte
	}{
		{"md5", 0, 0, 0, "md5", sum(text)},
		{"sha9,sha256,md5", 0, 0, 0, "sha256", sha[:]},
		{"crc32", 0, 0, 0, "crc32", crc},
		{"md5", 100, 300, 0, "md5", sum(text[100:400])},
		{"md5", 100, 700, 256, "md5", sum(text[100:356], text[356:612], text[612:800])},
		{"md5", 0, 512, 256, "md5", sum(text[:256], text[256:512])},
		{"md5", 1500, 999, 256, "md5", sum(text[1500:])},
		{"md5", 5000, 0, 0, "md5", sum("")},
		{"md5", 5000, 0, 256, "md5", nil},
	} {
		for _, ask := range [][2]string{{"check-file-name", "/f"}, {"check-file-handle", h}, {"check-file", h}} {
			reply := p.ask(typeExtended, ask[0], ask[1], tt.list, tt.off, tt.length, tt.block)
			if reply.kind != typeExtendedReply {
				t.Errorf("%s of %v: %s", ask[0], tt, reply.status())
				continue
			}
			if ask[0] == "check-file" && reply.text() != "check-file" {
				t.Error("check-file: not the answer that paramiko wants")
			}
			if alg := reply.text(); alg != tt.algorithm || !slices.Equal(reply.rest, tt.want) {
				t.Errorf("%s %v: %s %x, want %x", ask[0], tt, alg, reply.rest, tt.want)
			}
		}
	}
	for _, tt := range []struct {
		parts []any
		want  string
	}{
		{[]any{"check-file-name", "/f", "sha9", uint64(0), uint64(0), 0}, "4 no such hash algorithm"},
		{[]any{"check-file-name", "/f", "md5", uint64(0), uint64(0), 255}, "4 block size too small"},
		{[]any{"check-file-name", "/none", "md5", uint64(0), uint64(0), 0}, "2 no such file or directory"},
		{[]any{"check-file-handle", "none", "md5", uint64(0), uint64(0), 0}, "4 invalid handle"},
		{[]any{"check-file-name", "/f", "md5", uint64(1) << 63, uint64(0), 0}, "5 bad message"},
	} {
		if st := p.ask(typeExtended, tt.parts...).status(); st != tt.want {
			t.Errorf("%v: %q, want %q", tt.parts, st, tt.want)
		}
	}
	if events := r.events(); len(events) != 0 {
		t.Errorf("events: %q", events)
	}
}

// TestTooManyHashes: hashes that do not fit a packet are refused, not cut.
func TestTooManyHashes(t *testing.T) {
	r := newRig(t)
	must(t, os.WriteFile(r.path("f"), nil, 0o644))
	must(t, os.Truncate(r.path("f"), minBlock*(maxData/64+2)))
	p := r.dial()
	if st := p.ask(typeExtended, "check-file-name", "/f", "sha512", uint64(0), uint64(0), minBlock).status(); st != "4 block size too small" {
		t.Error(st)
	}
}

// TestAttributes: all that SETSTAT gives is applied, and STAT tells it.
func TestAttributes(t *testing.T) {
	r := newRig(t)
	r.write("f", "0123456789")
	p := r.dial()
	flags := uint32(attrSize | attrUIDGID | attrMode | attrTimes | attrExtended)
	if st := p.ask(typeSetstat, "/f", flags, uint64(4), uint32(os.Getuid()), uint32(os.Getgid()), 0o104711,
		1_500_000_000, 1_600_000_000, 1, "name@example.com", "value").status(); st != "" {
		t.Fatal(st)
	}
	info, err := os.Stat(r.path("f"))
	must(t, err)
	if info.Size() != 4 || info.Mode() != 0o711 || info.ModTime().Unix() != 1_600_000_000 || sysOf(info).atime.Unix() != 1_500_000_000 {
		t.Errorf("%v", info)
	}
	reply := p.ask(typeStat, "/f")
	if got := reply.u32(); got != attrSize|attrUIDGID|attrMode|attrTimes {
		t.Errorf("flags %#x", got)
	}
	want := []uint32{0, 4, uint32(os.Getuid()), uint32(os.Getgid()), 0o100711, 1_500_000_000, 1_600_000_000}
	for i, v := range want {
		if got := reply.u32(); got != v {
			t.Errorf("word %d: %d, want %d", i, got, v)
		}
	}
}

func TestFail(t *testing.T) {
	out := &writes{}
	b := newBatch(&output{w: out}, &buffers{})
	for _, err := range []error{vfs.ErrNotExist, errHandle, errors.New("open /srv/data/alice/x: broken pipe")} {
		must(t, b.fail(7, err))
	}
	if strings.Contains(string(b.buf), "/srv") {
		t.Error("a path of the host in an answer")
	}
	if !strings.Contains(string(b.buf), "internal error") || !strings.Contains(string(b.buf), "no such file or directory") {
		t.Errorf("answers %q", b.buf)
	}
}

func TestLongname(t *testing.T) {
	now := time.Date(2024, 3, 10, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		mode os.FileMode
		age  time.Duration
		want string
	}{
		{0o644, time.Hour, "-rw-r--r--    3 7        8              42 Mar 10 11:00 name"},
		{os.ModeDir | os.ModeSticky | 0o777, 300 * 24 * time.Hour, "drwxrwxrwt    3 7        8              42 May 15  2023 name"},
		{os.ModeSymlink | 0o777, -300 * 24 * time.Hour, "lrwxrwxrwx    3 7        8              42 Jan  4  2025 name"},
		{os.ModeSetuid | 0o711, 0, "-rws--x--x    3 7        8              42 Mar 10 12:00 name"},
		{os.ModeSetgid | 0o600, 0, "-rw---S---    3 7        8              42 Mar 10 12:00 name"},
		{os.ModeNamedPipe, 0, "p---------    3 7        8              42 Mar 10 12:00 name"},
		{os.ModeSocket, 0, "s---------    3 7        8              42 Mar 10 12:00 name"},
		{os.ModeDevice | os.ModeCharDevice, 0, "c---------    3 7        8              42 Mar 10 12:00 name"},
		{os.ModeDevice, 0, "b---------    3 7        8              42 Mar 10 12:00 name"},
	} {
		info := aFile{mode: tt.mode, when: now.Add(-tt.age)}
		if got := string(appendLong(nil, info, sys{uid: 7, gid: 8, links: 3}, "name", now)); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.mode, got, tt.want)
		}
	}
}

type aFile struct {
	entry
	mode os.FileMode
	when time.Time
}

func (f aFile) Size() int64        { return 42 }
func (f aFile) Mode() os.FileMode  { return f.mode }
func (f aFile) ModTime() time.Time { return f.when }

// TestCreationMode: OPEN and MKDIR give what they make the mode that they ask for.
func TestCreationMode(t *testing.T) {
	r := newRig(t)
	p := r.dial()
	opened := p.ask(typeOpen, "/f", wr|cr|ex, attrMode, 0o100700)
	if st := p.ask(typeClose, opened.text()).status(); st != "" {
		t.Error(st)
	}
	if st := p.ask(typeMkdir, "/d", attrMode, 0o700).status(); st != "" {
		t.Error(st)
	}
	for _, name := range []string{"f", "d"} {
		info, err := os.Stat(r.path(name))
		must(t, err)
		if info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v", name, info.Mode())
		}
	}
}
