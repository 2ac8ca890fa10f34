package actions

import (
	"slices"
	"strings"
	"time"
)

// Hook is an entry of the section "hooks": a receiver of events.
type Hook struct {
	// Name tells the hook from the others: letters, digits, "-" and "_", at most 64.
	// What waits for delivery belongs to the name, so a new one is a new hook.
	Name string `json:"name"`
	// Target is the absolute path of a program or of a directory that has a program for
	// each event, an http or https URL, or a broker:
	// amqp:// and amqps:// are RabbitMQ, nats:// and tls:// are NATS, with user and password
	// if it wants them.
	Target string `json:"target"`
	// Format is what the target gets: rustus (also when empty), rustus-v2, tusd,
	// tusd-v2, sftpgo or cloudevents.
	Format string `json:"format"`
	// Events lists what the hook is told of: upload, download, delete, rename, mkdir,
	// rmdir, copy, ssh_cmd; with the formats of upload hooks upload, delete or
	// post-create, post-receive, post-finish, post-terminate. Empty is everything that
	// the format has a name for. What the hook is asked beforehand must be named:
	// pre-upload, pre-download, pre-delete, verify; with those formats pre-create,
	// pre-finish, pre-terminate.
	Events []string `json:"events"`
	// OnError says what it means that a hook which is asked does not answer: deny, or
	// allow (empty: deny; of brokers allow, unless they are asked for a reply).
	OnError string `json:"on_error"`
	// Responses says what an answer may be besides success or failure: status (also
	// when empty), or tusd, the JSON of hooks of tusd.
	Responses string `json:"responses"`
	// PreDeleteMode is what success of pre-delete means: handled (also when empty), the
	// hook has deleted the file, or veto, the server shall.
	PreDeleteMode string `json:"pre_delete_mode"`
	// Quarantine is the directory, as users see it, for uploads of which the hook says
	// so; it is made when it is needed.
	Quarantine string `json:"quarantine"`
	// Missing says what it means that a directory of programs has none for an event:
	// error (also when empty) or ignore.
	Missing string `json:"missing"`
	// ProxyHeaders are names of headers of the request of a client that requests to
	// the hook get, too, and the only ones with credentials that it is told of.
	ProxyHeaders []string `json:"proxy_headers"`
	// Filters leave events out.
	Filters HookFilters `json:"filters"`
	// Timeout, in seconds, limits a run of a program or a message to a broker (0: 30)
	// or each attempt of a request (0: http.timeout).
	Timeout int `json:"timeout"`
	// Retry says when what failed is tried again.
	Retry HookRetry `json:"retry"`
	// HighWater is what happens when too many events wait for this hook. Empty, that
	// of the section events counts.
	HighWater HighWater `json:"high_water"`
	// Environment of a program: inherit (also when empty), that of the server
	// without its own secrets, or clean, none of it but PATH.
	Environment string `json:"environment"`
	// Secrets sign requests by the Standard Webhooks scheme, each one with a
	// signature of its own, so that an old and a new one can be valid at a time: 24
	// to 64 bytes in base64, with whsec_ in front or without. Empty: no signature.
	Secrets []string `json:"secrets"`
	// AMQP says more about a target that is RabbitMQ.
	AMQP HookAMQP `json:"amqp"`
	// NATS says more about a target that is NATS.
	NATS HookNATS `json:"nats"`
	// TLS says whom to trust at a broker.
	TLS HookTLS `json:"tls"`
}

// HookFilters leave events out. An event must pass all that are not empty.
type HookFilters struct {
	// Protocols are those of the session: SFTP, SCP, SSH, FTP, DAV, and HTTP of
	// resumable uploads.
	Protocols []string `json:"protocols"`
	// Users are patterns for names of users: * is any text, ? one letter, [a-c] one
	// of them.
	Users []string `json:"users"`
	// Paths are patterns for the path that the client sees, of a rename also the new
	// one: * is any text without a slash, ** any. Without a slash the pattern is for
	// the last part of the path.
	Paths []string `json:"paths"`
	// MinSize, in bytes, leaves out events of uploads, downloads and deletions of
	// less.
	MinSize int64 `json:"min_size"`
	// OnlyFailures leaves out what went well.
	OnlyFailures bool `json:"only_failures"`
}

// HookRetry is a schedule of tries. All zero is the built-in one.
type HookRetry struct {
	// Pause, in seconds, comes before the second try; each further one is twice as
	// long (0: built-in pauses).
	Pause int `json:"pause"`
	// LongestPause, in seconds, ends the doubling (0: an hour).
	LongestPause int `json:"longest_pause"`
	// Tries is the number of tries in all, then the event is a dead letter (0: 30,
	// or 10 if the receiver refuses it).
	Tries int `json:"tries"`
}

// The formats.
const (
	FormatRustus      = "rustus"
	FormatRustusV2    = "rustus-v2"
	FormatTusd        = "tusd"
	FormatTusdV2      = "tusd-v2"
	FormatSFTPGo      = "sftpgo"
	FormatCloudEvents = "cloudevents"
)

// EnvironmentClean is the value of Environment for a program that inherits nothing.
const EnvironmentClean = "clean"

// Dialect is the format, the default one included.
func (h Hook) Dialect() string {
	if h.Format == "" {
		return FormatRustus
	}
	return h.Format
}

// tellsUploads reports whether the format is one of upload hooks, which have names
// for the life of an upload only.
func (h Hook) tellsUploads() bool {
	switch h.Dialect() {
	case FormatRustus, FormatRustusV2, FormatTusd, FormatTusdV2:
		return true
	}
	return false
}

// IsURL reports whether Target is a URL; the first four letters decide, as for
// common.actions.
func (h Hook) IsURL() bool { return strings.HasPrefix(h.Target, "http") }

// Limit is Timeout as a duration.
func (h Hook) Limit() time.Duration { return time.Duration(h.Timeout) * time.Second }

// Kinds returns the kinds of events that the hook may want; words that it does not
// know are left to Validate.
func (h Hook) Kinds() []Kind {
	var kinds []Kind
	for _, w := range h.words() {
		if len(h.Events) > 0 && !slices.Contains(h.Events, w.name) {
			continue
		}
		for _, k := range w.kinds {
			if len(h.Events) == 0 && h.unasked(k) {
				continue
			}
			if !slices.Contains(kinds, k) {
				kinds = append(kinds, k)
			}
		}
	}
	return kinds
}

// Wants reports whether the hook is told of an event of one of its kinds.
func (h Hook) Wants(e *Event) bool {
	switch {
	case h.tellsUploads():
		if _, named := UploadHookName(e); !named || !UploadHookTells(h.Dialect(), e) {
			return false
		}
	case e.Result.ByHook && !h.tellsUploads(), h.Dialect() == FormatSFTPGo && !ActionsTell(e):
		return false
	}
	return h.Filters.pass(e)
}

// Schedule returns the pauses between the tries; builtin are those that count where
// nothing is set, and that a number of tries without pauses shortens or continues.
func (r HookRetry) Schedule(builtin []time.Duration) []time.Duration {
	if r == (HookRetry{}) {
		return builtin
	}
	tries := r.Tries
	if tries == 0 {
		tries = len(builtin) + 1
	}
	longest := time.Duration(r.LongestPause) * time.Second
	if longest == 0 {
		longest = time.Hour
	}
	pauses := make([]time.Duration, 0, tries-1)
	next := time.Duration(r.Pause) * time.Second
	for i := range tries - 1 {
		switch {
		case r.Pause > 0:
			pauses = append(pauses, min(next, longest))
			next = min(2*next, longest)
		case i < len(builtin):
			pauses = append(pauses, min(builtin[i], longest))
		default:
			pauses = append(pauses, longest)
		}
	}
	return pauses
}
