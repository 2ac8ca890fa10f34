package sftp

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"
	"strings"
	"testing"

	"sftpgo/vfs"
)

// request is the body of a packet with strings behind its id.
func request(packetType byte, texts ...string) []byte {
	b := []byte{packetType, 0, 0, 0, 9}
	for _, text := range texts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
		b = append(b, text...)
	}
	return b
}

func TestRequestNames(t *testing.T) {
	tests := []struct {
		body  []byte
		op    string
		names []string
	}{
		{append(request(typeOpen, "/a"), 0, 0, 0, 1, 0, 0, 0, 0), "open", []string{"/a"}},
		{request(typeLstat, "../a"), "lstat", []string{"../a"}},
		{append(request(typeSetstat, "a"), 0, 0, 0, 0), "setstat", []string{"a"}},
		{request(typeOpendir, ""), "list", []string{""}},
		{request(typeRemove, "/x\x00"), "remove", []string{"/x\x00"}},
		{request(typeMkdir, "d"), "mkdir", []string{"d"}},
		{request(typeRmdir, "d"), "rmdir", []string{"d"}},
		{request(typeStat, "d"), "stat", []string{"d"}},
		{request(typeReadlink, "d"), "readlink", []string{"d"}},
		{request(typeRename, "a", "b"), "rename", []string{"a", "b"}},
		{request(typeSymlink, "../text", "/link"), "symlink", []string{"/link"}},
		{request(typeExtended, "posix-rename@openssh.com", "a", "b"), "rename", []string{"a", "b"}},
		{request(typeExtended, "statvfs@openssh.com", "/.."), "space", []string{"/.."}},
		{request(typeExtended, "fsync@openssh.com", "handle"), "", nil},
		{request(16, "/.."), "", nil}, // REALPATH
		{request(typeExtended), "", nil},
		{[]byte{typeOpen, 0, 0}, "open", nil},
		{append(request(typeOpen), 0xff, 0xff, 0xff, 0xff, 'a'), "open", nil},
		{append(request(typeRename, "a"), 0, 0), "rename", []string{"a"}},
	}
	for _, tt := range tests {
		op, names := requestNames(tt.body)
		if op != tt.op || !slices.Equal(names, tt.names) {
			t.Errorf("%q: %s %q, want %s %q", tt.body, op, names, tt.op, tt.names)
		}
	}
}

// TestShimRefusesNames holds that a request for a name above the root is answered
// by us, and that the others, long ones and those without names included, pass.
func TestShimRefusesNames(t *testing.T) {
	var sent, want []byte
	for _, r := range []struct {
		body   []byte
		passes bool
	}{
		{request(typeStat, "/a"), true},
		{request(typeStat, "/../a"), false},
		{request(typeRename, "/a", "../b"), false},
		{request(16, "/.."), true},
		{append([]byte{6, 0, 0, 0, 9}, make([]byte, 100<<10)...), true}, // WRITE
		{request(typeStat, strings.Repeat("/", 100<<10)), true},         // for the session
		{request(typeStat, "/"+strings.Repeat("x", vfs.MaxComponent+1)), false},
		{request(typeStat, "/b"), true},
	} {
		sent = append(sent, appendFrame(nil, r.body)...)
		if r.passes {
			want = append(want, appendFrame(nil, r.body)...)
		}
	}
	p := &pipe{Reader: bytes.NewReader(sent)}
	s := newShim(p)
	var asked []string
	s.check = func(op, name string) error {
		_, err := vfs.ParseName("/", name)
		if err != nil {
			asked = append(asked, op)
		}
		return err
	}
	got, err := io.ReadAll(s)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes pass, want %d: %v", len(got), len(want), err)
	}
	if !slices.Equal(asked, []string{"stat", "rename", "stat"}) {
		t.Errorf("refused %q", asked)
	}
	answer := appendFrame(nil, append([]byte{typeStatus, 0, 0, 0, 9, 0, 0, 0, 4}, "\x00\x00\x00\x10name not allowed\x00\x00\x00\x02en"...))
	if !bytes.Equal(p.Bytes(), bytes.Repeat(answer, 3)) {
		t.Errorf("answers %q, want three of %q", p.Bytes(), answer)
	}
}
