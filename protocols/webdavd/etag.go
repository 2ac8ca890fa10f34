package webdavd

import (
	"encoding/binary"
	"encoding/hex"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"sftpgo/vfs"
)

// etagOf is the strong validator of a file: it changes with the file itself, its
// time and its size, and stays through a rename. A directory has none.
func etagOf(info fs.FileInfo) string {
	return string(appendETag(nil, info))
}

// appendETag prefers the inode to the identity of the storage, because a listing
// must give the same validator without opening each file. All is hashed, so that
// clients find no meaning in it.
func appendETag(b []byte, info fs.FileInfo) []byte {
	id := inode(info)
	var state [24]byte
	binary.LittleEndian.PutUint64(state[:], id)
	binary.LittleEndian.PutUint64(state[8:], uint64(info.ModTime().UnixNano()))
	binary.LittleEndian.PutUint64(state[16:], uint64(info.Size()))
	h := newFNV()
	h.write(state[:])
	if id == 0 {
		h.write([]byte(vfs.FileIDOf(info)))
	}
	b = append(b, '"')
	sum := h.sum()
	b = hex.AppendEncode(b, sum[:])
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
