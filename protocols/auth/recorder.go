package auth

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"sftpgo/dataprovider"
)

// Metrics counts logins.
type Metrics interface {
	// LoginDone counts one login; err is nil or why it failed.
	LoginDone(method string, err error)
}

// lastLoginEvery is how often the last login of a user is written.
const lastLoginEvery = 10 * time.Minute

// maxRemembered bounds what is kept to avoid repetition; beyond it something may
// be written once more than needed.
const maxRemembered = 4096

type recorder struct {
	usage   dataprovider.Usage
	metrics Metrics
	log     *slog.Logger

	mu        sync.Mutex
	lastLogin map[string]time.Time // by username, when it was written
	warned    map[string]struct{}  // user and key whose options were reported
}

func newRecorder(usage dataprovider.Usage, metrics Metrics, log *slog.Logger) *recorder {
	return &recorder{
		usage: usage, metrics: metrics, log: log,
		lastLogin: map[string]time.Time{}, warned: map[string]struct{}{},
	}
}

// LoggedIn writes the record "login".
func (r *recorder) LoggedIn(ctx context.Context, a Attempt, id Identity) {
	attrs := []slog.Attr{
		slog.String("sender", "login"),
		slog.String("ip", address(a)),
		slog.String("username", id.User.Username),
		slog.String("method", id.Method),
		slog.String("protocol", a.Protocol),
	}
	if id.Key != "" {
		attrs = append(attrs, slog.String("key", id.Key))
	}
	r.log.LogAttrs(ctx, slog.LevelInfo, "", attrs...)
	r.metrics.LoginDone(id.Method, nil)
	r.noteLastLogin(ctx, id.User.Username)
}

// LoginFailed writes the record "connection_failed". Filters of fail2ban match
// its keys in this order, up to the end of the line. Neither a store that cannot
// answer nor a connection that ended too early is held against the client.
func (r *recorder) LoginFailed(ctx context.Context, a Attempt, err error) {
	method := a.Method()
	r.metrics.LoginDone(method, err)
	if errors.Is(err, ErrBusy) {
		r.log.LogAttrs(ctx, slog.LevelWarn, "login not checked: "+ErrBusy.Error(),
			slog.String("sender", "auth"), slog.String("client_ip", address(a)), slog.String("protocol", a.Protocol))
		return
	}
	if errors.Is(err, dataprovider.ErrUnavailable) {
		r.log.LogAttrs(ctx, slog.LevelError, "login not checked: "+err.Error(), slog.String("sender", "dataprovider"))
		return
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		r.log.LogAttrs(ctx, slog.LevelDebug, "login given up: "+err.Error(), slog.String("sender", "auth"))
		return
	}
	r.log.LogAttrs(ctx, slog.LevelInfo, "",
		slog.String("sender", "connection_failed"),
		slog.String("client_ip", address(a)),
		slog.String("username", shorten(a.User)),
		slog.String("login_type", method),
		slog.String("protocol", a.Protocol),
		slog.String("error", err.Error()),
	)
}

func (r *recorder) noteLastLogin(ctx context.Context, username string) {
	now := time.Now()
	r.mu.Lock()
	last, noted := r.lastLogin[username]
	due := !noted || now.Sub(last) >= lastLoginEvery
	if due {
		if len(r.lastLogin) >= maxRemembered {
			clear(r.lastLogin)
		}
		r.lastLogin[username] = now
	}
	r.mu.Unlock()
	if !due {
		return
	}
	if err := r.usage.Login(ctx, username, now); err != nil {
		r.log.LogAttrs(ctx, slog.LevelWarn, "last login not written: "+err.Error(),
			slog.String("sender", "dataprovider"), slog.String("username", username))
		r.mu.Lock()
		delete(r.lastLogin, username)
		r.mu.Unlock()
	}
}

// ignoredOptions warns, once per user and key, of options without effect.
func (r *recorder) ignoredOptions(ctx context.Context, u dataprovider.User, key dataprovider.AuthorizedKey) {
	if len(key.Ignored) == 0 {
		return
	}
	options := strings.Join(key.Ignored, " ")
	id := u.Username + " " + keyID(key) + " " + options
	r.mu.Lock()
	_, done := r.warned[id]
	if !done {
		if len(r.warned) >= maxRemembered {
			clear(r.warned)
		}
		r.warned[id] = struct{}{}
	}
	r.mu.Unlock()
	if done {
		return
	}
	r.log.LogAttrs(ctx, slog.LevelWarn, "options of a public key have no effect: "+options,
		slog.String("sender", "auth"), slog.String("username", u.Username), slog.String("key", keyID(key)))
}

func address(a Attempt) string {
	if !a.Remote.IsValid() {
		return ""
	}
	return a.Remote.Unmap().String()
}

// shorten cuts what is longer than any name of an account: a stranger may send as
// much as a packet holds.
func shorten(name string) string {
	const limit = 256
	if len(name) <= limit {
		return name
	}
	return strings.ToValidUTF8(name[:limit], "") + "…"
}
