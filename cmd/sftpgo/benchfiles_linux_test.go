package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	smallFile    = 4 << 10
	filesPerTurn = 125
	parallel     = 8
)

// BenchmarkSmallFiles uploads files of 4 KiB in eight sessions at a time.
// files/s is what the clients see. cpu-µs/file is what the server has used when
// all events are delivered; hook-µs/file is what the hook programs have used.
func BenchmarkSmallFiles(b *testing.B) {
	for _, proto := range []string{"sftp", "dav"} {
		for _, hook := range []string{"none", "http", "program"} {
			for _, mode := range []string{"0", "1"} {
				for _, quota := range []string{"0", "1"} {
					name := fmt.Sprintf("%s/hook=%s/mode=%s/quota=%s", proto, hook, mode, quota)
					b.Run(name, func(b *testing.B) {
						smallFiles(b, proto, hook, "COMMON__UPLOAD_MODE="+mode, "DATA_PROVIDER__TRACK_QUOTA="+quota)
					})
				}
			}
		}
	}
}

func smallFiles(b *testing.B, proto, hook string, settings ...string) {
	var posted atomic.Int64
	switch hook {
	case "http":
		endpoint := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { posted.Add(1) }))
		b.Cleanup(endpoint.Close)
		settings = append(settings, "COMMON__ACTIONS__HOOK="+endpoint.URL)
	case "program":
		program, err := exec.LookPath("true")
		must(b, err)
		settings = append(settings, "COMMON__ACTIONS__HOOK="+program)
	}
	if hook != "none" {
		settings = append(settings, "COMMON__ACTIONS__EXECUTE_ON=upload")
	}
	s := startMeasured(b, settings...)
	clients := s.uploaders(proto)
	turn := 0
	upload := func() {
		var sessions sync.WaitGroup
		for i, upload := range clients {
			sessions.Go(func() {
				for n := range filesPerTurn {
					upload(fmt.Sprintf("/f%d-%d-%d", turn, i, n))
				}
			})
		}
		sessions.Wait()
		turn++
	}
	delivered := func() {
		for hook != "none" && s.metric("sftpgo_hook_deliveries_total") < float64(turn*parallel*filesPerTurn) {
			time.Sleep(10 * time.Millisecond)
		}
	}
	upload() // warm: logins of WebDAV are remembered, connections to the hook are open
	delivered()
	begin, programs := s.process.cpu(), s.process.children()
	var wall time.Duration
	for b.Loop() {
		start := time.Now()
		upload()
		wall += time.Since(start)
		delivered()
	}
	files := float64(b.N * parallel * filesPerTurn)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(files/wall.Seconds(), "files/s")
	b.ReportMetric(float64((s.process.cpu()-begin).Microseconds())/files, "cpu-µs/file")
	if hook == "program" {
		b.ReportMetric(float64((s.process.children()-programs).Microseconds())/files, "hook-µs/file")
	}
	if hook == "http" && posted.Load() < int64(files) {
		b.Fatalf("%d events of %v files", posted.Load(), files)
	}
}

// uploaders returns one function for each session, which uploads a small file.
func (s *measuredServer) uploaders(proto string) []func(name string) {
	content := make([]byte, smallFile)
	list := make([]func(string), parallel)
	for i := range list {
		if proto == "dav" {
			c := s.webDAV()
			list[i] = func(name string) { c.put(name, bytes.NewReader(content), smallFile) }
			continue
		}
		c := s.dialSFTP()
		list[i] = func(name string) {
			f, err := c.Create(name)
			must(s.b, err)
			_, err = f.Write(content)
			must(s.b, err)
			must(s.b, f.Close())
		}
	}
	return list
}
