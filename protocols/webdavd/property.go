package webdavd

import (
	"encoding/xml"
	"io/fs"
	"strconv"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

const davNamespace = "DAV:"

// resource is one entry of a PROPFIND answer.
type resource struct {
	q     *request
	at    string      // the collection that it is listed in, with a slash; empty: it was asked itself
	base  string      // its name there, or all of its name
	info  fs.FileInfo // links followed
	real  string      // path by which locks are kept; empty: there are none
	known *known
	dead  []dataprovider.Property
}

// name is its name in the tree of the user.
func (r *resource) name() string { return r.at + r.base }

func (r *resource) isRoot() bool { return r.base == "/" }

// known is what is found out once per request.
type known struct {
	href  []byte // of the collection that is listed, with a slash
	asked bool   // how much room there is
	space vfs.Space
	err   error
	time  httpTime
	kind  contentKind
}

// property is a live property (RFC 4918 section 15, RFC 4331). Its append writes
// the value; false means that this resource does not have it.
type property struct {
	name   string
	named  bool // only when asked for by name
	append func(b []byte, r *resource) ([]byte, bool)
}

// properties returns the live properties, in the order of answers.
func properties() []property {
	return []property{
		{"resourcetype", false, appendResourceType},
		{"displayname", false, appendDisplayName},
		{"getcontentlength", false, appendContentLength},
		{"getlastmodified", false, appendLastModified},
		{"getcontenttype", false, appendContentType},
		{"getetag", false, appendETagProperty},
		{"supportedlock", false, appendSupportedLock},
		{"lockdiscovery", false, appendLockDiscovery},
		{"quota-used-bytes", true, appendQuotaUsed},
		{"quota-available-bytes", true, appendQuotaAvailable},
	}
}

func appendResourceType(b []byte, r *resource) ([]byte, bool) {
	if r.info.IsDir() {
		b = append(b, "<D:collection/>"...)
	}
	return b, true
}

func appendDisplayName(b []byte, r *resource) ([]byte, bool) {
	if r.isRoot() {
		return b, true
	}
	return appendText(b, baseName(r.base)), true
}

func appendContentLength(b []byte, r *resource) ([]byte, bool) {
	return strconv.AppendInt(b, r.info.Size(), 10), !r.info.IsDir()
}

// appendLastModified is there for directories too: clients sort by it.
func appendLastModified(b []byte, r *resource) ([]byte, bool) {
	return r.known.time.append(b, r.info.ModTime()), true
}

func appendContentType(b []byte, r *resource) ([]byte, bool) {
	return appendText(b, r.known.kind.of(r.base)), !r.info.IsDir()
}

func appendETagProperty(b []byte, r *resource) ([]byte, bool) {
	if r.info.IsDir() {
		return b, false
	}
	return appendETag(b, r.info), true
}

func appendSupportedLock(b []byte, _ *resource) ([]byte, bool) {
	return append(b, "<D:lockentry><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>"+
		"<D:lockentry><D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>"...), true
}

func appendQuotaUsed(b []byte, r *resource) ([]byte, bool) {
	sp, ok := r.room()
	return strconv.AppendUint(b, sp.Total-min(sp.Free, sp.Total), 10), ok
}

func appendQuotaAvailable(b []byte, r *resource) ([]byte, bool) {
	sp, ok := r.room()
	return strconv.AppendUint(b, sp.Avail, 10), ok
}

// room is the space of a collection; files have none (RFC 4331 section 2).
func (r *resource) room() (vfs.Space, bool) {
	if !r.info.IsDir() {
		return vfs.Space{}, false
	}
	k := r.known
	if !k.asked {
		k.asked = true
		k.space, k.err = r.q.s.Space(r.q.Context(), r.name())
	}
	return k.space, k.err == nil
}

// appendEmpty writes the empty element of a property.
func appendEmpty(b []byte, name xml.Name) []byte {
	b, end := appendTag(b, name)
	return append(b, end...)
}

// appendTag writes a start tag for a property and returns the end tag. Names of
// other namespaces declare theirs.
func appendTag(b []byte, name xml.Name) ([]byte, string) {
	switch name.Space {
	case davNamespace:
		return append(b, "<D:"+name.Local+">"...), "</D:" + name.Local + ">"
	case "":
		return append(b, "<"+name.Local+">"...), "</" + name.Local + ">"
	}
	b = append(b, "<x:"+name.Local+` xmlns:x="`...)
	b = appendText(b, name.Space)
	return append(b, `">`...), "</x:" + name.Local + ">"
}
