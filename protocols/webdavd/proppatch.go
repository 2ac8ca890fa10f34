package webdavd

import (
	"encoding/xml"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/protocols/session"
)

// proppatch sets and removes dead properties, all or none (RFC 4918 section 9.2).
// Live properties are protected but for one, see win32Modified.
func (q *request) proppatch() error {
	body, err := q.xmlBody()
	if err != nil {
		return err
	}
	updates, err := parseUpdates(body)
	if err != nil {
		return err
	}
	info, err := q.s.Stat(q.Context(), q.name)
	if err != nil {
		return err
	}
	if err := q.guard(target{name: q.name}); err != nil {
		return err
	}
	if err := q.precondition(info); err != nil {
		return err
	}
	patch, results := judge(updates)
	if slices.Max(results) == http.StatusOK {
		err := q.s.PatchProperties(q.changing(), q.name, patch)
		if err != nil && !errors.Is(err, session.ErrQuota) {
			return err
		}
		if err != nil {
			results = noRoom(updates)
		}
	}
	return q.patched(info, updates, results)
}

// judge tells what becomes of each update if there is room: 200 for all, or why not
// for some and 424 for the others. The patch is what is to be done.
func judge(updates []update) (patch session.PropertyPatch, results []int) {
	failed := false
	for _, u := range updates {
		status := http.StatusOK
		switch modified := xml.Name(u.PropertyName) == win32Modified(); {
		case protected(xml.Name(u.PropertyName)), modified && u.Remove:
			status = http.StatusForbidden
		case u.large:
			status = http.StatusInsufficientStorage
		case modified:
			at, err := http.ParseTime(u.text)
			if err != nil {
				status = http.StatusConflict
			}
			patch.Modified = at
		default:
			patch.Changes = append(patch.Changes, u.PropertyChange)
		}
		failed = failed || status != http.StatusOK
		results = append(results, status)
	}
	if failed {
		for i, status := range results {
			if status == http.StatusOK {
				results[i] = http.StatusFailedDependency
			}
		}
	}
	return patch, results
}

// noRoom is the outcome when the properties that are to be set do not fit.
func noRoom(updates []update) []int {
	var results []int
	for _, u := range updates {
		status := http.StatusInsufficientStorage
		if u.Remove {
			status = http.StatusFailedDependency
		}
		results = append(results, status)
	}
	return results
}

// patched answers with the properties by their outcome.
func (q *request) patched(info fs.FileInfo, updates []update, results []int) error {
	b := append(startMultistatus(nil), "<D:response><D:href>"...)
	b = appendHref(b, q.server.prefix+q.name)
	if info.IsDir() && q.name != "/" {
		b = append(b, '/')
	}
	b = append(b, "</D:href>"...)
	for _, status := range slices.Compact(slices.Sorted(slices.Values(results))) {
		b = append(b, "<D:propstat><D:prop>"...)
		seen := map[dataprovider.PropertyName]bool{}
		for i, u := range updates {
			if results[i] != status || seen[u.PropertyName] {
				continue
			}
			seen[u.PropertyName] = true
			b = appendEmpty(b, xml.Name(u.PropertyName))
		}
		b = appendStatus(append(b, "</D:prop>"...), status)
		switch status {
		case http.StatusForbidden:
			b = append(b, "<D:error><D:cannot-modify-protected-property/></D:error>"...)
		case http.StatusConflict:
			b = append(b, "<D:responsedescription>not a time as HTTP writes it</D:responsedescription>"...)
		case http.StatusInsufficientStorage:
			b = append(b, "<D:responsedescription>no more room for properties</D:responsedescription>"...)
		}
		b = append(b, "</D:propstat>"...)
	}
	b = append(b, "</D:response>\n</D:multistatus>\n"...)
	h := q.w.Header()
	describeXML(h)
	h.Set("Content-Length", strconv.Itoa(len(b)))
	q.w.WriteHeader(http.StatusMultiStatus)
	_, err := q.w.Write(b)
	return err
}

// win32Modified is what Windows Explorer sets after an upload. It is the time of
// modification of the file, not kept beside it: Explorer would show it for ever,
// whoever changes the file. Its companions (creation, access, attributes) have no
// place in a file and are kept as they are.
func win32Modified() xml.Name {
	return xml.Name{Space: "urn:schemas-microsoft-com:", Local: "Win32LastModifiedTime"}
}

func appendWin32Modified(b []byte, at time.Time) []byte {
	b = append(b, `<Z:Win32LastModifiedTime xmlns:Z="urn:schemas-microsoft-com:">`...)
	b = at.UTC().AppendFormat(b, http.TimeFormat)
	return append(b, "</Z:Win32LastModifiedTime>"...)
}

// protected reports whether a property is computed. displayname is, too: it is the
// name, which a rename by another protocol changes. creationdate is not known; one
// that a client sets would pass for it.
func protected(name xml.Name) bool {
	return name.Space == davNamespace && (name.Local == "creationdate" ||
		slices.ContainsFunc(properties(), func(p property) bool { return p.name == name.Local }))
}
