package sftp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// packetsOf is the plain definition of what input does: the packets of a stream,
// and whether it ends in order, in a packet, or in one of a wrong length.
func packetsOf(sent []byte) (packets [][]byte, end error) {
	for {
		if len(sent) == 0 {
			return packets, io.EOF
		}
		if len(sent) < 4 {
			return packets, io.ErrUnexpectedEOF
		}
		length := binary.BigEndian.Uint32(sent)
		if length == 0 || length > maxPacket {
			return packets, ErrPacket
		}
		if len(sent)-4 < int(length) {
			return packets, io.ErrUnexpectedEOF
		}
		packets = append(packets, sent[4:4+length])
		sent = sent[4+length:]
	}
}

// checkInput compares input, which gets the stream in pieces, with the definition.
func checkInput(t *testing.T, sent []byte, r io.Reader) {
	want, end := packetsOf(sent)
	in := newInput(r, &buffers{})
	defer in.release()
	for n := 0; ; {
		packet, err := in.buffered()
		if err == nil && packet == nil {
			err = in.fill()
		}
		if err != nil {
			if err != end || n != len(want) {
				t.Errorf("%d packets, then %v; want %d, then %v", n, err, len(want), end)
			}
			return
		}
		if packet == nil {
			continue
		}
		if n >= len(want) || !bytes.Equal(packet, want[n]) {
			t.Fatalf("packet %d of %d bytes is wrong", n, len(packet))
		}
		n++
	}
}

// pieces hands out as many bytes at a time as the pattern says.
type pieces struct {
	r       io.Reader
	pattern []byte
	n       int
}

func (p *pieces) Read(b []byte) (int, error) {
	size := 1 << 10
	if len(p.pattern) > 0 {
		size = 1 << (p.pattern[p.n%len(p.pattern)] % 19)
		p.n++
	}
	return p.r.Read(b[:min(size, len(b))])
}

func TestInput(t *testing.T) {
	var sent []byte
	for i, size := range []int{1, 5, 32 << 10, 29, 4092, 4093, maxPacket, 1, maxPacket, maxPacket - 1, 32 << 10, 32 << 10, 4096, 100 << 10, 2} {
		sent = append(sent, frame(byte(i), bytes.Repeat([]byte{byte(i)}, size-1))...)
	}
	checkInput(t, sent, bytes.NewReader(sent))
	checkInput(t, sent, iotest.OneByteReader(bytes.NewReader(sent)))
	checkInput(t, sent, iotest.DataErrReader(bytes.NewReader(sent)))
	for step := range 19 {
		checkInput(t, sent, &pieces{bytes.NewReader(sent), []byte{byte(step), 18}, 0})
		checkInput(t, sent[:len(sent)-1], &pieces{bytes.NewReader(sent[:len(sent)-1]), []byte{byte(step)}, 0})
	}
}

// FuzzInput holds that the sizes of the pieces do not matter.
func FuzzInput(f *testing.F) {
	f.Add(append(frame(typeInit, uint32(3)), frame(typeStat, 1, "/")...), []byte{3, 0})
	f.Add(append(frame(typeWrite, 1, "h", uint64(0), make([]byte, 5000)), 0, 0, 1), []byte{12})
	f.Fuzz(func(t *testing.T, sent, pattern []byte) {
		checkInput(t, sent, &pieces{bytes.NewReader(sent), pattern, 0})
	})
}

// FuzzServe holds that no stream of a client breaks the server: what comes back is
// whole packets, one for each request at most, and nothing stays open or runs on.
func FuzzServe(f *testing.F) {
	h := string((&handle{generation: 1}).wire())
	hello := frame(typeInit, uint32(3))
	open := frame(typeOpen, 1, "/f", rd|wr|cr, 0)
	for _, list := range [][][]byte{
		{hello, open, frame(typeWrite, 2, h, uint64(1), "data"), frame(typeRead, 3, h, uint64(0), 9), frame(typeClose, 4, h)},
		{hello, open, frame(typeFsetstat, 2, h, attrSize, uint64(3)), frame(typeFstat, 3, h), frame(typeStat, 4, "/f")},
		{hello, frame(typeOpendir, 1, "/"), frame(typeReaddir, 2, h), frame(typeReaddir, 3, h), frame(typeClose, 4, h)},
		{hello, frame(typeMkdir, 1, "/d", 0), frame(typeRename, 2, "/d", "/e"), frame(typeRmdir, 3, "/e"), frame(typeRemove, 4, "/e")},
		{hello, frame(typeSymlink, 1, "f", "/l"), frame(typeReadlink, 2, "/l"), frame(typeLstat, 3, "/l"), frame(typeRealpath, 4, "..")},
		{hello, open, frame(typeExtended, 2, "copy-data", h, uint64(0), uint64(0), h, uint64(10))},
		{hello, frame(typeExtended, 2, "check-file-name", "/f", "md5", uint64(0), uint64(0), 0)},
		{hello, frame(typeExtended, 2, "users-groups-by-id@openssh.com", "\x00\x00\x00\x00", "")},
		{hello, frame(typeSetstat, 1, "/f", uint32(attrExtended), 1, "a", "b")},
	} {
		f.Add(bytes.Join(list, nil), []byte{5})
	}
	r := newRig(f)
	f.Fuzz(func(t *testing.T, sent, pattern []byte) {
		own := *r
		own.t = t
		s := own.open()
		defer s.Close()
		out := &collected{Reader: &pieces{bytes.NewReader(sent), pattern, 0}}
		c := newConn(out, s, "", &r.server.buffers)
		err := c.serve(t.Context())
		requests, end := packetsOf(sent)
		if err == nil || err != end && !errors.Is(err, ErrPacket) {
			t.Errorf("serve: %v; the stream: %v", err, end)
		}
		replies, end := packetsOf(out.Bytes())
		if end != io.EOF {
			t.Errorf("replies end with %v", end)
		}
		if len(replies) > len(requests) {
			t.Errorf("%d replies to %d requests", len(replies), len(requests))
		}
		if err == io.EOF && len(replies) != len(requests) {
			t.Errorf("%d replies to %d requests", len(replies), len(requests))
		}
		for _, reply := range replies {
			if len(reply) < 5 {
				t.Errorf("a reply of %d bytes", len(reply))
			}
		}
		if !c.lane.idle() || c.handles.otherFiles(nil) != 0 {
			t.Error("something is left")
		}
	})
}

// collected is a stream whose answers are kept.
type collected struct {
	io.Reader
	bytes.Buffer
}

func (c *collected) Read(p []byte) (int, error) { return c.Reader.Read(p) }
