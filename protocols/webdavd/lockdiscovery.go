package webdavd

import (
	"net/http"
	"path"
	"strconv"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// lockPath is the path by which the locks of the request's name, and of the entries
// of its listing, are found; empty if there are none. An entry that is a link shows
// the locks of what it leads to only when it is asked itself.
func (q *request) lockPath() string {
	locks := q.server.locks
	if err := locks.follow(q.Context(), lockCacheTime); err != nil {
		q.s.Log().Warn("locks are shown as they were last known", "error", err.Error())
	}
	if !locks.any() {
		return ""
	}
	at := q.s.RealPath(q.Context(), q.name)
	if !locks.touches(at) && len(locks.covering(at)) == 0 {
		return ""
	}
	return at
}

func appendLockDiscovery(b []byte, r *resource) ([]byte, bool) {
	if r.real == "" {
		return b, true
	}
	now := time.Now()
	for _, l := range r.q.server.locks.covering(r.real) {
		b = r.q.appendLock(b, l, now)
	}
	return b, true
}

// appendLock writes one activelock (RFC 4918 section 14.1). The root of a lock
// above the user's own root is shown as that.
func (q *request) appendLock(b []byte, l dataprovider.Lock, now time.Time) []byte {
	scope, depth := "exclusive", "0"
	if l.Shared {
		scope = "shared"
	}
	if l.Deep {
		depth = "infinity"
	}
	b = append(b, "<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:"+scope+"/></D:lockscope><D:depth>"+depth+"</D:depth>"...)
	b = append(b, l.Owner...) // an element that stands for itself
	b = append(b, "<D:timeout>Second-"...)
	b = strconv.AppendInt(b, max(0, int64((l.Expires.Sub(now)+time.Second-1)/time.Second)), 10)
	b = append(b, "</D:timeout><D:locktoken><D:href>"+l.Token+"</D:href></D:locktoken><D:lockroot><D:href>"...)
	b = appendHref(b, q.server.prefix+q.lockRoot(l))
	return append(b, "</D:href></D:lockroot></D:activelock>"...)
}

// lockRoot is the name that the root of a lock has for the user. One that the user may
// not list is not named.
func (q *request) lockRoot(l dataprovider.Lock) string {
	name, ok := q.s.VirtualName(l.Path)
	if !ok || name != q.name && !vfs.Within(name, q.name) && !q.listed(name) {
		return q.name // what the user sees of it
	}
	return name
}

// listed tells whether the user may see a name in the listing that it appears in, and
// those of all above it.
func (q *request) listed(name string) bool {
	for at := name; at != "/"; at = path.Dir(at) {
		if !q.s.Rights(path.Dir(at)).List {
			return false
		}
	}
	return true
}

// locksHeld answers a LOCK with lockdiscovery.
func (q *request) locksHeld(status int, held ...dataprovider.Lock) {
	body := []byte(xmlHeader + `<D:prop xmlns:D="DAV:"><D:lockdiscovery>`)
	for _, l := range held {
		body = q.appendLock(body, l, time.Now())
	}
	body = append(body, "</D:lockdiscovery></D:prop>\n"...)
	h := q.w.Header()
	describeXML(h)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	q.w.WriteHeader(status)
	_, _ = q.w.Write(body) // the client has gone if this fails
}

// inTheWay answers a LOCK that conflicts with another lock. For one further down,
// RFC 4918 section 9.10.3 wants a multi-status that names it.
func (q *request) inTheWay(l dataprovider.Lock, at string) error {
	root := q.lockRoot(l)
	locked := &refusal{
		status: http.StatusLocked, text: "locked",
		xml: "<D:no-conflicting-lock><D:href>" + q.server.href(root) + "</D:href></D:no-conflicting-lock>",
	}
	if root == q.name || l.Path == at || !vfs.Within(at, l.Path) {
		return locked
	}
	return q.multistatus([]failure{
		{root, locked},
		{q.name, refuse(http.StatusFailedDependency, "a member is locked")},
	})
}
