package dataprovider

import (
	"context"
	"iter"
	"time"
)

// Upload is a resumable upload: one request begins it, others continue it, of other
// processes perhaps. The storage has its data; this is what else is known.
type Upload struct {
	ID    string `json:"id"`    // a UUID, or what a hook chose
	Owner string `json:"owner"` // name of the user; empty where there are none
	// Name is the virtual path at which it will be published, empty for one that is a
	// part of another. Data is the virtual path of what has come so far.
	Name string `json:"name"`
	Data string `json:"data"`

	Length   int64    `json:"length"`   // -1: not known yet
	Offset   int64    `json:"offset"`   // bytes stored as of the last change; the storage has the last word
	Metadata string   `json:"metadata"` // Upload-Metadata as the client wrote it
	Partial  bool     `json:"partial,omitempty"`
	Final    bool     `json:"final,omitempty"`
	Parts    []string `json:"parts,omitempty"` // ids, of a final one

	// Reserved is what is kept of the owner's quota for it.
	Reserved Amount `json:"reserved,omitzero"`
	// FileID is the identity of the file that was published, where storage has any.
	FileID string `json:"file_id,omitempty"`
	// Unverified: what the storage has beyond Offset has not passed its checksum yet.
	Unverified bool `json:"unverified,omitempty"`
	// Withheld: having as many bytes as it is long does not complete it, until its
	// client says so (resumable uploads of the IETF).
	Withheld bool `json:"withheld,omitempty"`
	// Digest is what all the data must have, as a member of Repr-Digest (RFC 9530):
	// sha-256=:BASE64: or sha-512=:BASE64:; empty if the client has not told.
	Digest string `json:"digest,omitempty"`

	Created time.Time   `json:"created"`
	Expires time.Time   `json:"expires,omitzero"` // zero: never
	State   UploadState `json:"state"`

	// Who began it, for events that no request leads to.
	Protocol string `json:"protocol"`
	RemoteIP string `json:"remote_ip"`
}

// UploadState says what may still happen to an upload.
type UploadState string

// The states of an upload.
const (
	UploadOpen      UploadState = "open"      // takes data
	UploadVerifying UploadState = "verifying" // all data is there, it is about to be published
	UploadComplete  UploadState = "complete"  // published, or, of a part, waiting for the final one
	UploadGone      UploadState = "gone"      // removed or run out: known only so that clients can be told
)

// Uploads keeps resumable uploads. Where there are users, those of one go when the
// record of that name is deleted or added. It is safe for concurrent use, and by several
// processes where the store is.
//
// Leases keep two from writing one upload. A process holds one under a name of its
// own, and hears at Renew that somebody else waits.
type Uploads interface {
	// Add stores a new one, or returns ErrExists.
	Add(ctx context.Context, u Upload) error
	// Get returns one, or ErrNotFound.
	Get(ctx context.Context, id string) (Upload, error)
	// Save replaces the record, or returns ErrNotFound.
	Save(ctx context.Context, u Upload) error
	// Delete removes the record and its lease. An unknown id is no error.
	Delete(ctx context.Context, id string) error
	// List yields the uploads of an owner, empty for those of all, in the order of
	// ids, starting after the one given.
	List(ctx context.Context, owner, after string) iter.Seq2[Upload, error]

	// Hold takes the lease, or prolongs it, until ttl from now. ErrConflict means
	// that another holder has it, who is told that somebody waits.
	Hold(ctx context.Context, id, holder string, ttl time.Duration) error
	// Renew prolongs the lease that the holder has, and tells whether somebody waits
	// for it. ErrConflict means that it ran out and another one took it.
	Renew(ctx context.Context, id, holder string, ttl time.Duration) (wanted bool, err error)
	// Release ends the lease of the holder. One that it does not have is no error.
	Release(ctx context.Context, id, holder string) error
}

// UploadRecorder is an Uploads that does less for an upload whose id cannot be taken.
type UploadRecorder interface {
	// Record is Add for an upload that is complete and whose id was made for it: if
	// there is one of the id all the same, that stays, and nobody is told.
	Record(ctx context.Context, u Upload) error
}
