package format

import "sftpgo/actions"

// Tusd is the tusd dialect of the upload hooks contract: the shape of tusd 1,
// without a wrapper. The zero value is ready to use.
type Tusd struct{}

var _ actions.Format = Tusd{}

type tusdUpload struct {
	ID             string
	IsFinal        bool
	IsPartial      bool
	MetaData       map[string]string
	Offset         int64
	PartialUploads []string
	Size           *int64
	SizeIsDeferred bool
	Storage        tusdStorage
}

type tusdStorage struct {
	Path string
	Type string
}

type tusdRequest struct {
	Header     map[string][]string
	Method     string
	RemoteAddr *string
	URI        string
}

// Render implements actions.Format.
func (Tusd) Render(e *actions.Event) (actions.Call, error) {
	u := uploadOf(e)
	return uploadCall("tusd", e, struct {
		HTTPRequest tusdRequest
		Upload      tusdUpload
	}{
		tusdRequest{Header: map[string][]string{}, Method: u.method, RemoteAddr: u.remote, URI: u.uri},
		tusdUpload{
			ID: u.id, MetaData: u.metadata, Offset: u.offset, Size: u.length, SizeIsDeferred: u.length == nil,
			Storage: tusdStorage{Path: u.path, Type: u.storage},
		},
	})
}
