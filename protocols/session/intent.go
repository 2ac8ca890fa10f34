package session

import (
	"fmt"
	"time"

	"sftpgo/actions"
	"sftpgo/actions/plainjson"
	"sftpgo/dataprovider"
)

// intent is what Begin stores: enough to find out, after a crash, whether the
// change happened, and to tell of it as if nothing had been. It is read by
// encoding/json, and written as that would write it, since another version may read
// it.
type intent struct {
	Op       intentOp            `json:"op"`
	Name     string              `json:"name"`
	Target   string              `json:"target,omitempty"`
	FileID   string              `json:"file_id,omitempty"` // of the object that was to be published, removed, renamed or written
	Root     string              `json:"root,omitempty"`    // identity of the storage
	Before   dataprovider.Amount `json:"before"`            // what was counted for the name
	Delta    dataprovider.Amount `json:"delta"`             // of usage, when the change happened as planned
	Count    bool                `json:"count"`             // usage is kept for this user
	Size     int64               `json:"size,omitempty"`    // of the file that was to be written, as it was then
	Modified time.Time           `json:"modified,omitzero"`
	Event    actions.Event       `json:"event"`
	Quiet    bool                `json:"quiet,omitempty"` // nobody is to be told
	Lost     bool                `json:"lost,omitempty"`  // the file has lost this name, and had others

	Properties []dataprovider.PropertyMove `json:"properties,omitempty"` // what the change does to them
}

type intentOp string

const (
	intentWrite    intentOp = "write"    // in place: the file may have any content
	intentTruncate intentOp = "truncate" // the same, and nobody is told
	intentPublish  intentOp = "publish"  // staged: it is there under its id, or it is not
	intentStaged   intentOp = "staged"   // its beginning was told; it was not published yet
	intentCopy     intentOp = "copy"     // beside the intention of its upload
	intentMkdir    intentOp = "mkdir"
	intentRemove   intentOp = "remove"
	intentRename   intentOp = "rename"
	intentUser     intentOp = "user"     // of those who change accounts, who see to it themselves
	intentExternal intentOp = "external" // a program writes: the home may hold anything
)

// appendJSON appends what is stored.
func (in *intent) appendJSON(to []byte) ([]byte, error) {
	o := plainjson.Begin(to)
	o.String("op", string(in.Op))
	o.String("name", in.Name)
	o.OptString("target", in.Target)
	o.OptString("file_id", in.FileID)
	o.OptString("root", in.Root)
	writeAmount(&o, "before", in.Before)
	writeAmount(&o, "delta", in.Delta)
	o.Bool("count", in.Count)
	o.OptInt("size", in.Size)
	o.OptTime("modified", in.Modified)
	o.Part("event", in.Event.AppendJSON)
	o.OptTrue("quiet", in.Quiet)
	o.OptTrue("lost", in.Lost)
	if len(in.Properties) > 0 {
		o.Value("properties", in.Properties)
	}
	text, err := o.End()
	if err != nil {
		return nil, fmt.Errorf("encode intention: %w", err)
	}
	return text, nil
}

// dated is t as it can be written and read back: the clock of a file can be set to
// any year, and zones of long ago have seconds.
func dated(t time.Time) time.Time {
	t = t.UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		return time.Time{}
	}
	return t
}

func writeAmount(o *plainjson.Object, name string, a dataprovider.Amount) {
	o.Open(name)
	o.Int("files", a.Files)
	o.Int("bytes", a.Bytes)
	o.Close()
}
