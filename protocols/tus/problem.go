package tus

import (
	"encoding/json"
	"maps"
	"net/http"
)

// Problem types of resumable uploads of the IETF, and how they begin.
const (
	problemTypes       = "https://iana.org/assignments/http-problem-types#"
	mismatchingOffset  = "mismatching-upload-offset"
	completedUpload    = "completed-upload"
	inconsistentLength = "inconsistent-upload-length"
)

// problem is a refusal that programs can read (RFC 9457).
type problem struct {
	status      int
	kind, title string
	members     map[string]any // besides type and title; may be nil
	cause       error          // for the log; may be nil
}

func (p *problem) Error() string { return (&refusal{text: p.title, cause: p.cause}).Error() }

func (p *problem) Unwrap() error { return p.cause }

// answer is what the client gets.
func (p *problem) answer() answer {
	members := map[string]any{"type": problemTypes + p.kind, "title": p.title}
	maps.Copy(members, p.members)
	text, _ := json.Marshal(members) // there are only texts and numbers
	return answer{status: p.status, kind: "application/problem+json", body: string(text)}
}

// inconsistent refuses a request that says of the length what does not fit.
func inconsistent(cause error) error {
	return &problem{status: http.StatusBadRequest, kind: inconsistentLength, title: "inconsistent length values for upload", cause: cause}
}
