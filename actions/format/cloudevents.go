package format

import (
	"fmt"
	"time"

	"sftpgo/actions"
)

// CloudEvents is CloudEvents 1.0 in structured JSON
// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md).
// It has a name for every kind. The zero value is ready to use.
type CloudEvents struct{}

var _ actions.Format = CloudEvents{}

// cloudEventsSource and the id make an event unique, as the specification asks:
// ids are ULIDs, which no other server makes either.
const cloudEventsSource = "/sftpgo"

type cloudEvent struct {
	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"`
	Source          string    `json:"source"`
	Type            string    `json:"type"`
	Subject         string    `json:"subject,omitempty"` // never empty
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	Data            cloudData `json:"data"`
}

// cloudData has the fields of the action contract and its later ones under their
// names. What is not known of an event is left out; numbers always are there.
type cloudData struct {
	Action            string `json:"action,omitempty"`
	Username          string `json:"username"`
	Protocol          string `json:"protocol"`
	IP                string `json:"ip,omitempty"`
	SessionID         string `json:"session_id,omitempty"`
	Path              string `json:"path,omitempty"`
	VirtualPath       string `json:"virtual_path,omitempty"`
	TargetPath        string `json:"target_path,omitempty"`
	VirtualTargetPath string `json:"virtual_target_path,omitempty"`
	SSHCmd            string `json:"ssh_cmd,omitempty"`
	FileSize          int64  `json:"file_size"`
	FsProvider        int    `json:"fs_provider"`
	Bucket            string `json:"bucket,omitempty"`
	Endpoint          string `json:"endpoint,omitempty"`
	Status            int    `json:"status"`
	Elapsed           int64  `json:"elapsed"` // milliseconds

	Existed      *bool             `json:"existed,omitempty"`
	PreviousSize *int64            `json:"previous_size,omitempty"`
	TransferID   string            `json:"transfer_id,omitempty"`
	Metadata     map[string]string `json:"metadata,omitempty"`
	inspected
}

// Render implements actions.Format. A program gets the type and the id as
// arguments and the object on standard input.
func (CloudEvents) Render(e *actions.Event) (actions.Call, error) {
	name := "sftpgo." + string(e.Kind)
	action, _ := Name(e.Kind)
	p := fields(action, e)
	l := laterOf(e)
	body, err := compact(cloudEvent{
		SpecVersion: "1.0", ID: e.ID, Source: cloudEventsSource, Type: name,
		Subject: e.Object.Name, Time: e.Time.UTC(), DataContentType: "application/json",
		Data: cloudData{
			Action: action, Username: p.Username, Protocol: p.Protocol,
			IP: e.Session.RemoteIP, SessionID: e.Session.ID,
			Path: p.Path, VirtualPath: e.Object.Name, TargetPath: p.TargetPath, VirtualTargetPath: e.Object.Target,
			SSHCmd: p.SSHCmd, FileSize: p.FileSize, FsProvider: p.FsProvider, Bucket: p.Bucket, Endpoint: p.Endpoint,
			Status: p.Status, Elapsed: l.Elapsed,
			Existed: l.Existed, PreviousSize: l.PreviousSize, TransferID: l.TransferID, Metadata: l.Metadata, inspected: inspectedOf(e),
		},
	})
	if err != nil {
		return actions.Call{}, fmt.Errorf("encode event %s: %w", e.ID, err)
	}
	return actions.Call{
		Name: name,
		Args: []string{name, e.ID},
		Env: append([]string{
			"HOOK_EVENT=" + name,
			"HOOK_EVENT_ID=" + e.ID,
			"HOOK_FORMAT=cloudevents",
		}, inspectedOf(e).environment("HOOK_")...),
		Body:        body,
		ContentType: "application/cloudevents+json; charset=utf-8",
	}, nil
}
