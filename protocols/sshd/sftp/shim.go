package sftp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"sync"
)

// Packet types of draft 02, section 3.
const (
	typeVersion       = 2
	typeExtended      = 200
	typeExtendedReply = 201
)

// limitsName is the extension that lets OpenSSH 8.5 and later send and ask for
// packets above 32 KiB (PROTOCOL, section 4.8 of OpenSSH).
const limitsName = "limits@openssh.com"

var errFrame = errors.New("packet length out of range")

// peekSize holds a request with two of the longest names (vfs.MaxName). A name
// beyond it is left to the session, which takes no longer one.
const peekSize = 16 << 10

// extensions are the pairs that VERSION announces: what is honoured and nothing
// else.
func extensions() [][2]string {
	return [][2]string{
		{"posix-rename@openssh.com", "1"},
		{"statvfs@openssh.com", "2"},
		{limitsName, "1"},
	}
}

// shim sits between the client's stream and pkg/sftp. It replaces the VERSION
// packet by one with our extensions, answers the extended requests that the
// library does not know, and refuses requests for names that the library would
// repair. Everything else passes unchanged.
//
// A frame is a 4-byte length and as many bytes, the first of which is the type.
type shim struct {
	closer io.Closer
	check  func(op, name string) error // nil: any name passes

	in      *bufio.Reader
	left    int // bytes of the current incoming frame still to pass on
	pending *pending

	mu     sync.Mutex // of all below
	out    io.Writer
	head   []byte // first bytes of an outgoing frame, until its type is known
	rest   int    // bytes of the current outgoing frame still to come
	skip   bool   // they are not to be sent
	queued []byte // whole frames of our own that wait for the current one to end
}

func newShim(rw io.ReadWriteCloser) *shim {
	return &shim{closer: rw, in: bufio.NewReader(rw), out: rw, head: make([]byte, 0, 5), pending: newPending()}
}

// Read hands out the client's frames, but for those the shim answers itself.
func (s *shim) Read(p []byte) (int, error) {
	for s.left == 0 {
		if err := s.nextFrame(); err != nil {
			return 0, err
		}
	}
	n, err := s.in.Read(p[:min(len(p), s.left)])
	s.left -= n
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// nextFrame looks at the next frame. It consumes and answers one of ours, and
// otherwise sets left so that the frame, its length included, passes.
func (s *shim) nextFrame() error {
	head, err := s.in.Peek(5)
	if err != nil {
		if err == io.EOF && len(head) > 0 {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	length := binary.BigEndian.Uint32(head)
	if length == 0 || length > maxPacket {
		return errFrame
	}
	if head[4] == typeExtended {
		if id, ok := s.limitsRequest(int(length)); ok {
			if _, err := s.in.Discard(4 + int(length)); err != nil {
				return io.ErrUnexpectedEOF
			}
			return s.reply(limitsReply(id))
		}
	}
	if answer := s.refusal(int(length)); answer != nil {
		if _, err := s.in.Discard(4 + int(length)); err != nil {
			return io.ErrUnexpectedEOF
		}
		return s.reply(answer)
	}
	if err := s.pending.begin(); err != nil {
		return err
	}
	s.left = 4 + int(length)
	return nil
}

// peek looks at the next n bytes. The buffer is small, because what is buffered is
// copied once more, and grows for the first long name.
func (s *shim) peek(n int) ([]byte, error) {
	if n > s.in.Size() {
		s.in = bufio.NewReaderSize(s.in, peekSize)
	}
	return s.in.Peek(n)
}

// refusal returns the answer to the frame at hand, of that length, when it names
// what no operation accepts; else nil.
func (s *shim) refusal(length int) []byte {
	if s.check == nil || length < 5 {
		return nil
	}
	frame, err := s.in.Peek(5)
	if err != nil {
		return nil // pkg/sftp will meet the same end of the stream
	}
	if !namesFiles(frame[4]) {
		return nil
	}
	if frame, err = s.peek(min(4+length, peekSize)); err != nil {
		return nil
	}
	op, names := requestNames(frame[4:])
	for _, name := range names {
		if err := s.check(op, name); err != nil {
			return nameRefused(frame[4:], err)
		}
	}
	return nil
}

// limitsRequest reports whether the frame at hand, of that length, is
// limits@openssh.com, and its request id.
func (s *shim) limitsRequest(length int) (id uint32, ok bool) {
	const want = 1 + 4 + 4 + len(limitsName)
	if length < want {
		return 0, false
	}
	frame, err := s.in.Peek(4 + want)
	if err != nil {
		return 0, false // pkg/sftp will meet the same end of the stream
	}
	body := frame[4:]
	if binary.BigEndian.Uint32(body[5:]) != uint32(len(limitsName)) || string(body[9:]) != limitsName {
		return 0, false
	}
	return binary.BigEndian.Uint32(body[1:]), true
}

func limitsReply(id uint32) []byte {
	b := []byte{typeExtendedReply}
	b = binary.BigEndian.AppendUint32(b, id)
	b = binary.BigEndian.AppendUint64(b, maxPacket)
	b = binary.BigEndian.AppendUint64(b, maxData)
	b = binary.BigEndian.AppendUint64(b, maxData)
	b = binary.BigEndian.AppendUint64(b, maxHandles)
	return b
}

func versionReply() []byte {
	b := []byte{typeVersion}
	b = binary.BigEndian.AppendUint32(b, 3)
	for _, e := range extensions() {
		for _, text := range e {
			b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
			b = append(b, text...)
		}
	}
	return b
}

func appendFrame(b, body []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
	return append(b, body...)
}

// reply sends a frame of our own as soon as no other frame is half sent.
func (s *shim) reply(body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queued = appendFrame(s.queued, body)
	return s.flush()
}

// flush sends what waits, at the end of a frame only.
func (s *shim) flush() error {
	if s.rest > 0 || len(s.head) > 0 || len(s.queued) == 0 {
		return nil
	}
	_, err := s.out.Write(s.queued)
	s.queued = s.queued[:0]
	return err
}

// Write takes the frames of pkg/sftp, in pieces of any size.
func (s *shim) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	total := len(p)
	for len(p) > 0 {
		n, err := s.writePiece(p)
		if err != nil {
			s.pending.close()
			return total - len(p), err
		}
		p = p[n:]
		if s.rest == 0 && len(s.head) == 0 {
			s.pending.end()
		}
	}
	return total, s.flush()
}

// writePiece sends a first part of p that lies inside one frame, and returns
// its length.
func (s *shim) writePiece(p []byte) (int, error) {
	if s.rest == 0 {
		n := min(5-len(s.head), len(p))
		if len(s.head) == 0 && n == 5 {
			return s.writeFrame(p)
		}
		s.head = append(s.head, p[:n]...)
		if len(s.head) < 5 {
			return n, nil
		}
		head := s.head
		s.head = s.head[:0]
		_, err := s.writeFrame(head)
		return n, err
	}
	n := min(s.rest, len(p))
	s.rest -= n
	if s.skip {
		return n, nil
	}
	_, err := s.out.Write(p[:n])
	return n, err
}

// writeFrame begins a frame with p, which has at least the length and the type.
// It writes as much of the frame as p holds in one go, because each Write
// becomes an SSH packet.
func (s *shim) writeFrame(p []byte) (int, error) {
	length := int(binary.BigEndian.Uint32(p))
	n := min(4+length, len(p))
	s.rest, s.skip = 4+length-n, p[4] == typeVersion
	if s.skip {
		_, err := s.out.Write(appendFrame(nil, versionReply()))
		return n, err
	}
	_, err := s.out.Write(p[:n])
	return n, err
}

// Close ends the stream; a Read under way returns.
func (s *shim) Close() error {
	s.pending.close()
	return s.closer.Close()
}
