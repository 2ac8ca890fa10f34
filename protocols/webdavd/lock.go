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
	real, seen := q.s.VirtualName(want.Path) // a link is no way around the rules
	if !(seen && q.mayLock(want, info, q.name) && q.mayLock(want, info, real)) {
		return fmt.Errorf("lock %q: %w", q.name, vfs.ErrPermission)
	}
	if err := q.guard(targets...); err != nil {
		return err
	}
	if err := q.precondition(info); err != nil {
		return err
	}
	for _, l := range q.covering(q.name) { // of the collections that a link is in
		if !vfs.Within(l.Path, want.Path) && !(l.Shared && want.Shared) {
			return q.inTheWay(l, want.Path)
		}
	}
	l, err := q.server.locks.acquire(q.changing(), want, lockTime(q.Header.Get("Timeout")))
	if err != nil {
		return q.notGranted(err, want)
	}
	status := http.StatusOK
	if info == nil {
		created, err := q.create()
		if err != nil {
			_, _ = q.server.locks.release(q.changing(), l.Path, l.Token, l.Holder) // it was never told to anyone, and runs out
			return err
		}
		if created {
			status = http.StatusCreated
		}
	}
	q.w.Header().Set("Lock-Token", "<"+l.Token+">")
	q.locksHeld(status, l)
	return nil
}

// notGranted answers for a lock that is refused. Who holds too many, or finds too
// many, can do something about it (507); when the server has too many, time helps
// (503).
func (q *request) notGranted(err error, want dataprovider.Lock) error {
	var locked *lockedError
	switch {
	case errors.As(err, &locked):
		return q.inTheWay(locked.by, want.Path)
	case errors.Is(err, errUserLocks):
		return &refusal{
			status: http.StatusInsufficientStorage, cause: err,
			text: fmt.Sprintf("you hold %d locks, which is as many as one user may; unlock something first", maxLocks),
		}
	case errors.Is(err, errNameLocks):
		return &refusal{
			status: http.StatusInsufficientStorage, cause: err,
			text: fmt.Sprintf("there are %d shared locks on this, and there may be no more", maxShared),
		}
	case errors.Is(err, errAllLocks):
		return &refusal{status: http.StatusServiceUnavailable, text: "the server keeps no more locks at the moment", cause: err}
	}
	return err
}

// mayLock reports whether the user may change what the lock is for, by a name: it
// keeps others from doing so, and must be of no use to a reader. Without info, for
// who may not list, there may be a file, a directory or nothing.
func (q *request) mayLock(want dataprovider.Lock, info fs.FileInfo, name string) bool {
	u := q.s.User()
	if (info == nil || !info.IsDir()) && !mayWrite(&u, path.Dir(name)) {
		return false
	}
	if info != nil && !info.IsDir() {
		return true
	}
	for dir := range u.Permissions {
		if want.Deep && vfs.Within(name, dir) && !mayWrite(&u, dir) {
			return false
		}
	}
	return mayWrite(&u, name)
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
	t, err := q.s.UploadSized(q.changing(), q.name, vfs.Write|vfs.Create|vfs.Excl, 0)
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
}

// wanted reads which lock the client asks for.
func (q *request) wanted(body []byte) (dataprovider.Lock, error) {
	var info lockInfo
	if err := xml.Unmarshal(body, &info); err != nil {
		return dataprovider.Lock{}, &refusal{status: http.StatusBadRequest, text: "malformed lockinfo", cause: err}
	}
	if info.Write == nil || (info.Exclusive == nil) == (info.Shared == nil) {
		return dataprovider.Lock{}, refuse(http.StatusBadRequest, "a lock is a write lock, exclusive or shared")
	}
	owner, err := ownerOf(body)
	if err != nil {
		return dataprovider.Lock{}, &refusal{status: http.StatusBadRequest, text: "the owner of the lock is too long or malformed", cause: err}
	}
	d, err := q.depth()
	if err != nil || d == children {
		return dataprovider.Lock{}, refuse(http.StatusBadRequest, "a lock has depth 0 or infinity")
	}
	return dataprovider.Lock{
		Path:   q.s.RealPath(q.changing(), q.name),
		Holder: q.s.User().Username,
		Owner:  owner,
		Shared: info.Shared != nil,
		Deep:   d == infinity,
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

// refresh gives the locks that the If header names a new life (RFC 4918 section
// 9.10.2). A member of what a lock covers will do as the name.
func (q *request) refresh() error {
	if q.Header.Get("If") == "" {
		return refuse(http.StatusBadRequest, "a LOCK without a body needs an If header with a lock token")
	}
	lists, err := q.conditions()
	if err != nil {
		return err
	}
	held, err := q.server.locks.refresh(q.changing(), q.s.RealPath(q.changing(), q.name), tokens(lists),
		q.s.User().Username, lockTime(q.Header.Get("Timeout")))
	if err != nil {
		return err
	}
	if len(held) == 0 {
		return &refusal{
			status: http.StatusPreconditionFailed, text: "no such lock",
			xml: "<D:lock-token-matches-request-uri/>",
		}
	}
	q.locksHeld(http.StatusOK, held...)
	return nil
}

// unlock ends a lock (RFC 4918 section 9.11).
func (q *request) unlock() error {
	token, ok := lockToken(q.Header.Get("Lock-Token"))
	if !ok {
		return refuse(http.StatusBadRequest, "missing or malformed Lock-Token header")
	}
	if _, err := q.conditions(); err != nil {
		return err
	}
	ok, err := q.server.locks.release(q.changing(), q.s.RealPath(q.changing(), q.name), token, q.s.User().Username)
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

// lockToken reads a Lock-Token (RFC 4918 section 10.5). The package webdav of npm
// sends it without the brackets.
func lockToken(header string) (string, bool) {
	token := strings.TrimSpace(header)
	if inner, ok := strings.CutPrefix(token, "<"); ok {
		if token, ok = strings.CutSuffix(inner, ">"); !ok {
			return "", false
		}
	}
	return token, token != "" && !strings.ContainsAny(token, "<> \t")
}
