package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"
)

// BenchmarkHookCost is what a durable hook costs those who upload files of 4 KiB:
// servers without a hook, with an HTTP hook and with a program hook take turns in
// one run, so that what else the machine does hits all of them. files/s is what
// clients see while events are recorded and delivered at the same time, p50 and p99
// are the time of an upload from open to the answer to close, and events/s what
// goes through the outbox from the first upload until the last event is delivered.
func BenchmarkHookCost(b *testing.B) {
	for _, mode := range []string{"0", "1"} {
		for _, sessions := range []int{1, parallel} {
			b.Run(fmt.Sprintf("mode=%s/sessions=%d", mode, sessions), func(b *testing.B) { hookCost(b, sessions, "COMMON__UPLOAD_MODE="+mode) })
		}
	}
}

// hooked is one of the servers.
type hooked struct {
	*measuredServer
	hook    string
	clients []func(name string)
	turns   int
	took    []time.Duration // of uploads
	wall    time.Duration   // of turns, until the last upload was answered
	through time.Duration   // and until the last event was delivered
	best    time.Duration   // wall of the best turn
}

func hookCost(b *testing.B, sessions int, settings ...string) {
	endpoint := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	b.Cleanup(endpoint.Close)
	program, err := exec.LookPath("true")
	must(b, err)
	var servers []*hooked
	for _, kind := range []struct{ hook, target string }{{"none", ""}, {"http", endpoint.URL}, {"program", program}} {
		s := &hooked{hook: kind.hook}
		own := slices.Clone(settings)
		if kind.target != "" {
			own = append(own, "COMMON__ACTIONS__HOOK="+kind.target, "COMMON__ACTIONS__EXECUTE_ON=upload")
		}
		s.measuredServer = startMeasured(b, own...)
		s.clients = s.uploaders("sftp")[:sessions]
		servers = append(servers, s)
	}
	for _, s := range servers { // warm: connections to the hook are open
		s.turn()
		s.took, s.wall, s.through, s.best = nil, 0, 0, 0
	}
	for b.Loop() {
		for _, s := range servers {
			s.turn()
		}
	}
	b.ReportMetric(0, "ns/op")
	base := servers[0]
	for _, s := range servers {
		slices.Sort(s.took)
		b.ReportMetric(float64(len(s.took))/s.wall.Seconds(), s.hook+"-files/s")
		b.ReportMetric(float64(s.quantile(50).Microseconds()), s.hook+"-p50-µs")
		b.ReportMetric(float64(s.quantile(99).Microseconds()), s.hook+"-p99-µs")
		if s != base {
			b.ReportMetric(base.best.Seconds()/s.best.Seconds(), s.hook+"-of-none")
			b.ReportMetric(float64(len(s.took))/s.through.Seconds(), s.hook+"-events/s")
		}
	}
}

func (s *hooked) quantile(percent int) time.Duration { return s.took[len(s.took)*percent/100] }

// turn uploads, waits for the events, and notes how long both took.
func (s *hooked) turn() {
	var mu sync.Mutex
	var running sync.WaitGroup
	start := time.Now()
	for i, upload := range s.clients {
		running.Go(func() {
			own := make([]time.Duration, 0, filesPerTurn)
			for n := range filesPerTurn {
				begin := time.Now()
				upload(fmt.Sprintf("/f%d-%d-%d", s.turns, i, n))
				own = append(own, time.Since(begin))
			}
			mu.Lock()
			defer mu.Unlock()
			s.took = append(s.took, own...)
		})
	}
	running.Wait()
	took := time.Since(start)
	s.wall += took
	if s.best == 0 || took < s.best {
		s.best = took
	}
	s.turns++
	for s.hook != "none" && s.metric("sftpgo_hook_deliveries_total") < float64(s.turns*len(s.clients)*filesPerTurn) {
		time.Sleep(time.Millisecond)
	}
	s.through += time.Since(start)
}
