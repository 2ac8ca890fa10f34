package webdavd

import (
	"hash/fnv"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sftpgo/vfs"
)

// etagOf is the strong validator of a file: it changes with the file itself, its
// time and its size, and stays through a rename. The identity is hashed, so that
// it tells nothing about the storage. A directory has none.
func etagOf(info fs.FileInfo) string {
	return string(appendETag(nil, info))
}

func appendETag(b []byte, info fs.FileInfo) []byte {
	id := fnv.New64a()
	_, _ = io.WriteString(id, vfs.FileIDOf(info)) // never fails
	b = append(b, '"')
	b = strconv.AppendUint(b, id.Sum64(), 36)
	b = append(b, '-')
	b = strconv.AppendInt(b, info.ModTime().UnixNano(), 36)
	b = append(b, '-')
	b = strconv.AppendInt(b, info.Size(), 36)
	return append(b, '"')
}

// precondition evaluates the conditions of RFC 9110 section 13.2.2 against what
// is there; info is nil when nothing is. A GET whose copy is fresh is refused
// with 304, anything else with 412.
func (q *request) precondition(info fs.FileInfo) error {
	h := q.Header
	reading := q.Method == http.MethodGet || q.Method == http.MethodHead
	switch {
	case h.Get("If-Match") != "":
		if !matches(h.Values("If-Match"), info, strong) {
			return refuse(http.StatusPreconditionFailed, "If-Match: the resource is another one")
		}
	case h.Get("If-Unmodified-Since") != "":
		if since, err := http.ParseTime(h.Get("If-Unmodified-Since")); err == nil && info != nil && modified(info).After(since) {
			return refuse(http.StatusPreconditionFailed, "If-Unmodified-Since: the resource was modified")
		}
	}
	switch {
	case h.Get("If-None-Match") != "":
		if !matches(h.Values("If-None-Match"), info, weak) {
			return nil
		}
		if reading {
			return refuse(http.StatusNotModified, "not modified")
		}
		return refuse(http.StatusPreconditionFailed, "If-None-Match: the resource exists")
	case reading && h.Get("If-Modified-Since") != "":
		if since, err := http.ParseTime(h.Get("If-Modified-Since")); err == nil && info != nil && !modified(info).After(since) {
			return refuse(http.StatusNotModified, "not modified")
		}
	}
	return nil
}

// modified is the time in the resolution of HTTP.
func modified(info fs.FileInfo) time.Time { return info.ModTime().Truncate(time.Second) }

// comparison is one of RFC 9110 section 8.8.3.2.
type comparison int

const (
	strong comparison = iota
	weak
)

func matches(values []string, info fs.FileInfo, how comparison) bool {
	if info == nil {
		return false
	}
	own := ""
	if !info.IsDir() {
		own = etagOf(info)
	}
	for _, v := range values {
		for tag := range strings.SplitSeq(v, ",") { // our tags have no comma
			tag = strings.TrimSpace(tag)
			if how == weak {
				tag = strings.TrimPrefix(tag, "W/")
			}
			if tag == "*" || tag == own && own != "" {
				return true
			}
		}
	}
	return false
}
