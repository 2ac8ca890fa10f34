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

// The kinds of events. Those of which Question is true are asked before the fact;
// the others tell of the fact.
const (
	UploadCheck   Kind = "upload.check"  // may it begin? Nothing was made yet
	UploadOpen    Kind = "upload.open"   // it began, and is not complete yet
	UploadPart    Kind = "upload.part"   // a part has come and is kept; more may follow
	UploadVerify  Kind = "upload.verify" // all is there, held back: may it be seen?
	UploadDone    Kind = "upload.done"
	UploadFailed  Kind = "upload.failed"
	DownloadCheck Kind = "download.check"
	DownloadDone  Kind = "download.done" // finished, well or badly: see Result
	DeleteCheck   Kind = "delete.check"
	DeleteDone    Kind = "delete.done"
	RenameDone    Kind = "rename.done"
	MkdirDone     Kind = "mkdir.done"
	RmdirDone     Kind = "rmdir.done"
	CopyDone      Kind = "copy.done" // of one file, by the server
	SSHCommand    Kind = "ssh.cmd"
)

// Question reports whether events of the kind are asked before the fact, and
// answered.
func (k Kind) Question() bool {
	switch k {
	case UploadCheck, UploadVerify, DownloadCheck, DeleteCheck:
		return true
	}
	return false
}

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

	Transfer *Transfer `json:"transfer,omitempty"` // of the kinds of uploads and downloads; nil: nothing more is known
	Request  *Request  `json:"request,omitempty"`  // of protocols that are HTTP
	Account  *Account  `json:"account,omitempty"`  // of changes of accounts, of which nothing else is told
}

// Session says who did it.
type Session struct {
	ID       string `json:"id"`
	User     string `json:"user"`
	Protocol string `json:"protocol"` // SFTP, SCP, SSH, FTP, DAV, HTTP
	RemoteIP string `json:"remote_ip"`
}

// Object says what it was done to.
type Object struct {
	Name       string `json:"name"`                  // virtual, as the client sees it
	Path       string `json:"path"`                  // where the storage has it
	Behind     string `json:"behind,omitempty"`      // of questions: where links lead to from Name, if they do; virtual
	BeforePath string `json:"before_path,omitempty"` // of an upload that a hook has moved: where the storage had it in earlier events
	Target     string `json:"target,omitempty"`      // of a rename or copy, virtual
	TargetPath string `json:"target_path,omitempty"` // the same in the storage
	SSHCommand string `json:"ssh_command,omitempty"` // name only
	Provider   int    `json:"provider"`              // 0 local
	Bucket     string `json:"bucket,omitempty"`      // bucket or container
	Endpoint   string `json:"endpoint,omitempty"`    // without credentials
}

// Transfer says more about an upload or a download.
type Transfer struct {
	ID       string            `json:"id"`               // a UUID, the same in all events of the upload
	Offset   int64             `json:"offset"`           // bytes that are stored
	Length   *int64            `json:"length,omitempty"` // of the whole; nil: not known yet
	Partial  bool              `json:"partial,omitempty"`
	Final    bool              `json:"final,omitempty"` // put together of Parts
	Parts    []string          `json:"parts,omitempty"` // ids
	Metadata map[string]string `json:"metadata,omitempty"`
	Created  time.Time         `json:"created,omitzero"`

	Overwrite    bool  `json:"overwrite,omitempty"`     // a file was there
	PreviousSize int64 `json:"previous_size,omitempty"` // of that file
	Resumed      bool  `json:"resumed,omitempty"`       // it began where an earlier one had ended
	OpenFlags    int   `json:"open_flags,omitempty"`    // as in os.OpenFile, of UploadCheck

	// Of UploadVerify: where a hook on this host can read the content, and its
	// digests in hexadecimal by algorithm (sha256).
	Staged    string            `json:"staged,omitempty"`
	Checksums map[string]string `json:"checksums,omitempty"`
}

// Request is the HTTP request that led to an event.
type Request struct {
	Method string `json:"method"` // after X-HTTP-Method-Override
	URI    string `json:"uri"`    // path and query
	// Header has names in canonical form, Host included. Credentials (Authorization, Cookie,
	// Proxy-Authorization) are in it only if a hook is configured to get them.
	Header map[string][]string `json:"header,omitempty"`
}

// Result says how it ended.
type Result struct {
	Status  Status        `json:"status"`
	Size    int64         `json:"size"` // bytes: of the stored file for an upload or delete, sent for a download
	Elapsed time.Duration `json:"elapsed,omitempty"`
	Error   string        `json:"error,omitempty"` // for the log of deliveries; never a secret
	// ByHook: a pre-delete hook has deleted the file, not the server. Only upload hooks
	// hear of that.
	ByHook bool `json:"by_hook,omitempty"`
}

// Keys are the storage paths whose events must reach a receiver in the order in
// which they happened. An event without a path, of the SSH command pwd, has none.
func (e *Event) Keys() []string {
	if e.Account != nil {
		return []string{"user " + e.Session.User} // no path begins so
	}
	paths := [...]string{e.Object.Path, e.Object.TargetPath, e.Object.BeforePath}
	n := 0
	for _, at := range paths {
		if at != "" {
			paths[n] = at
			n++
		}
	}
	return append([]string(nil), paths[:n]...)
}
