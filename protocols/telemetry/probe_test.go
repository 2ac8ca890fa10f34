package telemetry

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// journal counts the lines written to it.
type journal struct{ lines atomic.Int32 }

func (j *journal) Write(p []byte) (int, error) {
	j.lines.Add(1)
	return len(p), nil
}

func TestProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			down atomic.Bool
			log  journal
		)
		m := NewMetrics()
		s, err := New(m, func(context.Context) error {
			if down.Load() {
				return errors.New("disk on fire")
			}
			return nil
		}, nil, slog.New(slog.NewTextHandler(&log, nil)), Config{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { s.probe(ctx); close(done) }()
		expect := func(want float64, lines int32) {
			t.Helper()
			synctest.Wait()
			var gauge dto.Metric
			if err := m.available.Write(&gauge); err != nil {
				t.Fatal(err)
			}
			if got := gauge.GetGauge().GetValue(); got != want {
				t.Errorf("availability %v, want %v", got, want)
			}
			if n := log.lines.Load(); n != lines {
				t.Errorf("%d lines in the log, want %d", n, lines)
			}
		}
		expect(1, 0)
		down.Store(true)
		time.Sleep(probeInterval)
		expect(0, 1)
		time.Sleep(probeInterval)
		expect(0, 1)
		down.Store(false)
		time.Sleep(probeInterval)
		expect(1, 2)
		cancel()
		<-done
	})
}

// A profile takes longer than any other request may.
func TestProfileOutlivesTheLimit(t *testing.T) {
	s, err := New(NewMetrics(), func(context.Context) error { return nil }, nil, slog.New(slog.DiscardHandler), Config{EnableProfiler: true})
	if err != nil {
		t.Fatal(err)
	}
	s.limit = 100 * time.Millisecond
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	response, err := http.Get("http://" + l.Addr().String() + "/debug/pprof/trace?seconds=0.5")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil || response.StatusCode != http.StatusOK || len(body) == 0 {
		t.Errorf("%d, %d bytes, %v", response.StatusCode, len(body), err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestUnboundedNeedsDeadlines(t *testing.T) {
	w := httptest.NewRecorder()
	unbounded(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/debug/pprof/", nil))
	if w.Code != http.StatusInternalServerError {
		t.Errorf("%d", w.Code)
	}
}
