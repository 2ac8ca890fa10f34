package format

import "sftpgo/actions"

// Rustus is the default dialect of the upload hooks contract. The zero value is
// ready to use.
type Rustus struct{}

// RustusV2 differs from Rustus in one key: request.uri is lower case.
type RustusV2 struct{}

var (
	_ actions.Format = Rustus{}
	_ actions.Format = RustusV2{}
)

// Keys are in the order in which Rustus writes them, that of the alphabet. What
// is not known is null, never left out.
type rustusUpload struct {
	CreatedAt    int64             `json:"created_at"`
	DeferredSize bool              `json:"deferred_size"`
	ID           string            `json:"id"`
	IsFinal      bool              `json:"is_final"`
	IsPartial    bool              `json:"is_partial"`
	Length       *int64            `json:"length"`
	Metadata     map[string]string `json:"metadata"`
	Offset       int64             `json:"offset"`
	Parts        []string          `json:"parts"`
	Path         *string           `json:"path"`
	Storage      string            `json:"storage"`
}

type rustusRequest struct {
	URI        string            `json:"URI"`
	Headers    map[string]string `json:"headers"`
	Method     string            `json:"method"`
	RemoteAddr *string           `json:"remote_addr"`
}

type rustusRequestV2 struct {
	Headers    map[string]string `json:"headers"`
	Method     string            `json:"method"`
	RemoteAddr *string           `json:"remote_addr"`
	URI        string            `json:"uri"`
}

func rustusUploadOf(u upload) rustusUpload {
	return rustusUpload{
		CreatedAt: u.created, DeferredSize: u.length == nil && !u.final, ID: u.id, IsFinal: u.final, IsPartial: u.partial,
		Length: u.length, Metadata: u.metadata, Offset: u.offset, Parts: u.parts, Path: u.path, Storage: u.storage,
	}
}

// Render implements actions.Format.
func (Rustus) Render(e *actions.Event) (actions.Call, error) {
	u := uploadOf(e)
	return uploadCall("rustus", e, u, struct {
		Request rustusRequest `json:"request"`
		Upload  rustusUpload  `json:"upload"`
	}{
		rustusRequest{URI: u.uri, Headers: u.headers(), Method: u.method, RemoteAddr: u.remote},
		rustusUploadOf(u),
	})
}

// Render implements actions.Format.
func (RustusV2) Render(e *actions.Event) (actions.Call, error) {
	u := uploadOf(e)
	return uploadCall("rustus-v2", e, u, struct {
		Request rustusRequestV2 `json:"request"`
		Upload  rustusUpload    `json:"upload"`
	}{
		rustusRequestV2{URI: u.uri, Headers: u.headers(), Method: u.method, RemoteAddr: u.remote},
		rustusUploadOf(u),
	})
}
