package webdavd

import (
	"net/http"
	"path"
	"time"
)

// What many entries of a listing have in common is written once.

// httpTime writes times in the form of HTTP. Files that came together often have the
// time of one second.
type httpTime struct {
	second int64
	text   []byte
}

func (t *httpTime) append(b []byte, when time.Time) []byte {
	if second := when.Unix(); t.text == nil || t.second != second {
		t.second = second
		t.text = when.UTC().AppendFormat(t.text[:0], http.TimeFormat)
	}
	return append(b, t.text...)
}

// contentKind knows the type of the last extension.
type contentKind struct{ extension, kind string }

func (k *contentKind) of(name string) string {
	extension := path.Ext(name)
	if k.kind == "" || k.extension != extension {
		k.extension, k.kind = extension, contentType(name)
	}
	return k.kind
}
