package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"path"
	"strings"

	"github.com/oklog/ulid/v2"

	"sftpgo/actions"
)

// argumentLimit is how long the JSON of an upload hook may be as an argument of a
// program. Linux takes 128 KiB in one argument; longer ones are only on standard
// input.
const argumentLimit = 100 << 10

// upload is what the formats of upload hooks tell of a file. One that did not come
// by tus has no upload resource and often no request, so what is missing is made up
// in the one way that fits the schema.
type upload struct {
	id       string
	offset   int64   // bytes stored
	length   *int64  // nil: not known
	path     *string // nil: there is none yet
	created  int64   // Unix seconds
	partial  bool
	final    bool
	parts    []string
	storage  string
	metadata map[string]string

	uri    string
	method string
	header map[string][]string // canonical names
	remote *string             // nil: not known
}

func uploadOf(e *actions.Event) upload {
	u := upload{
		id:      uploadID(e),
		offset:  e.Result.Size,
		created: e.Time.Add(-e.Result.Elapsed).Unix(),
		storage: storageName(e.Object.Provider),
		uri:     (&url.URL{Path: e.Object.Name}).EscapedPath(),
		method:  methodOf(e),
	}
	if e.Kind != actions.UploadCheck {
		u.path = &e.Object.Path
	}
	if e.Kind == actions.UploadDone || e.Kind == actions.DeleteDone || e.Kind == actions.DeleteCheck {
		u.length = &e.Result.Size
	}
	if e.Session.RemoteIP != "" {
		u.remote = &e.Session.RemoteIP
	}
	if r := e.Request; r != nil {
		u.method, u.header = r.Method, r.Header
	}
	resource := e.Session.Protocol == "HTTP"
	if t := e.Transfer; t != nil {
		u.offset = t.Offset
		if !t.Created.IsZero() {
			u.created = t.Created.Unix()
		}
		u.partial, u.final, u.parts = t.Partial, t.Final, t.Parts
		if u.length == nil || resource {
			u.length = t.Length
		}
		u.metadata = t.Metadata
	}
	switch {
	case resource && e.Request != nil:
		u.uri = slashed(e.Request.URI)
	case !resource:
		u.metadata = describe(e)
	}
	if u.metadata == nil {
		u.metadata = map[string]string{}
	}
	if seen := inspectedOf(e); seen != (inspected{}) {
		u.path = &seen.StagedPath // the object is not there yet
		u.metadata = maps.Clone(u.metadata)
		u.metadata["sha256"] = seen.SHA256
	}
	return u
}

// describe is the metadata of what did not come by tus.
func describe(e *actions.Event) map[string]string {
	return map[string]string{
		"filename": path.Base(e.Object.Name),
		"path":     e.Object.Name,
		"username": e.Session.User,
		"protocol": e.Session.Protocol,
	}
}

// slashed is a URI as Rustus normalises it: the path ends in a slash.
func slashed(uri string) string {
	at, query, more := strings.Cut(uri, "?")
	if !strings.HasSuffix(at, "/") {
		at += "/"
	}
	if more {
		return at + "?" + query
	}
	return at
}

// headers are those of the request as Rustus has them: names in lower case, of
// several values the last, and none that is not visible ASCII.
func (u upload) headers() map[string]string {
	out := map[string]string{}
	for name, values := range u.header {
		if len(values) == 0 {
			continue
		}
		if v := values[len(values)-1]; visible(v) {
			out[strings.ToLower(name)] = v
		}
	}
	return out
}

func visible(v string) bool {
	for i := range len(v) {
		if c := v[i]; c != '\t' && (c < ' ' || c > '~') {
			return false
		}
	}
	return true
}

// uploadID is the id of the upload. Where there is none it is that of the event, in
// the form that receivers of upload hooks know, a UUID: the same on every try.
func uploadID(e *actions.Event) string {
	if e.Transfer != nil && e.Transfer.ID != "" {
		return e.Transfer.ID
	}
	id, err := ulid.ParseStrict(e.ID)
	if err != nil {
		return e.ID // of a test
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
		"HTTP": {"PATCH", "DELETE"},
	}
	of, ok := methods[e.Session.Protocol]
	switch {
	case !ok:
		return e.Session.Protocol
	case e.Kind == actions.DeleteDone || e.Kind == actions.DeleteCheck:
		return of[1]
	case e.Session.Protocol == "FTP" && e.Transfer != nil && e.Transfer.Resumed:
		return "APPE"
	}
	return of[0]
}

// uploadCall passes the JSON of an upload hook to a program in the way of the
// contract: its name and the object as arguments. The object comes on standard
// input, too, where its length does not matter.
func uploadCall(format string, e *actions.Event, u upload, payload any) (actions.Call, error) {
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
		Env: append([]string{
			"HOOK_EVENT=" + name,
			"HOOK_EVENT_ID=" + e.ID,
			"HOOK_UPLOAD_ID=" + u.id,
			"HOOK_FORMAT=" + format,
		}, inspectedOf(e).environment("HOOK_")...),
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
