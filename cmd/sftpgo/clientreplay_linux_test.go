package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// TestClientReplays sends what graphical clients that do not run here are
// documented to send, packet by packet.
func TestClientReplays(t *testing.T) {
	t.Parallel()
	replays := []struct {
		client string
		run    func(t *testing.T, v *replayVisit)
	}{
		{"winscp", replayWinSCP},
		{"cyberduck", replayCyberduck},
	}
	// In mode 2 what a lost connection leaves is kept, so that it can be resumed.
	for _, mode := range []string{"0", "2"} {
		t.Run("mode"+mode, func(t *testing.T) {
			t.Parallel()
			server := newRealServer(t, "SFTPGO_COMMON__UPLOAD_MODE="+mode)
			for _, r := range replays {
				server.addUser(t, r.client)
			}
			if err := server.start(); err != nil {
				t.Fatal(err)
			}
			for _, r := range replays {
				t.Run(r.client, func(t *testing.T) {
					t.Parallel()
					r.run(t, &replayVisit{addr: server.sftp, user: r.client, home: server.data(r.client)})
				})
			}
		})
	}
}

// replayVisit is an account to talk with.
type replayVisit struct{ addr, user, home string }

func (v *replayVisit) file(name string) string { return filepath.Join(v.home, name) }

// Packet types and flags of draft 02.
const (
	fxpInit, fxpVersion, fxpOpen, fxpClose, fxpRead, fxpWrite = 1, 2, 3, 4, 5, 6
	fxpLstat, fxpSetstat, fxpOpendir, fxpReaddir, fxpRemove   = 7, 9, 11, 12, 13
	fxpRealpath, fxpStat, fxpRename                           = 16, 17, 18
	fxpStatus, fxpHandle, fxpData, fxpName, fxpAttrs          = 101, 102, 103, 104, 105
	fxpExtended                                               = 200

	fxfRead, fxfWrite, fxfAppend, fxfCreate, fxfTrunc = 0x1, 0x2, 0x4, 0x8, 0x10

	fxOK, fxEOF, fxNoSuchFile, fxFailure = 0, 1, 2, 4
)

// rawSFTP is an SFTP session of packets.
type rawSFTP struct {
	t    *testing.T
	tcp  net.Conn
	ssh  *ssh.Client
	pipe ssh.Channel
	next uint32
	came map[uint32]rawReply // asked for later
}

type rawReply struct {
	kind byte
	rest []byte
}

func (v *replayVisit) dial(t *testing.T) *rawSFTP {
	t.Helper()
	tcp, client, err := dialSSH(v.addr, v.user)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() }) // or it is gone
	_ = tcp.SetDeadline(time.Now().Add(patience))
	channel, requests, err := client.OpenChannel("session", nil)
	if err != nil {
		t.Fatal(err)
	}
	go ssh.DiscardRequests(requests)
	ok, err := channel.SendRequest("subsystem", true, ssh.Marshal(struct{ Name string }{"sftp"}))
	if err != nil || !ok {
		t.Fatalf("subsystem: %v, %v", ok, err)
	}
	return &rawSFTP{t: t, tcp: tcp, ssh: client, pipe: channel, came: map[uint32]rawReply{}}
}

// hello asks for a version and returns the extensions of the server, which knows
// version 3 only.
func (r *rawSFTP) hello(version uint32) map[string]string {
	r.t.Helper()
	r.packet(fxpInit, binary.BigEndian.AppendUint32(nil, version))
	kind, body := r.read()
	if kind != fxpVersion || binary.BigEndian.Uint32(body) != 3 {
		r.t.Fatalf("answer to INIT: type %d, %x", kind, body)
	}
	extensions := map[string]string{}
	for body = body[4:]; len(body) > 0; {
		var name, value string
		name, body = cutString(body)
		value, body = cutString(body)
		extensions[name] = value
	}
	return extensions
}

// send sends a request: strings, uint32 and uint64 in their order. It does not
// wait.
func (r *rawSFTP) send(kind byte, fields ...any) uint32 {
	r.t.Helper()
	r.next++
	body := binary.BigEndian.AppendUint32(nil, r.next)
	for _, f := range fields {
		switch f := f.(type) {
		case string:
			body = append(binary.BigEndian.AppendUint32(body, uint32(len(f))), f...)
		case int:
			body = binary.BigEndian.AppendUint32(body, uint32(f))
		case uint64:
			body = binary.BigEndian.AppendUint64(body, f)
		default:
			r.t.Fatalf("field of type %T", f)
		}
	}
	r.packet(kind, body)
	return r.next
}

func (r *rawSFTP) packet(kind byte, body []byte) {
	r.t.Helper()
	head := append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+1)), kind)
	if _, err := r.pipe.Write(append(head, body...)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rawSFTP) read() (byte, []byte) {
	r.t.Helper()
	var size [4]byte
	if _, err := io.ReadFull(r.pipe, size[:]); err != nil {
		r.t.Fatal(err)
	}
	packet := make([]byte, binary.BigEndian.Uint32(size[:]))
	if _, err := io.ReadFull(r.pipe, packet); err != nil {
		r.t.Fatal(err)
	}
	return packet[0], packet[1:]
}

// wait returns the answer to a request; answers may come in any order.
func (r *rawSFTP) wait(id uint32) rawReply {
	r.t.Helper()
	for {
		if reply, ok := r.came[id]; ok {
			delete(r.came, id)
			return reply
		}
		kind, body := r.read()
		r.came[binary.BigEndian.Uint32(body)] = rawReply{kind, body[4:]}
	}
}

// status is for requests that are answered with one.
func (r *rawSFTP) status(want int, kind byte, fields ...any) {
	r.t.Helper()
	r.wantStatus(want, r.wait(r.send(kind, fields...)), fmt.Sprintf("request %d %.60q", kind, fmt.Sprint(fields...)))
}

func (r *rawSFTP) wantStatus(want int, reply rawReply, what string) {
	r.t.Helper()
	if reply.kind != fxpStatus || binary.BigEndian.Uint32(reply.rest) != uint32(want) {
		r.t.Fatalf("%s: type %d, %.80q; want status %d", what, reply.kind, reply.rest, want)
	}
}

// text is for requests that are answered with a handle, or with one name.
func (r *rawSFTP) text(kind byte, fields ...any) string {
	r.t.Helper()
	reply := r.wait(r.send(kind, fields...))
	switch reply.kind {
	case fxpHandle:
	case fxpName:
		reply.rest = reply.rest[4:]
	default:
		r.t.Fatalf("request %d %q: type %d, %.80q", kind, fields, reply.kind, reply.rest)
	}
	text, _ := cutString(reply.rest)
	return text
}

// size is that of a file, by LSTAT or STAT.
func (r *rawSFTP) size(kind byte, name string) uint64 {
	r.t.Helper()
	reply := r.wait(r.send(kind, name))
	if reply.kind != fxpAttrs || binary.BigEndian.Uint32(reply.rest)&1 == 0 {
		r.t.Fatalf("stat %q: type %d, %.80q", name, reply.kind, reply.rest)
	}
	return binary.BigEndian.Uint64(reply.rest[4:])
}

// upload sends a file from an offset on, all requests before the first answer.
func (r *rawSFTP) upload(handle string, data []byte, offset, piece int) {
	r.t.Helper()
	var ids []uint32
	for at := offset; at < len(data); at += piece {
		ids = append(ids, r.send(fxpWrite, handle, uint64(at), string(data[at:min(at+piece, len(data))])))
	}
	for _, id := range ids {
		r.wantStatus(fxOK, r.wait(id), "write")
	}
}

// names lists a directory.
func (r *rawSFTP) names(dir string) map[string]string {
	r.t.Helper()
	handle := r.text(fxpOpendir, dir)
	long := map[string]string{}
	for {
		reply := r.wait(r.send(fxpReaddir, handle))
		if reply.kind != fxpName {
			r.wantStatus(fxEOF, reply, "end of the directory")
			r.status(fxOK, fxpClose, handle)
			return long
		}
		rest := reply.rest[4:]
		for range binary.BigEndian.Uint32(reply.rest) {
			var name, line string
			name, rest = cutString(rest)
			line, rest = cutString(rest)
			long[name] = line
			rest = skipAttrs(r.t, rest)
		}
	}
}

func cutString(b []byte) (string, []byte) {
	n := binary.BigEndian.Uint32(b)
	return string(b[4 : 4+n]), b[4+n:]
}

// skipAttrs skips attributes of version 3 without extended ones.
func skipAttrs(t *testing.T, b []byte) []byte {
	t.Helper()
	flags, n := binary.BigEndian.Uint32(b), 4
	for bit, size := range map[uint32]int{1: 8, 2: 8, 4: 4, 8: 8} {
		if flags&bit != 0 {
			n += size
		}
	}
	if flags&^15 != 0 {
		t.Fatalf("attributes with flags %x", flags)
	}
	return b[n:]
}

func (v *replayVisit) wantMeta(t *testing.T, name string, mode os.FileMode) {
	t.Helper()
	wantMode(t, v.file(name), mode)
	wantTime(t, v.file(name), shown)
}
