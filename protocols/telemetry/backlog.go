package telemetry

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sftpgo/dataprovider"
)

// WatchBacklog adds what waits for each hook to the metrics; ask is called for
// each scrape. It may be called once.
func (m *Metrics) WatchBacklog(ask func(context.Context) ([]dataprovider.Backlog, error)) error {
	err := m.registry.Register(&backlog{
		ask: ask,
		queue: prometheus.NewDesc("sftpgo_hook_queue",
			"Events that wait for a hook: queued, or dead (given up and kept).", []string{"hook", "state"}, nil),
		age: prometheus.NewDesc("sftpgo_hook_queue_age_seconds",
			"Age of the oldest event that is queued for a hook.", []string{"hook"}, nil),
	})
	if err != nil {
		return fmt.Errorf("metrics of the hooks: %w", err)
	}
	return nil
}

// backlog is a prometheus.Collector.
type backlog struct {
	ask        func(context.Context) ([]dataprovider.Backlog, error)
	queue, age *prometheus.Desc
}

func (b *backlog) Describe(ch chan<- *prometheus.Desc) {
	ch <- b.queue
	ch <- b.age
}

func (b *backlog) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), probeLimit)
	defer cancel()
	hooks, err := b.ask(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(b.queue, err)
		return
	}
	for _, h := range hooks {
		age := 0.0
		if !h.Oldest.IsZero() {
			age = max(0, time.Since(h.Oldest).Seconds())
		}
		ch <- prometheus.MustNewConstMetric(b.queue, prometheus.GaugeValue, float64(h.Queued), h.Target, "queued")
		ch <- prometheus.MustNewConstMetric(b.queue, prometheus.GaugeValue, float64(h.Dead), h.Target, "dead")
		ch <- prometheus.MustNewConstMetric(b.age, prometheus.GaugeValue, age, h.Target)
	}
}
