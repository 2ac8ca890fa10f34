package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
)

// MethodNone is the login method of a client that left without trying one.
const MethodNone = "no_auth_tryed"

// Metrics is what the server counts. It implements what the layers that count
// ask for, and is safe for concurrent use. The names without labels are those
// that existing dashboards know.
type Metrics struct {
	registry *prometheus.Registry

	available               prometheus.Gauge
	sessions                prometheus.Gauge
	transfers               map[session.Direction]transfers
	commands, commandErrors prometheus.Counter
	noAuth                  prometheus.Counter
	logins                  logins
	byMethod                map[string]logins

	deliveries *prometheus.CounterVec
	delivery   *prometheus.HistogramVec
	lag        *prometheus.HistogramVec
	held       *prometheus.CounterVec
}

var _ session.Metrics = (*Metrics)(nil)

type transfers struct{ done, failed, size prometheus.Counter }

type logins struct{ attempts, ok, failed prometheus.Counter }

// NewMetrics returns counters at zero, on a registry of their own together with
// those of the Go runtime and the process.
func NewMetrics() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	m.available = m.gauge("sftpgo_dataprovider_availability", "1 if the data store answers, else 0.")
	m.sessions = m.gauge("sftpgo_active_connections", "Sessions of logged-in clients.")
	m.transfers = map[session.Direction]transfers{
		session.Upload:   m.transferCounters("upload"),
		session.Download: m.transferCounters("download"),
	}
	m.commands = m.counter("sftpgo_ssh_commands_total", "SSH commands, but for scp, that succeeded.")
	m.commandErrors = m.counter("sftpgo_ssh_command_errors_total", "SSH commands, but for scp, that failed.")
	m.noAuth = m.counter("sftpgo_no_auth_total", "Clients that left without trying to log in.")
	m.logins = m.loginCounters("sftpgo_login", "with any method")
	m.byMethod = map[string]logins{
		dataprovider.LoginPassword:            m.loginCounters("sftpgo_password_login", "with a password"),
		dataprovider.LoginPublicKey:           m.loginCounters("sftpgo_public_key_login", "with a public key"),
		dataprovider.LoginKeyboardInteractive: m.loginCounters("sftpgo_keyboard_interactive_login", "with keyboard-interactive"),
		dataprovider.LoginKeyAndPassword:      m.loginCounters("sftpgo_key_and_password_login", "with a public key and a password"),
		dataprovider.LoginKeyAndKeyboard:      m.loginCounters("sftpgo_key_and_keyboard_int_login", "with a public key and keyboard-interactive"),
		dataprovider.LoginTLSCertificate:      m.loginCounters("sftpgo_tls_cert_login", "with a TLS certificate"),
		dataprovider.LoginTLSAndPassword:      m.loginCounters("sftpgo_tls_cert_and_pwd_login", "with a TLS certificate and a password"),
	}
	m.deliveries = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sftpgo_hook_deliveries_total",
		Help: "Events handed to a hook: ok, failed (an attempt, another may follow) or dead (given up).",
	}, []string{"hook", "result"})
	m.delivery = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "sftpgo_hook_delivery_seconds",
		Help:    "Time of the attempts to hand an event to a hook.",
		Buckets: []float64{.001, .005, .02, .1, .5, 2, 10, 30, 60},
	}, []string{"hook"})
	m.lag = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "sftpgo_hook_delivery_lag_seconds",
		Help:    "Time from the recording of an event until a hook has acknowledged it.",
		Buckets: []float64{.01, .1, 1, 10, 60, 600, 3600, 21600, 86400},
	}, []string{"hook"})
	m.held = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sftpgo_hook_held_uploads_total",
		Help: "Uploads that were held up (slow) or refused (refuse) because too many events wait for a hook.",
	}, []string{"hook", "policy"})
	m.registry.MustRegister(m.deliveries, m.delivery, m.lag, m.held)
	return m
}

func (m *Metrics) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) gauge(name, help string) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	m.registry.MustRegister(g)
	return g
}

func (m *Metrics) transferCounters(what string) transfers {
	return transfers{
		done:   m.counter("sftpgo_"+what+"s_total", "Complete "+what+"s."),
		failed: m.counter("sftpgo_"+what+"_errors_total", "Failed "+what+"s."),
		size:   m.counter("sftpgo_"+what+"_size", "Bytes of "+what+"s, failed ones included."),
	}
}

func (m *Metrics) loginCounters(prefix, how string) logins {
	return logins{
		attempts: m.counter(prefix+"_attempts_total", "Attempts to log in "+how+"."),
		ok:       m.counter(prefix+"_ok_total", "Successful logins "+how+"."),
		failed:   m.counter(prefix+"_ko_total", "Refused logins "+how+"."),
	}
}

func (l logins) count(err error) {
	l.attempts.Inc()
	if err != nil {
		l.failed.Inc()
		return
	}
	l.ok.Inc()
}

// SessionsChanged tells how many sessions there are.
func (m *Metrics) SessionsChanged(active int) { m.sessions.Set(float64(active)) }

// TransferDone counts one ended transfer: the bytes moved, and nil or why it
// failed.
func (m *Metrics) TransferDone(dir session.Direction, bytes int64, err error) {
	t, ok := m.transfers[dir]
	if !ok {
		return
	}
	t.size.Add(float64(max(bytes, 0)))
	if err != nil {
		t.failed.Inc()
		return
	}
	t.done.Inc()
}

// CommandDone counts one ended SSH command; err is nil or why it failed.
func (m *Metrics) CommandDone(err error) {
	if err != nil {
		m.commandErrors.Inc()
		return
	}
	m.commands.Inc()
}

// LoginDone counts one login with a method as filters and hooks name it; err is
// nil or why it failed. MethodNone is no login.
func (m *Metrics) LoginDone(method string, err error) {
	if method == MethodNone {
		m.noAuth.Inc()
		return
	}
	m.logins.count(err)
	if l, ok := m.byMethod[method]; ok {
		l.count(err)
	}
}

// Delivered counts an event that a hook has acknowledged: how long the attempt
// took, and how long it is since the event was recorded.
func (m *Metrics) Delivered(hook string, took, since time.Duration) {
	m.attempt(hook, "ok", took)
	m.lag.WithLabelValues(hook).Observe(since.Seconds())
}

// Failed counts an attempt to reach a hook that did not succeed.
func (m *Metrics) Failed(hook string, took time.Duration) { m.attempt(hook, "failed", took) }

// Held counts an upload that was held up or refused because too many events wait
// for a hook.
func (m *Metrics) Held(hook, policy string) { m.held.WithLabelValues(hook, policy).Inc() }

// Dead counts an event that was given up.
func (m *Metrics) Dead(hook string) { m.deliveries.WithLabelValues(hook, "dead").Inc() }

func (m *Metrics) attempt(hook, result string, took time.Duration) {
	m.deliveries.WithLabelValues(hook, result).Inc()
	m.delivery.WithLabelValues(hook).Observe(took.Seconds())
}

// storeAnswers tells whether the data store can be used.
func (m *Metrics) storeAnswers(yes bool) {
	if yes {
		m.available.Set(1)
		return
	}
	m.available.Set(0)
}
