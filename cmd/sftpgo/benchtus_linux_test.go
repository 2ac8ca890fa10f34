package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sftpgo/protocols/tus/tusdtest"
)

// tusBigFile is what the large upload of tus has.
const tusBigFile = 1 << 30

// tusTarget is a server of resumable uploads that costs something.
type tusTarget struct {
	b       *testing.B
	name    string // empty for ours
	process process
	url     string // of the collection
	user    string // empty: it has no users
	dir     string // where complete uploads are
	clients *http.Client
	told    *atomic.Int64 // events at its hook; nil: it has none
	due     int64
}

// tusTargets are our server, with users or stand-alone, and tusd, without a hook or with
// one over HTTP for complete uploads. Without tusd the benchmark is skipped.
func tusTargets(b *testing.B, alone, hooked bool) []*tusTarget {
	program := tusdtest.Program(b, "../..")
	ours, theirs := &tusTarget{b: b}, &tusTarget{b: b, name: "tusd", dir: memoryDir(b)}
	for _, s := range []*tusTarget{ours, theirs} {
		s.clients = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: parallel, WriteBufferSize: 256 << 10}}
		b.Cleanup(s.clients.CloseIdleConnections)
	}
	if alone {
		ours.dir = memoryDir(b)
		var args []string
		if hooked {
			args = []string{"--hooks", "post-finish", "--hooks-http-urls", ours.hook()}
		}
		p := startTus(b, append(args, "--data-dir", ours.dir, "--info-dir", ours.dir)...)
		ours.process, ours.url = process{b: b, pid: p.cmd.Process.Pid}, p.url("/files/")
	} else {
		ours.withUsers(hooked)
	}
	var args []string
	if hooked {
		args = []string{"-hooks-http", theirs.hook(), "-hooks-enabled-events", "post-finish"}
	}
	peer := tusdtest.Start(b, program, theirs.dir, args...)
	theirs.process, theirs.url = process{b: b, pid: peer.PID}, peer.URL+"/files/"
	return []*tusTarget{ours, theirs}
}

func (s *tusTarget) withUsers(hooked bool) {
	ports, err := quietPorts(1)
	must(s.b, err)
	port := strconv.Itoa(ports[0])
	settings := []string{"TUS__BINDINGS__0__ADDRESS=127.0.0.1", "TUS__BINDINGS__0__PORT=" + port}
	if hooked {
		settings = append(settings, "HOOKS__0__NAME=done", "HOOKS__0__TARGET="+s.hook(), "HOOKS__0__FORMAT=rustus", "HOOKS__0__EVENTS=post-finish")
	}
	m := startMeasured(s.b, settings...)
	s.process, s.url = m.process, "http://"+net.JoinHostPort("127.0.0.1", port)+"/files/"
	s.user, s.dir = measuredUser, m.home
}

// hook starts a receiver of events and returns its URL.
func (s *tusTarget) hook() string {
	s.told = &atomic.Int64{}
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // so that the connection can be used again
		s.told.Add(1)
	}))
	s.b.Cleanup(endpoint.Close)
	return endpoint.URL
}

// send sends one request and wants a status; header is of names and values.
func (s *tusTarget) send(method, url string, body io.Reader, size int64, status int, header ...string) http.Header {
	req, err := http.NewRequestWithContext(s.b.Context(), method, url, body)
	must(s.b, err)
	req.ContentLength = size
	if s.user != "" {
		req.SetBasicAuth(s.user, secretOfAll)
	}
	req.Header.Set("Tus-Resumable", "1.0.0")
	if size > 0 {
		req.Header.Set("Content-Type", "application/offset+octet-stream")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.clients.Do(req)
	must(s.b, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	must(s.b, err)
	if resp.StatusCode != status {
		s.b.Fatalf("%s %s: %s: %s", method, url, resp.Status, answer)
	}
	return resp.Header
}

func named(name string) string { return "filename " + base64.StdEncoding.EncodeToString([]byte(name)) }

// large uploads a file in requests of a size.
func (s *tusTarget) large(chunk int64) {
	at := s.send("POST", s.url, nil, 0, http.StatusCreated, "Upload-Length", strconv.Itoa(tusBigFile), "Upload-Metadata", named("large")).Get("Location")
	for offset := int64(0); offset < tusBigFile; offset += chunk {
		s.send("PATCH", at, io.LimitReader(endless{}, chunk), chunk, http.StatusNoContent, "Upload-Offset", strconv.FormatInt(offset, 10))
	}
	s.settle(1)
	s.clear(1, tusBigFile)
}

// small uploads files of 4 KiB in one request each, several at a time.
func (s *tusTarget) small() {
	content := make([]byte, smallFile)
	var workers sync.WaitGroup
	for w := range parallel {
		workers.Go(func() {
			for n := range filesPerTurn {
				s.send("POST", s.url, bytes.NewReader(content), smallFile, http.StatusCreated,
					"Upload-Length", strconv.Itoa(smallFile), "Upload-Metadata", named(fmt.Sprintf("f%d-%d", w, n)))
			}
		})
	}
	workers.Wait()
	s.settle(parallel * filesPerTurn)
}

// settle waits until the hook has been told of n more uploads.
func (s *tusTarget) settle(n int64) {
	if s.told == nil {
		return
	}
	s.due += n
	if !eventually(time.Minute, func() bool { return s.told.Load() >= s.due }) {
		s.b.Fatalf("%d events of %d", s.told.Load(), s.due)
	}
}

// clear removes what was uploaded, which must be n files of a size, or more.
func (s *tusTarget) clear(n int, size int64) {
	entries, err := os.ReadDir(s.dir)
	must(s.b, err)
	for _, e := range entries {
		if !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		path := filepath.Join(s.dir, e.Name())
		info, err := e.Info()
		must(s.b, err)
		if info.Size() == size && !strings.HasSuffix(path, ".info") {
			n--
		}
		must(s.b, os.Remove(path))
	}
	if n > 0 {
		s.b.Fatalf("%d files of %d bytes are missing in %s", n, size, s.dir)
	}
}

func tusContenders(list []*tusTarget, do func(s *tusTarget)) []contender {
	contenders := make([]contender, len(list))
	for i, s := range list {
		contenders[i] = contender{name: s.name, cost: s.process.cpu, once: func() { do(s) }}
	}
	return contenders
}

// BenchmarkTusLarge uploads a file of 1 GiB in one PATCH and in chunks of 8 MiB.
func BenchmarkTusLarge(b *testing.B) {
	for _, kind := range []string{"users", "alone"} {
		for name, chunk := range map[string]int64{"one": tusBigFile, "chunks": 8 << 20} {
			b.Run(kind+"/"+name, func(b *testing.B) {
				list := tusTargets(b, kind == "alone", false)
				perUnit(b, "GiB", 1, tusContenders(list, func(s *tusTarget) { s.large(chunk) })...)
			})
		}
	}
}

// BenchmarkTusSmall uploads files of 4 KiB with creation-with-upload over eight
// connections, without a hook and with one over HTTP. wall is what clients and hook wait
// for: the reciprocal is files per second.
func BenchmarkTusSmall(b *testing.B) {
	for _, kind := range []string{"users", "alone"} {
		for _, hook := range []string{"none", "http"} {
			for what, report := range map[string]func(*testing.B, string, float64, ...contender){"cpu": perUnit, "wall": wallPerUnit} {
				b.Run(kind+"/hook="+hook+"/"+what, func(b *testing.B) {
					list := tusTargets(b, kind == "alone", hook == "http")
					const files = parallel * filesPerTurn
					report(b, "file", files, tusContenders(list, func(s *tusTarget) { s.small() })...)
					for _, s := range list {
						s.clear(files, smallFile)
					}
				})
			}
		}
	}
}
