package webdavd

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// lock grants or refreshes a lock (RFC 4918 section 9.10). A name with nothing
// behind it becomes an empty file (section 7.3).
func (q *request) lock() error {
	body, err := q.xmlBody()
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return q.refresh()
	}
	want, err := q.wanted(body)
	if err != nil {
		return err
	}
	info, err := q.stat(q.name)
	if err != nil {
		return err
	}
	var targets []target
	if info == nil {
		targets = append(targets, target{name: q.name, member: true})
	}
	if info != nil && !q.mayLock(want, info) {
		return fmt.Errorf("lock %q: %w", q.name, vfs.ErrPermission)
	}
	if err := q.guard(targets...); err != nil {
		return err
	}
	if err := q.precondition(info); err != nil {
		return err
	}
	tree := q.s.StorageRoot()
	l, err := q.server.locks.acquire(tree, want)
	switch {
	case errors.Is(err, errLocked):
		return &refusal{
			status: http.StatusLocked, text: "locked",
			xml: "<D:no-conflicting-lock><D:href>" + q.server.href(l.root) + "</D:href></D:no-conflicting-lock>",
		}
	case err != nil:
		return &refusal{status: http.StatusServiceUnavailable, text: "too many locks", cause: err}
	}
	created := false
	if info == nil {
		if created, err = q.create(); err != nil {
			_, _ = q.server.locks.release(tree, l.root, l.token, l.user) // it was never told to anyone
			return err
		}
	}
	q.w.Header().Set("Lock-Token", "<"+l.token+">")
	q.locksHeld(created, l)
	return nil
}

// mayLock reports whether the user may change what the lock is for: it keeps
// others from doing so, and must be of no use to a reader.
func (q *request) mayLock(want lock, info fs.FileInfo) bool {
	u := q.s.User()
	if !info.IsDir() {
		return mayWrite(&u, path.Dir(q.name))
	}
	for dir := range u.Permissions {
		if want.deep && vfs.Within(q.name, dir) && !mayWrite(&u, dir) {
			return false
		}
	}
	return mayWrite(&u, q.name)
}

// mayWrite reports whether anything in dir can be made, replaced or removed.
func mayWrite(u *dataprovider.User, dir string) bool {
	return slices.ContainsFunc([]string{
		dataprovider.PermUpload, dataprovider.PermOverwrite, dataprovider.PermDelete,
		dataprovider.PermRename, dataprovider.PermCreateDirs, dataprovider.PermCreateSymlinks,
	}, func(perm string) bool { return u.Allows(perm, dir) })
}

// create makes the empty file. Somebody else may have made it meanwhile, and a
// user who may not list does not see what is there.
func (q *request) create() (bool, error) {
	t, err := q.s.Upload(q.changing(), q.name, vfs.Write|vfs.Create|vfs.Excl)
	if errors.Is(err, vfs.ErrExist) || errors.Is(err, vfs.ErrIsDir) {
		return false, nil
	}
	if err != nil {
		return false, missingParent(err)
	}
	return true, t.Close()
}

// lockInfo is the body of LOCK.
type lockInfo struct {
	XMLName   xml.Name  `xml:"DAV: lockinfo"`
	Exclusive *struct{} `xml:"DAV: lockscope>exclusive"`
	Shared    *struct{} `xml:"DAV: lockscope>shared"`
	Write     *struct{} `xml:"DAV: locktype>write"`
	Owner     fragment  `xml:"DAV: owner"`
}

// maxOwner is how long the text about the owner may be: it is kept and shown in
// listings.
const maxOwner = 4 << 10

// wanted reads which lock the client asks for.
func (q *request) wanted(body []byte) (lock, error) {
	var info lockInfo
	if err := xml.Unmarshal(body, &info); err != nil {
		return lock{}, &refusal{status: http.StatusBadRequest, text: "malformed lockinfo", cause: err}
	}
	if info.Write == nil || (info.Exclusive == nil) == (info.Shared == nil) {
		return lock{}, refuse(http.StatusBadRequest, "a lock is a write lock, exclusive or shared")
	}
	if len(info.Owner) > maxOwner {
		return lock{}, refuse(http.StatusBadRequest, "the owner of the lock is too long")
	}
	d, err := q.depth()
	if err != nil || d == children {
		return lock{}, refuse(http.StatusBadRequest, "a lock has depth 0 or infinity")
	}
	return lock{
		root:    q.name,
		user:    q.s.User().Username,
		owner:   string(info.Owner),
		shared:  info.Shared != nil,
		deep:    d == infinity,
		timeout: lockTime(q.Header.Get("Timeout")),
	}, nil
}

// lockTime reads a Timeout header (RFC 4918 section 10.7): the first value that
// is understood counts, up to the limit; what is not understood asks for nothing.
func lockTime(header string) time.Duration {
	for v := range strings.SplitSeq(header, ",") {
		seconds, ok := strings.CutPrefix(strings.TrimSpace(v), "Second-")
		if !ok {
			continue
		}
		if n, err := strconv.ParseUint(seconds, 10, 32); err == nil && n > 0 {
			return min(time.Duration(n)*time.Second, maxLockTime)
		}
	}
	return maxLockTime
}

// refresh gives the locks named in the If header a new life.
func (q *request) refresh() error {
	lists, err := parseIf(strings.Join(q.Header.Values("If"), " "))
	if err != nil {
		return refuse(http.StatusBadRequest, "a LOCK without a body needs an If header with a lock token")
	}
	tree, user, timeout := q.s.StorageRoot(), q.s.User().Username, lockTime(q.Header.Get("Timeout"))
	var held []lock
	for token := range tokens(lists) {
		if l, ok := q.server.locks.refresh(tree, q.name, token, user, timeout); ok {
			held = append(held, l)
		}
	}
	if len(held) == 0 {
		return &refusal{
			status: http.StatusPreconditionFailed, text: "no such lock",
			xml: "<D:lock-token-matches-request-uri/>",
		}
	}
	q.locksHeld(false, held...)
	return nil
}

// locksHeld answers with lockdiscovery.
func (q *request) locksHeld(created bool, held ...lock) {
	body := []byte(xmlHeader + `<D:prop xmlns:D="DAV:"><D:lockdiscovery>`)
	for _, l := range held {
		body = appendLock(body, l, time.Now(), q.server.prefix)
	}
	body = append(body, "</D:lockdiscovery></D:prop>\n"...)
	h := q.w.Header()
	h.Set("Content-Type", xmlType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	q.w.WriteHeader(status)
	_, _ = q.w.Write(body) // the client has gone if this fails
}

// unlock ends a lock (RFC 4918 section 9.11).
func (q *request) unlock() error {
	token := q.Header.Get("Lock-Token")
	if len(token) < 3 || token[0] != '<' || token[len(token)-1] != '>' {
		return refuse(http.StatusBadRequest, "missing or malformed Lock-Token header")
	}
	ok, err := q.server.locks.release(q.s.StorageRoot(), q.name, token[1:len(token)-1], q.s.User().Username)
	if err != nil {
		return err
	}
	if !ok {
		return &refusal{
			status: http.StatusConflict, text: "no such lock",
			xml: "<D:lock-token-matches-request-uri/>",
		}
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}
