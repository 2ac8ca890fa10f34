package telemetry_test

import (
	"context"
	"errors"
	"flag"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
	"sftpgo/protocols/telemetry"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// ours returns the lines of our own metrics that do not change with time.
func ours(page string) string {
	var lines []string
	for line := range strings.Lines(page) {
		if strings.Contains(line, "sftpgo_") && !regexp.MustCompile(`^sftpgo_hook_delivery_(lag_)?seconds_|queue_age_seconds\{`).MatchString(line) {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func TestMetricsPage(t *testing.T) {
	m := telemetry.NewMetrics()
	if err := m.WatchBacklog(func(context.Context) ([]dataprovider.Backlog, error) {
		return []dataprovider.Backlog{{Target: "actions", Queued: 3, Dead: 1, Oldest: time.Now().Add(-time.Minute)}, {Target: "idle"}}, nil
	}); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	m.SessionsChanged(4)
	m.SessionsChanged(2)
	m.TransferDone(session.Upload, 100, nil)
	m.TransferDone(session.Upload, 20, nil)
	m.TransferDone(session.Upload, 3, refused)
	m.TransferDone(session.Download, 7, nil)
	m.TransferDone(session.Download, 1, refused)
	m.TransferDone(session.Download, 1, refused)
	m.LoginDone(dataprovider.LoginPassword, nil)
	m.LoginDone(dataprovider.LoginPassword, refused)
	m.LoginDone(dataprovider.LoginPassword, refused)
	m.LoginDone(dataprovider.LoginPublicKey, nil)
	m.LoginDone("something new", refused)
	m.LoginDone(telemetry.MethodNone, refused)
	m.Delivered("actions", time.Millisecond, time.Second)
	m.Delivered("actions", time.Second, time.Minute)
	m.Failed("actions", time.Second)
	m.Dead("actions")
	m.Held("actions", "refuse")

	r := start(t, m, healthy, loopback())
	var page string
	for page == "" || strings.Contains(page, "sftpgo_dataprovider_availability 0") { // until the first probe
		var status int
		if status, page = r.get("/metrics", "", ""); status != http.StatusOK {
			t.Fatalf("%d: %s", status, page)
		}
	}
	for _, name := range []string{"go_goroutines ", "process_open_fds ", "promhttp_metric_handler_requests_total",
		`sftpgo_hook_queue_age_seconds{hook="actions"} 6`, `sftpgo_hook_delivery_seconds_count{hook="actions"} 3`} {
		if !strings.Contains(page, "\n"+name) {
			t.Errorf("%s is missing", name)
		}
	}
	const golden = "testdata/metrics.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(ours(page)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), ours(page)); diff != "" {
		t.Error(diff)
	}
}

func TestBacklogThatCannotBeRead(t *testing.T) {
	m := telemetry.NewMetrics()
	ask := func(context.Context) ([]dataprovider.Backlog, error) { return nil, errors.New("locked") }
	if err := m.WatchBacklog(ask); err != nil {
		t.Fatal(err)
	}
	if err := m.WatchBacklog(ask); err == nil {
		t.Error("a second backlog is accepted")
	}
	status, page := start(t, m, healthy, loopback()).get("/metrics", "", "")
	if status != http.StatusOK || !strings.Contains(page, "sftpgo_uploads_total 0") {
		t.Errorf("%d: the other metrics are lost", status)
	}
}
