package actions

import (
	"errors"
	"fmt"
	"net/textproto"
	"path"
	"slices"
	"strings"
)

// The values of settings of hooks that are asked.
const (
	OnErrorDeny      = "deny"
	OnErrorAllow     = "allow"
	ResponsesStatus  = "status"
	ResponsesTusd    = "tusd"
	PreDeleteHandled = "handled"
	PreDeleteVeto    = "veto"
	MissingError     = "error"
	MissingIgnore    = "ignore"
)

// Denies reports whether a question without an answer is refused.
func (h Hook) Denies() bool {
	if h.OnError == "" {
		return !h.IsBroker() || h.IsNATS() && h.NATS.WaitForReplies
	}
	return h.OnError == OnErrorDeny
}

// IsUploadHook reports whether the format is one of upload hooks.
func (h Hook) IsUploadHook() bool { return h.tellsUploads() }

// HandlesDeletes reports whether success to a question about a deletion means that
// the hook has made it. The formats of upload hooks ask for permission.
func (h Hook) HandlesDeletes() bool {
	return !h.tellsUploads() && h.PreDeleteMode != PreDeleteVeto
}

// Asks reports whether the hook is asked a question of one of its kinds.
func (h Hook) Asks(e *Event) bool { return h.Filters.pass(e) }

// secretHeaders are those with credentials, in canonical form.
func secretHeaders() []string {
	return []string{"Authorization", "Cookie", "Proxy-Authorization"}
}

// Headers returns the headers of a client that the hook may be told of: in the
// formats of upload hooks all but credentials, and in any format those that
// proxy_headers names. What it returns must not be changed.
func (h Hook) Headers(all map[string][]string) map[string][]string {
	var kept map[string][]string
	for name, values := range all {
		named := slices.ContainsFunc(h.ProxyHeaders, func(p string) bool { return textproto.CanonicalMIMEHeaderKey(p) == name })
		if named || h.tellsUploads() && !slices.Contains(secretHeaders(), name) {
			if kept == nil {
				kept = make(map[string][]string, len(all))
			}
			kept[name] = values
		}
	}
	return kept
}

// View is what the hook may know of an event: the same, without headers that are
// not for it.
func (h Hook) View(e *Event) *Event {
	if e.Request == nil || len(e.Request.Header) == 0 {
		return e
	}
	seen, request := *e, *e.Request
	request.Header = h.Headers(request.Header)
	seen.Request = &request
	return &seen
}

// gateFaults says what is wrong with the settings of questions and headers.
func (h Hook) gateFaults() []error {
	var errs []error
	word := func(key, value string, known ...string) {
		if value == "" {
			return
		}
		if err := checkWord(key, value, known); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", key, err))
		}
	}
	word("on_error", h.OnError, OnErrorDeny, OnErrorAllow)
	word("responses", h.Responses, ResponsesStatus, ResponsesTusd)
	word("pre_delete_mode", h.PreDeleteMode, PreDeleteHandled, PreDeleteVeto)
	word("missing", h.Missing, MissingError, MissingIgnore)
	if h.Quarantine != "" && (!path.IsAbs(h.Quarantine) || path.Clean(h.Quarantine) == "/") {
		errs = append(errs, fmt.Errorf("quarantine: %q is not a directory below /, as users see it", h.Quarantine))
	}
	if h.tellsUploads() && h.PreDeleteMode != "" {
		errs = append(errs, fmt.Errorf("pre_delete_mode: the format %s has pre-terminate, which is always a veto", h.Dialect()))
	}
	for i, name := range h.ProxyHeaders {
		if err := checkHeader(name); err != nil {
			errs = append(errs, fmt.Errorf("proxy_headers.%d: %w", i, err))
		}
	}
	if len(h.ProxyHeaders) > 0 && !h.IsURL() && !h.tellsUploads() {
		errs = append(errs, errors.New("proxy_headers: only requests to a URL and the formats of upload hooks have room for headers"))
	}
	return errs
}

// ownHeaders are set by the server itself, or belong to the connection.
func ownHeaders() []string {
	return []string{
		"Connection", "Content-Length", "Content-Type", "Expect", "Host", "Hook-Name", "Idempotency-Key", "Keep-Alive", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "Webhook-Id", "Webhook-Signature", "Webhook-Timestamp",
	}
}

func checkHeader(name string) error {
	for _, c := range []byte(name) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("()<>@,;:\\\"/[]?={}", c) >= 0 {
			return fmt.Errorf("%q is not the name of a header", name)
		}
	}
	switch {
	case name == "":
		return errors.New("the name of a header is missing")
	case slices.Contains(ownHeaders(), textproto.CanonicalMIMEHeaderKey(name)):
		return fmt.Errorf("%q is set by the server itself", name)
	}
	return nil
}
