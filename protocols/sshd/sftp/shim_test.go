package sftp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// pipe is a client's stream: what it sends, and what it got.
type pipe struct {
	io.Reader
	bytes.Buffer
}

func (p *pipe) Read(b []byte) (int, error) { return p.Reader.Read(b) }
func (*pipe) Close() error                 { return nil }

func frame(body ...byte) []byte { return appendFrame(nil, body) }

func extended(id uint32, name, rest string) []byte {
	b := binary.BigEndian.AppendUint32([]byte{typeExtended}, id)
	b = binary.BigEndian.AppendUint32(b, uint32(len(name)))
	return frame(append(b, name+rest...)...)
}

func TestShimPassesAndAnswers(t *testing.T) {
	first, second := frame(1, 0, 0, 0, 3), extended(7, "statvfs@openssh.com", "\x00\x00\x00\x01/")
	sent := append(append(append([]byte{}, first...), extended(5, limitsName, "")...), second...)
	p := &pipe{Reader: iotest.OneByteReader(bytes.NewReader(sent))}
	s := newShim(p)
	got, err := io.ReadAll(s)
	if err != nil || !bytes.Equal(got, append(append([]byte{}, first...), second...)) {
		t.Errorf("passed %x, %v", got, err)
	}
	want := appendFrame(nil, limitsReply(5))
	if !bytes.Equal(p.Bytes(), want) {
		t.Errorf("answered %x, want %x", p.Bytes(), want)
	}
	if len(want) != 4+1+4+32 {
		t.Errorf("reply of %d bytes", len(want))
	}
}

func TestShimReplacesVersion(t *testing.T) {
	p := &pipe{Reader: bytes.NewReader(nil)}
	s := newShim(p)
	version := frame(append([]byte{typeVersion, 0, 0, 0, 3}, "\x00\x00\x00\x01a\x00\x00\x00\x01b"...)...)
	data := frame(103, 1, 2, 3)
	for _, b := range append(version, data...) { // in the smallest pieces
		if _, err := s.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	want := append(appendFrame(nil, versionReply()), data...)
	if !bytes.Equal(p.Bytes(), want) {
		t.Errorf("sent %q, want %q", p.Bytes(), want)
	}
}

func TestShimKeepsFramesWhole(t *testing.T) {
	p := &pipe{Reader: bytes.NewReader(extended(9, limitsName, ""))}
	s := newShim(p)
	data := frame(103, 1, 2, 3, 4, 5)
	if _, err := s.Write(data[:7]); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("read: %v", err)
	}
	if !bytes.Equal(p.Bytes(), data[:7]) {
		t.Fatalf("a reply cut a frame in two: %x", p.Bytes())
	}
	if _, err := s.Write(data[7:]); err != nil {
		t.Fatal(err)
	}
	if want := append(data, appendFrame(nil, limitsReply(9))...); !bytes.Equal(p.Bytes(), want) {
		t.Errorf("sent %x, want %x", p.Bytes(), want)
	}
}

func TestShimRefusesLengths(t *testing.T) {
	for _, length := range []uint32{0, maxPacket + 1, 1 << 31, 1<<32 - 1} {
		p := &pipe{Reader: bytes.NewReader(binary.BigEndian.AppendUint32(nil, length))}
		p.Reader = io.MultiReader(p.Reader, bytes.NewReader(make([]byte, 10)))
		if _, err := newShim(p).Read(make([]byte, 10)); !errors.Is(err, errFrame) {
			t.Errorf("length %d: %v", length, err)
		}
	}
}

// FuzzShimRead holds that the shim hands out the client's frames unchanged but
// for its own, and answers each of those with one whole frame.
func FuzzShimRead(f *testing.F) {
	f.Add(append(frame(1, 0, 0, 0, 3), extended(1, limitsName, "")...), uint8(3))
	f.Add(extended(1, "limits@openssh.con", "x"), uint8(1))
	f.Add([]byte{0, 0, 0, 30, 200, 0, 0, 0, 1, 0, 0, 0, 18, 'l'}, uint8(9))
	f.Fuzz(func(t *testing.T, sent []byte, size uint8) {
		want, answers := passed(sent)
		p := &pipe{Reader: bytes.NewReader(sent)}
		s := newShim(p)
		var got []byte
		buf := make([]byte, int(size)+1)
		for {
			n, err := s.Read(buf)
			got = append(got, buf[:n]...)
			if err != nil {
				break
			}
		}
		if !bytes.Equal(got, want) {
			t.Errorf("passed %x, want %x", got, want)
		}
		if p.Len() != answers*len(appendFrame(nil, limitsReply(0))) {
			t.Errorf("%d bytes of answers to %d requests", p.Len(), answers)
		}
	})
}

// passed is the plain definition of what Read does.
func passed(sent []byte) (out []byte, answers int) {
	for len(sent) >= 5 {
		length := binary.BigEndian.Uint32(sent)
		if length == 0 || length > maxPacket {
			return out, answers
		}
		end := min(4+int(length), len(sent))
		ours := sent[4] == typeExtended && int(length) >= 9+len(limitsName) && end >= 13+len(limitsName) &&
			binary.BigEndian.Uint32(sent[9:]) == uint32(len(limitsName)) && string(sent[13:13+len(limitsName)]) == limitsName
		if ours {
			if end < 4+int(length) {
				return out, answers // cut: no answer
			}
			answers++
		} else {
			out = append(out, sent[:end]...)
		}
		sent = sent[end:]
	}
	return out, answers
}

// FuzzShimWrite holds that the size of the pieces does not matter.
func FuzzShimWrite(f *testing.F) {
	f.Add([]byte("abc"), uint8(1))
	f.Add(make([]byte, 300), uint8(7))
	f.Fuzz(func(t *testing.T, body []byte, size uint8) {
		if len(body) == 0 {
			return
		}
		frames := append(appendFrame(nil, body), frame(101, 0, 0, 0, 1)...)
		whole, pieces := &pipe{}, &pipe{}
		if _, err := newShim(whole).Write(frames); err != nil {
			t.Fatal(err)
		}
		s := newShim(pieces)
		for rest := frames; len(rest) > 0; {
			n := min(int(size)+1, len(rest))
			if m, err := s.Write(rest[:n]); m != n || err != nil {
				t.Fatal(m, err)
			}
			rest = rest[n:]
		}
		if !bytes.Equal(whole.Bytes(), pieces.Bytes()) {
			t.Errorf("whole %x, in pieces %x", whole.Bytes(), pieces.Bytes())
		}
		if body[0] != typeVersion && !bytes.Equal(whole.Bytes(), frames) {
			t.Errorf("sent %x, want %x", whole.Bytes(), frames)
		}
	})
}
