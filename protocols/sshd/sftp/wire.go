package sftp

import "encoding/binary"

// Packet types of draft-ietf-secsh-filexfer-02, section 3.
const (
	typeInit          = 1
	typeVersion       = 2
	typeOpen          = 3
	typeClose         = 4
	typeRead          = 5
	typeWrite         = 6
	typeLstat         = 7
	typeFstat         = 8
	typeSetstat       = 9
	typeFsetstat      = 10
	typeOpendir       = 11
	typeReaddir       = 12
	typeRemove        = 13
	typeMkdir         = 14
	typeRmdir         = 15
	typeRealpath      = 16
	typeStat          = 17
	typeRename        = 18
	typeReadlink      = 19
	typeSymlink       = 20
	typeStatus        = 101
	typeHandle        = 102
	typeData          = 103
	typeName          = 104
	typeAttrs         = 105
	typeExtended      = 200
	typeExtendedReply = 201
)

// version is the protocol version that is spoken, whatever the client offers:
// what every client knows and OpenSSH's server does.
const version = 3

// fields reads the body of a packet from the front. What is cut off sets bad and
// reads as zero, so that a request is taken apart first and judged once.
type fields struct {
	rest []byte
	bad  bool
}

func (f *fields) u32() uint32 {
	if len(f.rest) < 4 {
		f.rest, f.bad = nil, true
		return 0
	}
	v := binary.BigEndian.Uint32(f.rest)
	f.rest = f.rest[4:]
	return v
}

func (f *fields) u64() uint64 {
	if len(f.rest) < 8 {
		f.rest, f.bad = nil, true
		return 0
	}
	v := binary.BigEndian.Uint64(f.rest)
	f.rest = f.rest[8:]
	return v
}

// bytes returns a string of the packet where it lies; it goes with the packet.
func (f *fields) bytes() []byte {
	n := f.u32()
	if uint64(n) > uint64(len(f.rest)) {
		f.rest, f.bad = nil, true
		return nil
	}
	v := f.rest[:n:n]
	f.rest = f.rest[n:]
	return v
}

// text returns a string of the packet to keep.
func (f *fields) text() string { return string(f.bytes()) }
