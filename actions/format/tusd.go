package format

import "sftpgo/actions"

// Tusd is the tusd dialect of the upload hooks contract: the shape of tusd 1,
// without a wrapper. The zero value is ready to use.
type Tusd struct{}

// TusdV2 is what hooks of tusd 2 get: the name of the event around the object, and
// headers as the client has sent them. The zero value is ready to use.
type TusdV2 struct{}

var (
	_ actions.Format = Tusd{}
	_ actions.Format = TusdV2{}
)

type tusdUpload struct {
	ID             string
	IsFinal        bool
	IsPartial      bool
	MetaData       map[string]string
	Offset         int64
	PartialUploads []string
	Size           *int64
	SizeIsDeferred bool
	Storage        *tusdStorage
}

type tusdStorage struct {
	Path *string
	Type string
}

type tusdRequest struct {
	Header     map[string][]string
	Method     string
	RemoteAddr *string
	URI        string
}

func tusdUploadOf(u upload) tusdUpload {
	return tusdUpload{
		ID: u.id, IsFinal: u.final, IsPartial: u.partial, MetaData: u.metadata, Offset: u.offset, PartialUploads: u.parts,
		Size: u.length, SizeIsDeferred: u.length == nil, Storage: &tusdStorage{Path: u.path, Type: u.storage},
	}
}

// Render implements actions.Format.
func (Tusd) Render(e *actions.Event) (actions.Call, error) {
	u := uploadOf(e)
	header := map[string][]string{}
	for name, value := range u.headers() {
		header[name] = []string{value}
	}
	return uploadCall("tusd", e, u, struct {
		HTTPRequest tusdRequest
		Upload      tusdUpload
	}{
		tusdRequest{Header: header, Method: u.method, RemoteAddr: u.remote, URI: u.uri},
		tusdUploadOf(u),
	})
}

// tusdStore is what tusd 2 calls a kind of storage.
func tusdStore(name string) string {
	switch name {
	case "file_storage":
		return "filestore"
	case "s3":
		return "s3store"
	}
	return name
}

// Render implements actions.Format. Before an upload is made it has no id and no
// storage; a size that is not known is 0.
func (TusdV2) Render(e *actions.Event) (actions.Call, error) {
	u := uploadOf(e)
	if e.Session.Protocol == "HTTP" && e.Request != nil {
		u.uri = e.Request.URI
	}
	if u.header == nil {
		u.header = map[string][]string{}
	}
	if u.remote == nil {
		u.remote = new(string)
	}
	up := tusdUploadOf(u)
	if up.Size == nil {
		up.Size = new(int64)
	}
	up.Storage.Type = tusdStore(u.storage)
	if e.Kind == actions.UploadCheck {
		up.ID, up.Storage = "", nil
	}
	type event struct {
		Upload      tusdUpload
		HTTPRequest tusdRequest
	}
	name, _ := actions.UploadHookName(e)
	return uploadCall(actions.FormatTusdV2, e, u, struct {
		Type  string
		Event event
	}{
		name,
		event{up, tusdRequest{Header: u.header, Method: u.method, RemoteAddr: u.remote, URI: u.uri}},
	})
}
