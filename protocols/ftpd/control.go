package ftpd

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/fclairamb/ftpserverlib"
)

const (
	maxLine   = 4096        // of a command; the library takes no more
	maxSkip   = 64 << 10    // of one that is longer, to answer it and go on
	writeTime = time.Minute // for a client to take one reply
)

// control is the control connection as the library sees it: each Read returns
// (part of) one command, each line written is one line of a reply. It outlives
// the change from clear text to TLS, which it makes itself.
type control struct {
	net.Conn  // TCP; for deadlines and addresses
	c         *client
	available *tls.Config // for AUTH TLS
	implicit  bool        // TLS from the first byte, and for all data
	reader    *bufio.Reader
	rest      []byte // of the current command, not yet read by the library
	closed    chan struct{}
	closing   sync.Once

	stream atomic.Pointer[net.Conn] // TCP, or TLS over it
	secure atomic.Bool

	turn    turn // for the driver, when the library has given it its turn
	again   bool // there was a login, which the library goes by when the next has begun
	epsvAll bool // EPSV ALL was said

	starting starting

	write   sync.Mutex
	out     []byte // begun line of a reply
	opening string // text of the next reply 150; "" is the library's
	unsaid  int    // code of the next reply that the client must not see
	ready   bool   // the client has said where the next data connection comes from
	outcome reply  // to the transfer that has ended last

	mu      sync.Mutex
	ending  bool
	goodbye string // sent before the end
}

func newControl(conn net.Conn, cfg *tls.Config, implicit bool, c *client) *control {
	t := &control{
		Conn: conn, c: c, available: cfg, implicit: implicit, closed: make(chan struct{}),
		goodbye: "Login timeout",
	}
	_ = conn.SetReadDeadline(time.Now().Add(loginTime)) // a closed connection shows itself at the next read
	if implicit {
		t.encrypt()
	} else {
		t.use(conn)
	}
	return t
}

func (t *control) use(stream net.Conn) {
	t.stream.Store(&stream)
	t.reader = bufio.NewReaderSize(stream, maxLine) // what the old one held is forgotten: RFC 4217, section 15.1
}

func (t *control) encrypt() {
	t.secure.Store(true)
	t.use(tls.Server(t.Conn, t.available))
}

func (t *control) isSecure() bool { return t.secure.Load() }

// Read gives the library the next command.
func (t *control) Read(p []byte) (int, error) {
	if len(t.rest) == 0 {
		line, err := t.next()
		if err != nil {
			return 0, err
		}
		t.rest = line
	}
	n := copy(p, t.rest)
	t.rest = t.rest[n:]
	return n, nil
}

// next returns the next command that is for the library.
func (t *control) next() ([]byte, error) {
	for {
		if t.hasToGo() {
			return nil, t.leave()
		}
		line, err := t.reader.ReadSlice('\n')
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, t.leave()
		case errors.Is(err, bufio.ErrBufferFull):
			t.c.log.Warn("command refused", "error", "line too long")
			ended := t.skipLine()
			t.reply("500 Line too long")
			if !ended {
				return nil, io.EOF
			}
			continue
		case err != nil:
			return nil, err // a begun command is not carried out: its name may be cut
		}
		t.c.touch()
		pass, err := t.screen(line)
		if err != nil {
			return nil, err
		}
		if pass != nil {
			return pass, nil
		}
	}
}

// skipLine reads the rest of a command that is too long: a client whose bytes were
// not read would be reset, and not see the reply. It reports whether there was an
// end to it.
func (t *control) skipLine() bool {
	for range maxSkip / maxLine {
		if _, err := t.reader.ReadSlice('\n'); !errors.Is(err, bufio.ErrBufferFull) {
			return err == nil
		}
	}
	return false
}

// screen decides about one command: it returns what the library gets to see, or
// nil if the command has been answered.
func (t *control) screen(line []byte) ([]byte, error) {
	line = bytes.TrimLeftFunc(line, isTelnet)
	text := strings.TrimRight(string(line), "\r\n")
	verb, arg, _ := strings.Cut(text, " ")
	if verb = strings.ToUpper(verb); misread(verb) {
		verb, line = unknownVerb, []byte(unknownVerb+"\r\n")
	}
	switch verb {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "PRI":
		t.c.log.Warn("HTTP request on the control connection, connection closed")
		return nil, io.EOF
	case "AUTH":
		t.auth(arg)
		return nil, nil
	case "PROT":
		return t.prot(arg), nil
	case "PASV", "PORT", "EPRT":
		return t.connect(verb, arg, line), nil
	case "USER":
		return t.user(arg, line), nil
	case "ABOR":
		return t.abort(line), nil
	}
	if !t.c.loggedIn() {
		return t.early(verb, arg, line), nil
	}
	line = t.serve(verb, arg, line)
	if isTransfer(line) {
		t.starting.begin()
	}
	return line, nil
}

// isTelnet tells bytes of the Telnet protocol, which RFC 959 wants before ABOR,
// from those of a verb: decoded one by one they are no characters.
func isTelnet(r rune) bool { return r == utf8.RuneError }

// early takes a command before the login. No transfer can run, so that it is
// answered at once.
func (t *control) early(verb, arg string, line []byte) []byte {
	a := t.c.action(verb)
	switch {
	case t.again && !open(verb) && !beforeLogin(verb):
		t.reply("530 Please login with USER and PASS")
		return nil
	case a == nil:
		return line
	case !open(verb):
		return []byte(siteLine) // the library wants the login first
	}
	r, err := a(t.c.ctx, nil, arg)
	if err != nil {
		r = refused(err)
	}
	t.say(r)
	return nil
}

// serve takes a command of a client that has logged in.
func (t *control) serve(verb, arg string, line []byte) []byte {
	switch verb {
	case "PASS":
		return t.refuse(&refusal{503, "Already logged in; USER begins another login"})
	case "LIST", "NLST", "MLSD":
		return t.c.listing(verb, arg)
	case "STOU":
		return t.c.storeUnique(arg)
	case "STAT":
		if arg == "" {
			t.say(t.c.serverStatus())
			return nil
		}
	case "EPSV":
		return t.epsv(arg)
	}
	if a := t.c.action(verb); a != nil {
		return t.later(func(ctx context.Context, d *driver) (reply, error) { return a(ctx, d, arg) })
	}
	if no := t.refusesName(verb, arg); no != nil {
		return t.refuseName(verb, no)
	}
	return line
}

// auth changes to TLS (RFC 4217, section 4).
func (t *control) auth(mechanism string) {
	if t.isSecure() || t.c.loggedIn() {
		t.reply("503 AUTH comes first, and once")
		return
	}
	switch strings.ToUpper(mechanism) {
	case "TLS", "TLS-C", "SSL":
	default:
		t.reply("504 Use AUTH TLS")
		return
	}
	t.reply("234 Go on with the TLS handshake")
	t.encrypt() // the next read makes the handshake, before the deadline of the login
}

// prot hands on what the library understands: it takes any argument but a
// capital P for clear text, and says 200.
func (t *control) prot(level string) []byte {
	switch strings.ToUpper(level) {
	case "P":
		return []byte("PROT P\r\n")
	case "C":
		if t.implicit {
			t.reply("534 Data connections have TLS here")
			return nil
		}
		return []byte("PROT C\r\n")
	case "S", "E":
		t.reply("536 Use PROT P or PROT C")
		return nil
	}
	t.reply("504 Use PROT P or PROT C")
	return nil
}

// Write sends the lines that are complete.
func (t *control) Write(p []byte) (int, error) {
	final, err := t.writeLines(p)
	if err != nil {
		return 0, err
	}
	if final {
		t.c.replied()
	}
	return len(p), nil
}

func (t *control) writeLines(p []byte) (final bool, err error) {
	t.write.Lock()
	defer t.write.Unlock()
	t.out = append(t.out, p...)
	end := bytes.LastIndexByte(t.out, '\n') + 1
	if end == 0 {
		return false, nil
	}
	var send []byte
	for line := range bytes.SplitAfterSeq(t.out[:end], []byte("\n")) {
		line = t.concluded(oneLine(rewrite(line)))
		t.notePassage(line)
		if t.opening != "" && codeOf(line) == ftpserver.StatusFileStatusOK {
			line, t.opening = []byte("150 "+t.opening+"\r\n"), ""
		}
		if t.unsaid != 0 && codeOf(line) == t.unsaid {
			t.unsaid = 0
			continue
		}
		final = final || codeOf(line) >= 200 && line[3] == ' '
		send = append(send, line...)
	}
	t.out = append(t.out[:0], t.out[end:]...)
	// A client that does not read its replies must not hold us for ever.
	if err := t.Conn.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return false, err
	}
	_, err = (*t.stream.Load()).Write(send)
	return final, err
}

// open says what the next reply 150 tells.
func (t *control) open(text string) {
	t.write.Lock()
	defer t.write.Unlock()
	t.opening = lineBreaks.Replace(text)
}

// suppress keeps the next reply with the code from the client.
func (t *control) suppress(code int) {
	t.write.Lock()
	defer t.write.Unlock()
	t.unsaid = code
}

// reply sends a line of our own. If that fails, the next read does too.
func (t *control) reply(line string) { _, _ = t.writeLines([]byte(line + "\r\n")) }

// keep ends the time limit of the login.
func (t *control) keep() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ending {
		_ = t.Conn.SetReadDeadline(time.Time{}) // a closed connection shows itself at the next read
	}
}

// limitLogin begins the time limit of another login.
func (t *control) limitLogin() {
	t.again = true
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ending {
		_ = t.Conn.SetReadDeadline(time.Now().Add(loginTime)) // a closed connection shows itself at the next read
	}
}

// farewell says what the client will be told at the end.
func (t *control) farewell(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.goodbye = text
}

// end makes the library read the end of the connection, after a farewell. It
// wakes a Read that waits.
func (t *control) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ending = true
	_ = t.Conn.SetReadDeadline(time.Unix(1, 0)) // fails only if it is closed
}

func (t *control) hasToGo() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ending
}

func (t *control) leave() error {
	t.mu.Lock()
	text := t.goodbye
	t.mu.Unlock()
	t.reply("421 " + text)
	return io.EOF
}

// Close is called by the library, perhaps more than once.
func (t *control) Close() error {
	t.closing.Do(func() {
		_ = (*t.stream.Load()).Close() // with TLS: says goodbye first
		close(t.closed)
	})
	return nil
}

// cut closes the connection under whatever goes on.
func (t *control) cut() { _ = t.Conn.Close() }
