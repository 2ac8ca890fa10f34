package webdavd

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed" // the page and its style
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxShown bounds the page and the memory that it takes; a browser does not like
// more either.
const maxShown = 5000

var (
	//go:embed listing.html
	listingHTML string
	//go:embed listing.css
	listingCSS string
)

// pages makes the page of a directory, for browsers.
type pages struct {
	template *template.Template
	style    template.CSS
	policy   string // Content-Security-Policy
}

// newPages allows the page its own style and nothing else: whatever a name might
// smuggle in, nothing of it runs, loads or sends anything.
func newPages() *pages {
	sum := sha256.Sum256([]byte(listingCSS))
	return &pages{
		template: template.Must(template.New("listing").Parse(listingHTML)),
		style:    template.CSS(listingCSS),
		policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	}
}

// page is what the template shows. Names are of users; the template escapes them.
type page struct {
	Name    string
	Style   template.CSS
	Crumbs  []crumb
	Parent  string
	Entries []shown
	More    bool
}

type crumb struct{ Name, Href string } // without Href: the directory itself

type shown struct {
	Name, Href, Size, Stamp, Time string
	Dir                           bool
}

// page answers a GET or HEAD of a collection for people.
func (q *request) page() error {
	p := page{Name: q.name, Style: q.server.pages.style, Crumbs: q.crumbs()}
	if q.name != "/" {
		p.Parent = q.folder(path.Dir(q.name))
	}
	for entry, err := range q.s.List(q.Context(), q.name) {
		if err != nil {
			return err
		}
		if p.More = len(p.Entries) == maxShown; p.More {
			break
		}
		name := path.Join(q.name, entry.Name())
		if info := q.followed(strings.TrimSuffix(q.name, "/")+"/", entry); info != nil {
			p.Entries = append(p.Entries, q.shown(name, info))
		}
	}
	slices.SortFunc(p.Entries, inOrder)
	var b bytes.Buffer
	if err := q.server.pages.template.Execute(&b, p); err != nil {
		return fmt.Errorf("page of %q: %w", q.name, err)
	}
	h := q.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Set("Content-Security-Policy", q.server.pages.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // names are not for other sites
	h.Set("Cache-Control", "private, no-cache")
	q.w.WriteHeader(http.StatusOK)
	if q.Method == http.MethodHead {
		return nil
	}
	_, err := q.w.Write(b.Bytes())
	return err
}

// folder is the URL path of a directory. Links from it are relative to the root, so
// that they lead to the same place with and without a slash at the end.
func (q *request) folder(name string) string {
	return strings.TrimSuffix(q.server.href(name), "/") + "/"
}

func (q *request) crumbs() []crumb {
	all := []crumb{{Name: "Files"}}
	if q.name == "/" {
		return all
	}
	all[0].Href = q.folder("/")
	parts := strings.Split(q.name[1:], "/")
	for i, part := range parts {
		c := crumb{Name: part}
		if i < len(parts)-1 {
			c.Href = q.folder("/" + path.Join(parts[:i+1]...))
		}
		all = append(all, c)
	}
	return all
}

func (q *request) shown(name string, info fs.FileInfo) shown {
	t := info.ModTime().UTC()
	e := shown{
		Name: path.Base(name), Dir: info.IsDir(), Href: q.server.href(name),
		Stamp: t.Format(time.RFC3339), Time: t.Format("2006-01-02 15:04"),
	}
	if e.Dir {
		e.Href = q.folder(name)
	} else {
		e.Size = readable(info.Size())
	}
	return e
}

// inOrder puts directories first, then goes by name as people read it.
func inOrder(a, b shown) int {
	if a.Dir != b.Dir {
		if a.Dir {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.Name, b.Name))
}

// readable is a size for people, in units of 1024.
func readable(size int64) string {
	if size < 1024 {
		return strconv.FormatInt(size, 10) + " B"
	}
	value, unit := float64(size), 0
	for value >= 1023.95 && unit < len("KMGTPE") {
		value, unit = value/1024, unit+1
	}
	return fmt.Sprintf("%.1f %ciB", value, "KMGTPE"[unit-1])
}
