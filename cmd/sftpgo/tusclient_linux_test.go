package main

import (
	"bytes"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// tusJS runs a scenario of tus-js-client on Node, and returns the address of the
// upload.
func tusJS(t *testing.T, scenario, endpoint, file string) string {
	t.Helper()
	modules, err := nodeModules()
	noError(t, err)
	_, missing := os.Stat(filepath.Join(modules, "tus-js-client"))
	if _, err := exec.LookPath("node"); err != nil || missing != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("node or tus-js-client is missing; run .ci/clients")
		}
		t.Skip("node or tus-js-client is not installed")
	}
	cmd := exec.CommandContext(t.Context(), "node", "testdata/tus/client.cjs", scenario, endpoint, file, t.TempDir())
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", scenario, err, out, complaints.Bytes())
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}

// sumOf is the digest of what a server answers.
func sumOf(t *testing.T, url string) (status int, sum [sha256.Size]byte) {
	t.Helper()
	resp, err := http.Get(url)
	noError(t, err)
	defer resp.Body.Close()
	h := sha256.New()
	_, err = io.Copy(h, resp.Body)
	noError(t, err)
	return resp.StatusCode, [sha256.Size]byte(h.Sum(nil))
}

// TestTusJSClient is what applications do with tus-js-client, from Node.
func TestTusJSClient(t *testing.T) {
	srv := startTus(t, "--ietf-drafts", "6,8")
	file, content := randomFile(t, "file.bin", 3<<20+123)
	for _, scenario := range []string{
		"whole", "chunks", "creation_with_upload", "creation_with_part", "deferred", "parallel", "resume", "override", "empty", "terminate",
		"ietf", "ietf_chunks", "ietf_creation_with_upload", "ietf_deferred", "ietf_resume",
	} {
		t.Run(scenario, func(t *testing.T) {
			url := tusJS(t, scenario, srv.url("/files/"), file)
			status, got := sumOf(t, url)
			want := sha256.Sum256(content)
			switch scenario {
			case "terminate":
				if status != http.StatusNotFound && status != http.StatusGone {
					t.Errorf("GET %s: %d", url, status)
				}
				return
			case "empty":
				want = sha256.Sum256(nil)
			}
			if status != http.StatusOK || got != want {
				t.Errorf("GET %s: %d, and not what was sent", url, status)
			}
		})
	}
}

// cutter is a way to a server on which connections break: each time when so many
// bytes have passed in all.
type cutter struct {
	target string
	cuts   []int64 // ascending
	passed atomic.Int64
	done   atomic.Int32
	onCut  func(n int)

	mu   sync.Mutex
	open map[net.Conn]bool
}

func newCutter(t *testing.T, target string, cuts []int64, onCut func(n int)) (c *cutter, addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	noError(t, err)
	c = &cutter{target: target, cuts: cuts, onCut: onCut, open: map[net.Conn]bool{}}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { c.carry(client) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		c.cut()
		serving.Wait()
	})
	return c, l.Addr().String()
}

// cut breaks all connections.
func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // as a cable that is pulled, not as a good-bye
		}
		_ = conn.Close()
	}
}

func (c *cutter) keep(conn net.Conn, open bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if open {
		c.open[conn] = true
	} else {
		delete(c.open, conn)
		_ = conn.Close()
	}
}

func (c *cutter) carry(client net.Conn) {
	c.keep(client, true)
	defer c.keep(client, false)
	server, err := net.Dial("tcp", c.target)
	if err != nil {
		return // it is being started again
	}
	c.keep(server, true)
	var back sync.WaitGroup
	defer back.Wait()
	defer c.keep(server, false)
	back.Go(func() {
		_, _ = io.Copy(client, server)
		c.keep(client, false)
	})
	b := make([]byte, 16<<10)
	for {
		n, err := client.Read(b)
		if err != nil {
			return
		}
		if _, err := server.Write(b[:n]); err != nil {
			return
		}
		passed, k := c.passed.Add(int64(n)), c.done.Load()
		if int(k) < len(c.cuts) && passed >= c.cuts[k] && c.done.CompareAndSwap(k, k+1) {
			c.onCut(int(k))
			c.cut()
			return
		}
	}
}

// TestTusCut cuts one upload at 20 random places; at every fourth the server is
// killed, too. All of 2 GiB with -chaos, or 64 MiB.
func TestTusCut(t *testing.T) {
	size := 64 << 20
	if *chaos {
		size = 2 << 30
	}
	srv := startTus(t)
	path, sum := hugeFile(t, size)
	const cuts = 20
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	places := make([]int64, cuts)
	for i := range places {
		// What is sent again counts, so all places are passed.
		step := int64(size / (cuts + 1))
		places[i] = int64(i)*step + 1 + random.Int64N(step)
	}
	var restarting sync.WaitGroup
	c, addr := newCutter(t, srv.addr, places, func(n int) {
		if n%4 == 3 {
			restarting.Go(func() {
				srv.end(syscall.SIGKILL)
				srv.start()
			})
		}
	})
	url := tusJS(t, "retry", "http://"+addr+"/files/", path)
	restarting.Wait()
	if got := int(c.done.Load()); got != cuts {
		t.Errorf("%d of %d cuts", got, cuts)
	}
	if status, got := sumOf(t, url); status != http.StatusOK || got != sum {
		t.Errorf("GET %s: %d, and not what was sent", url, status)
	}
	if stored := srv.stored(); len(stored) != 1 {
		t.Errorf("%v: the upload was begun anew", stored)
	}
}

// hugeFile is written piece by piece.
func hugeFile(t *testing.T, size int) (path string, sum [sha256.Size]byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "huge.bin")
	f, err := os.Create(path)
	noError(t, err)
	defer f.Close()
	h := sha256.New()
	source := rand.NewChaCha8([32]byte{1})
	_, err = io.CopyN(io.MultiWriter(f, h), source, int64(size))
	noError(t, err)
	return path, [sha256.Size]byte(h.Sum(nil))
}
