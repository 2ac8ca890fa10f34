//go:build unix

package sshd_test

import (
	"bufio"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// hostile makes the floods as long as they are meant to be; without it they are
// a tenth of that.
var hostile = flag.Bool("hostile", false, "run the tests of hostile clients at full length, which takes a minute")

func flood(full int) int {
	if *hostile {
		return full
	}
	return full / 10
}

// flat returns a function that fails the test if the memory in use has grown by
// more than limit since. What is garbage does not count.
func flat(t *testing.T, limit uint64) (check func()) {
	before := inUse()
	return func() {
		t.Helper()
		after := inUse()
		grown := max(after, before) - before
		t.Logf("memory grew by %d KiB", grown>>10)
		if grown > limit {
			t.Errorf("memory grew by %d MiB, more than %d", grown>>20, limit>>20)
		}
	}
}

// loginTime reports how long a valid login takes, up to the first answer.
func loginTime(t *testing.T, r *rig) {
	t.Helper()
	begin := time.Now()
	works(t, r.dial())
	took := time.Since(begin)
	t.Logf("a login takes %v", took.Round(time.Millisecond))
	if took > 5*time.Second {
		t.Errorf("a login takes %v", took)
	}
}

// TestHalfOpenFlood has 10,000 clients of 200 addresses, in another process, that
// do not log in: some say nothing, some stop after their version, some in the key
// exchange.
func TestHalfOpenFlood(t *testing.T) {
	const clients = 10_000
	r := start(t, quiet)
	check := r.bystander(t)
	memory := flat(t, 128<<20)
	cmd := exec.Command(os.Args[0], "-test.run=^TestHalfOpenClients$")
	cmd.Env = append(os.Environ(), fmt.Sprintf("HALF_OPEN=%d %s", clients, r.addr))
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	defer func() {
		in.Close()
		must(t, cmd.Wait())
	}()
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "ready" { // each line is a thousand clients
		if strings.HasPrefix(lines.Text(), "no ") {
			t.Skip(lines.Text())
		}
		loginTime(t, r)
	}
	must(t, lines.Err())
	loginTime(t, r)
	memory()
	check()
}

// TestHalfOpenClients is the other process of TestHalfOpenFlood.
func TestHalfOpenClients(t *testing.T) {
	text := os.Getenv("HALF_OPEN")
	if text == "" {
		t.Skip("not a test of its own: it holds the clients of another")
	}
	var clients int
	var addr string
	_, err := fmt.Sscan(text, &clients, &addr)
	must(t, err)
	for i := range clients {
		c, err := rawDial(addr, fmt.Sprintf("127.0.%d.%d", 1+i%200/100, 1+i%100))
		if err != nil {
			fmt.Println("no 10,000 connections here:", err)
			return
		}
		defer c.Close()
		// The server has ended the connection, if it had to make room.
		switch i % 4 {
		case 1:
			_, _ = io.WriteString(c, "SSH-2.0-half")
		case 2:
			_, _ = io.WriteString(c, rawVersion+"\r\n")
		case 3:
			_, _ = io.WriteString(c, rawVersion+"\r\n")
			_ = c.send(c.kexInit()...)
		}
		if (i+1)%1000 == 0 {
			fmt.Println(i + 1)
		}
	}
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	must(t, err)
}

// sftpReply is where the kinds of the replies of SFTP begin in what drain counts.
const sftpReply = 1000

// drain reads what the server sends until the connection ends, and counts the
// packets of each kind, and those of SFTP in channel 0.
func (c *rawClient) drain() (count func(kind int) int) {
	var mu sync.Mutex
	seen := map[int]int{}
	go func() {
		var stream []byte
		for {
			p, err := c.receive()
			if err != nil {
				return
			}
			mu.Lock()
			seen[int(p[0])]++
			if p[0] == msgChannelData {
				stream = append(stream, p[9:]...)
			}
			for len(stream) > 4 {
				end := 4 + int(binary.BigEndian.Uint32(stream))
				if len(stream) < end {
					break
				}
				seen[sftpReply+int(stream[4])]++
				stream = stream[end:]
			}
			mu.Unlock()
		}
	}()
	return func(kind int) int {
		mu.Lock()
		defer mu.Unlock()
		return seen[kind]
	}
}

func TestChannelOpenFlood(t *testing.T) {
	opens := flood(100_000)
	r := start(t, quiet)
	check := r.bystander(t)
	c := r.rawClient(t, "login")
	memory := flat(t, 16<<20)
	count := c.drain()
	for i := range opens {
		kind := "session"
		if i%2 == 0 {
			kind = "direct-tcpip"
		}
		must(t, c.message(msgChannelOpen, struct {
			Type                string
			ID, Window, MaxSize uint32
		}{kind, uint32(i), 1 << 20, 32 << 10}))
	}
	eventually(t, "all answered", func() bool { return count(msgChannelOpened)+count(msgOpenFailure) == opens })
	if n := count(msgChannelOpened); n == 0 || n > 64 {
		t.Errorf("%d channels opened", n)
	}
	loginTime(t, r)
	memory()
	check()
}

func TestFileOpenFlood(t *testing.T) {
	opens := flood(100_000)
	r := start(t, quiet)
	r.write("f", "x")
	check := r.bystander(t)
	c := r.rawClient(t, "channel")
	must(t, c.data(sftpFrame(1, struct{ Version uint32 }{3})))
	memory := flat(t, 32<<20)
	count := c.drain()
	must(t, c.message(msgWindowAdjust, struct{ ID, Bytes uint32 }{0, 1 << 30}))
	for i := range opens {
		err := c.data(sftpFrame(3, struct {
			ID           uint32
			Name         string
			Flags, Attrs uint32
		}{uint32(i), "/f", 1, 0}))
		must(t, err)
		if i%10_000 == 9999 { // the window of the server is 2 MiB
			eventually(t, "answers", func() bool { return count(sftpReply+101)+count(sftpReply+102) == i+1 })
		}
	}
	if n := count(sftpReply + 102); n == 0 || n > 1024 {
		t.Errorf("%d handles", n)
	}
	loginTime(t, r)
	memory()
	check()
	if n := openFiles(t, r.home); n > 1024+1 {
		t.Errorf("%d files are open", n)
	}
}

// openFiles counts the descriptors of this process for what is below dir.
func openFiles(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0 // no such thing on this system
	}
	n := 0
	for _, e := range entries {
		if path, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(path, dir+"/") {
			n++
		}
	}
	return n
}

// TestRequestFlood sends what asks for an answer, and what asks for none, before
// and in a channel.
func TestRequestFlood(t *testing.T) {
	requests := flood(300_000)
	r := start(t, quiet)
	check := r.bystander(t)
	c := r.rawClient(t, "channel")
	memory := flat(t, 16<<20)
	count := c.drain()
	for i := range requests {
		wants := i%3 == 0
		var err error
		switch i % 4 {
		case 0:
			err = c.message(msgGlobalRequest, struct {
				Name string
				Want bool
			}{"tcpip-forward", wants})
		case 1:
			err = c.message(msgChannelRequest, struct {
				ID   uint32
				Name string
				Want bool
			}{0, "window-change", wants})
		case 2:
			err = c.message(msgPing, struct{ S string }{"ping"})
		case 3:
			err = c.message(msgChannelSuccess, struct{ ID uint32 }{0})
		}
		must(t, err)
	}
	loginTime(t, r)
	eventually(t, "all pings answered", func() bool { return count(msgPing+1) == requests/4 })
	memory()
	check()
}

// TestRekeyFlood: a client that exchanges keys all the time.
func TestRekeyFlood(t *testing.T) {
	r := start(t, quiet)
	check := r.bystander(t)
	c := r.rawClient(t, "channel")
	memory := flat(t, 16<<20)
	for range flood(5000) {
		must(t, c.exchange())
	}
	must(t, c.message(msgPing, struct{ S string }{"still there"}))
	_, err := c.await(msgPing + 1)
	must(t, err)
	loginTime(t, r)
	memory()
	check()
}

// TestNeverReads: clients that ask and ask, and never read an answer. What is
// kept for each is bounded by the window of its channel and by the kernel.
func TestNeverReads(t *testing.T) {
	const clients = 10
	r := start(t, quiet)
	r.write("f", strings.Repeat("x", 1<<20))
	check := r.bystander(t)
	memory := flat(t, clients*(4<<20))
	var all sync.WaitGroup
	for range clients {
		c := r.rawClient(t, "channel")
		must(t, c.message(msgWindowAdjust, struct{ ID, Bytes uint32 }{0, 1 << 31}))
		must(t, c.data(sftpFrame(1, struct{ Version uint32 }{3})))
		must(t, c.data(sftpFrame(3, struct {
			ID           uint32
			Name         string
			Flags, Attrs uint32
		}{1, "/f", 1, 0})))
		must(t, c.SetWriteDeadline(time.Now().Add(time.Second)))
		all.Go(func() {
			for i := range uint32(1 << 20) {
				// The handle is a guess; that it may be wrong makes no difference.
				err := c.data(sftpFrame(5, struct {
					ID     uint32
					Handle string
					Offset uint64
					Length uint32
				}{i, "1", 0, 32 << 10}))
				if err == nil {
					err = c.message(msgPing, struct{ S string }{"read me"})
				}
				if err != nil {
					return // the server takes no more
				}
			}
			t.Error("the server takes all")
		})
	}
	all.Wait()
	loginTime(t, r)
	memory()
	check()
}

// TestSlowClients trickle their bytes.
func TestSlowClients(t *testing.T) {
	r := start(t, quiet)
	check := r.bystander(t)
	c := r.rawClient(t, "channel")
	frame := c.packet(append([]byte{msgChannelData}, append(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 0), 9), 0, 0, 0, 5, 1, 0, 0, 0, 3)...))
	for i, b := range frame {
		_, err := c.Write([]byte{b})
		must(t, err)
		if i%10 == 0 {
			check()
		}
	}
	p, err := c.await(msgChannelData)
	if err != nil || p[13] != 2 {
		t.Errorf("answer to INIT: %q, %v", p, err)
	}
}
