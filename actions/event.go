// Package actions says what happened on the server and who is told: the Event
// that every protocol emits, the Format that renders it, the Sink that carries
// it, the Gate that is asked beforehand. No front-end knows a format; no sink
// knows a protocol.
package actions

import (
	"time"
)

// Kind names what happened, independent of the dialect a receiver speaks.
type Kind string

// The kinds of events. A name that ends in "check" is a question asked before
// the fact; the others tell of the fact.
const (
	UploadDone   Kind = "upload.done"
	UploadFailed Kind = "upload.failed"
	DownloadDone Kind = "download.done" // finished, well or badly: see Result
	DeleteCheck  Kind = "delete.check"
	DeleteDone   Kind = "delete.done"
	RenameDone   Kind = "rename.done"
	SSHCommand   Kind = "ssh.cmd"
)

// Status is the outcome as the action contract numbers it.
type Status int

// The three outcomes.
const (
	StatusError Status = 0
	StatusOK    Status = 1
	StatusQuota Status = 2 // a quota or the size limit of a file was passed
)

// Event is the one record that every protocol emits and every format renders.
// It is plain data and round-trips through JSON, which is how it waits in the
// outbox.
type Event struct {
	// ID is a ULID: ordered by time, the same on every try and every transport.
	ID   string    `json:"id"`
	Kind Kind      `json:"kind"`
	Time time.Time `json:"time"`

	Session Session `json:"session"`
	Object  Object  `json:"object"`
	Result  Result  `json:"result"`
}

// Session says who did it.
type Session struct {
	ID       string `json:"id"`
	User     string `json:"user"`
	Protocol string `json:"protocol"` // SFTP, SCP, SSH, FTP, DAV
	RemoteIP string `json:"remote_ip"`
}

// Object says what it was done to.
type Object struct {
	Name       string `json:"name"`                  // virtual, as the client sees it
	Path       string `json:"path"`                  // where the storage has it
	Target     string `json:"target,omitempty"`      // of a rename or copy, virtual
	TargetPath string `json:"target_path,omitempty"` // the same in the storage
	SSHCommand string `json:"ssh_command,omitempty"` // name only
	Provider   int    `json:"provider"`              // 0 local
	Bucket     string `json:"bucket,omitempty"`      // bucket or container
	Endpoint   string `json:"endpoint,omitempty"`    // without credentials
}

// Result says how it ended.
type Result struct {
	Status  Status        `json:"status"`
	Size    int64         `json:"size"` // bytes: of the stored file for an upload or delete, sent for a download
	Elapsed time.Duration `json:"elapsed,omitempty"`
	Error   string        `json:"error,omitempty"` // for the log of deliveries; never a secret
}

// Keys are the storage paths whose events must reach a receiver in the order in
// which they happened. An event without a path, of the SSH command pwd, has none.
func (e *Event) Keys() []string {
	var keys []string
	for _, at := range []string{e.Object.Path, e.Object.TargetPath} {
		if at != "" {
			keys = append(keys, at)
		}
	}
	return keys
}
