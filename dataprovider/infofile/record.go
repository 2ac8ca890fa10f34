package infofile

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"sftpgo/dataprovider"
)

// errForeign: a file of the name of a record that is none.
var errForeign = errors.New("not a record of an upload")

// storageName is what Rustus calls files of the host.
const storageName = "file_storage"

// record is the object of a file: the fields of Rustus, which are those of its
// hooks, and all that we know. Rustus passes over what it does not
// know, and writes the file without it.
type record struct {
	ID           string            `json:"id"`
	Offset       int64             `json:"offset"`
	Length       *int64            `json:"length"`
	Path         *string           `json:"path"`
	CreatedAt    int64             `json:"created_at"`
	DeferredSize bool              `json:"deferred_size"`
	IsPartial    bool              `json:"is_partial"`
	IsFinal      bool              `json:"is_final"`
	Parts        []string          `json:"parts"`
	Storage      string            `json:"storage"`
	Metadata     map[string]string `json:"metadata"`

	Upload *dataprovider.Upload `json:"sftpgo,omitempty"`
}

func (s *Store) encode(u dataprovider.Upload) ([]byte, error) {
	path := filepath.Join(s.cfg.Data, filepath.FromSlash(u.Data))
	r := record{
		ID: u.ID, Offset: u.Offset, Path: &path, CreatedAt: u.Created.Unix(), DeferredSize: u.Length < 0 && !u.Final,
		IsPartial: u.Partial, IsFinal: u.Final, Parts: u.Parts, Storage: storageName, Metadata: pairs(u.Metadata),
		Upload: &u,
	}
	if u.Length >= 0 {
		r.Length = &u.Length
	}
	return json.Marshal(r)
}

func (s *Store) decode(text []byte) (dataprovider.Upload, error) {
	var r record
	if err := json.Unmarshal(text, &r); err != nil || r.ID == "" {
		return dataprovider.Upload{}, errForeign
	}
	if r.Upload != nil {
		return *r.Upload, nil
	}
	return s.foreign(r)
}

// foreign reads what Rustus has written.
func (s *Store) foreign(r record) (u dataprovider.Upload, err error) {
	if r.Storage != storageName || r.Path == nil {
		return u, fmt.Errorf("%w: the data is in %q", dataprovider.ErrNotFound, r.Storage)
	}
	rel, err := filepath.Rel(s.cfg.Data, *r.Path)
	if err != nil || !filepath.IsLocal(rel) {
		return u, fmt.Errorf("%w: the data is outside of the data directory", dataprovider.ErrNotFound)
	}
	u = dataprovider.Upload{
		ID: r.ID, Data: "/" + filepath.ToSlash(rel), Offset: r.Offset, Length: -1, Partial: r.IsPartial, Final: r.IsFinal,
		Parts: r.Parts, Metadata: header(r.Metadata), Created: time.Unix(r.CreatedAt, 0), State: dataprovider.UploadOpen,
		Protocol: "HTTP",
	}
	if r.Length != nil {
		u.Length = *r.Length
	}
	if !u.Partial {
		u.Name = u.Data
	}
	if u.Length >= 0 && u.Offset == u.Length {
		u.State = dataprovider.UploadComplete
	}
	// For Rustus the record is the truth; what a crash of it left behind the offset is
	// nothing that a client was told of.
	u.Unverified = u.State == dataprovider.UploadOpen
	return u, nil
}

// pairs decodes Upload-Metadata for readers of the file; what is no text in
// base64 is left out, as Rustus does.
func pairs(header string) map[string]string {
	decoded := map[string]string{}
	for pair := range strings.SplitSeq(header, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(pair), " ")
		text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value))
		if key != "" && err == nil && utf8.Valid(text) {
			decoded[key] = string(text)
		}
	}
	return decoded
}

// header is the reverse of pairs, in the order of keys.
func header(metadata map[string]string) string {
	list := make([]string, 0, len(metadata))
	for key, value := range metadata {
		if value != "" {
			key += " " + base64.StdEncoding.EncodeToString([]byte(value))
		}
		list = append(list, key)
	}
	slices.Sort(list)
	return strings.Join(list, ",")
}
