package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"path"

	"github.com/oklog/ulid/v2"

	"sftpgo/actions"
)

// argumentLimit is how long the JSON of an upload hook may be as an argument of a
// program. Linux takes 128 KiB in one argument; longer ones are only on standard
// input.
const argumentLimit = 100 << 10

// upload is what the formats of upload hooks tell of a file that did not come by
// tus: a client of another protocol has no upload resource and no request, so
// both are made up in the one way that fits the schema.
type upload struct {
	id       string
	offset   int64  // bytes stored
	length   *int64 // nil: not known, since the upload broke off
	path     string
	created  int64 // Unix seconds
	deferred bool
	storage  string
	metadata map[string]string

	uri    string
	method string
	remote *string // nil: not known
}

func uploadOf(e *actions.Event) upload {
	u := upload{
		id:      uploadID(e.ID),
		offset:  e.Result.Size,
		path:    e.Object.Path,
		created: e.Time.Add(-e.Result.Elapsed).Unix(),
		storage: storageName(e.Object.Provider),
		metadata: map[string]string{
			"filename": path.Base(e.Object.Name),
			"path":     e.Object.Name,
			"username": e.Session.User,
			"protocol": e.Session.Protocol,
		},
		uri:      (&url.URL{Path: e.Object.Name}).EscapedPath(),
		method:   methodOf(e),
		deferred: e.Kind == actions.UploadFailed,
	}
	if !u.deferred {
		u.length = &e.Result.Size
	}
	if e.Session.RemoteIP != "" {
		u.remote = &e.Session.RemoteIP
	}
	return u
}

// uploadID writes the 128 bits of an event id in the form that receivers of
// upload hooks know, a UUID: the same on every try.
func uploadID(eventID string) string {
	id, err := ulid.ParseStrict(eventID)
	if err != nil {
		return eventID // of a test
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// storageName is what Rustus calls a kind of storage.
func storageName(provider int) string {
	switch provider {
	case 0:
		return "file_storage"
	case 1:
		return "s3"
	}
	return fmt.Sprintf("provider_%d", provider)
}

// methodOf names the request of the protocol that ended in the event.
func methodOf(e *actions.Event) string {
	methods := map[string][2]string{ // upload, delete
		"SFTP": {"OPEN", "REMOVE"},
		"SCP":  {"SCP", "SCP"},
		"FTP":  {"STOR", "DELE"},
		"DAV":  {"PUT", "DELETE"},
	}
	of, ok := methods[e.Session.Protocol]
	switch {
	case !ok:
		return e.Session.Protocol
	case e.Kind == actions.DeleteDone:
		return of[1]
	}
	return of[0]
}

// uploadCall passes the JSON of an upload hook to a program in the way of the
// contract: its name and the object as arguments. The object comes on standard
// input, too, where its length does not matter.
func uploadCall(format string, e *actions.Event, payload any) (actions.Call, error) {
	name, ok := actions.UploadHookName(e)
	if !ok {
		return actions.Call{}, fmt.Errorf("event kind %q has no name in the %s format", e.Kind, format)
	}
	body, err := compact(payload)
	if err != nil {
		return actions.Call{}, fmt.Errorf("encode event %s: %w", e.ID, err)
	}
	argument := string(body)
	if len(body) > argumentLimit {
		argument = "-"
	}
	return actions.Call{
		Name: name,
		Args: []string{name, argument},
		Env: []string{
			"HOOK_EVENT=" + name,
			"HOOK_EVENT_ID=" + e.ID,
			"HOOK_UPLOAD_ID=" + uploadID(e.ID),
			"HOOK_FORMAT=" + format,
		},
		Body:        body,
		ContentType: "application/json",
	}, nil
}

// compact is JSON without escapes that only HTML needs, and without a newline.
func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
