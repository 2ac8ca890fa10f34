package sftp

import (
	"encoding/binary"

	"sftpgo/protocols"
)

// Packet types of draft 02, section 3, whose requests name files.
const (
	typeOpen     = 3
	typeLstat    = 7
	typeSetstat  = 9
	typeOpendir  = 11
	typeRemove   = 13
	typeMkdir    = 14
	typeRmdir    = 15
	typeStat     = 17
	typeRename   = 18
	typeReadlink = 19
	typeSymlink  = 20
	typeStatus   = 101
)

// namesFiles keeps the bulk of packets, READ and WRITE, from being looked at.
func namesFiles(packetType byte) bool {
	switch packetType {
	case typeOpen, typeLstat, typeSetstat, typeOpendir, typeRemove, typeMkdir, typeRmdir, typeStat,
		typeRename, typeReadlink, typeSymlink, typeExtended:
		return true
	}
	return false
}

// requestNames returns the names in a request, as the client sent them, and what
// it asks for. pkg/sftp resolves ".." before anybody else sees a name, and a name
// that climbs above the root comes out as another one. REALPATH is left to that:
// "cd .." in the root stays there, in every client. body begins behind the length
// of the packet; what is malformed or cut off names nothing.
func requestNames(body []byte) (op string, names []string) {
	texts := texts{body[min(5, len(body)):]}
	switch body[0] {
	case typeOpen:
		return "open", texts.next(1)
	case typeLstat:
		return "lstat", texts.next(1)
	case typeSetstat:
		return "setstat", texts.next(1)
	case typeOpendir:
		return "list", texts.next(1)
	case typeRemove:
		return "remove", texts.next(1)
	case typeMkdir:
		return "mkdir", texts.next(1)
	case typeRmdir:
		return "rmdir", texts.next(1)
	case typeStat:
		return "stat", texts.next(1)
	case typeReadlink:
		return "readlink", texts.next(1)
	case typeRename:
		return "rename", texts.next(2)
	case typeSymlink:
		// The text of the link, which is no name, comes first: the order of OpenSSH.
		if list := texts.next(2); len(list) == 2 {
			return "symlink", list[1:]
		}
	case typeExtended:
		return extendedNames(texts)
	}
	return "", nil
}

func extendedNames(t texts) (op string, names []string) {
	request := t.next(1)
	if len(request) == 0 {
		return "", nil
	}
	switch request[0] {
	case "posix-rename@openssh.com":
		return "rename", t.next(2)
	case "statvfs@openssh.com":
		return "space", t.next(1)
	}
	return "", nil
}

// texts reads the strings of a packet.
type texts struct{ rest []byte }

// next returns up to n strings.
func (t *texts) next(n int) (list []string) {
	for len(list) < n && len(t.rest) >= 4 {
		length := binary.BigEndian.Uint32(t.rest)
		if uint64(length) > uint64(len(t.rest)-4) {
			break
		}
		list = append(list, string(t.rest[4:4+length]))
		t.rest = t.rest[4+length:]
	}
	return list
}

// nameRefused answers a request whose name no operation accepts.
func nameRefused(body []byte, err error) []byte {
	st := protocols.StatusOf(err)
	b := append([]byte{typeStatus}, body[1:5]...) // the id
	b = binary.BigEndian.AppendUint32(b, st.SFTP)
	for _, text := range []string{st.Text, "en"} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
		b = append(b, text...)
	}
	return b
}
