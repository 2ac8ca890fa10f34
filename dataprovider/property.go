package dataprovider

import (
	"context"
	"errors"
	"iter"
	"path"
	"slices"
	"time"
)

// ErrLimit: there is no room for what is to be stored.
var ErrLimit = errors.New("limit reached")

// Properties keeps the dead properties of WebDAV (RFC 4918 section 4.1) with the
// storage path of what they belong to, so that all who see it see the same. The
// storage itself knows nothing of them: what moves, copies and removes files says
// so here, best in the Settlement of the change. Properties of what has gone
// unnoticed stay until somebody sweeps.
//
// A path has elements between "/" and none at its end; "/" itself is a path.
type Properties interface {
	// Vacant tells, without a question to the database, that nothing is stored. It
	// may be false all the same.
	Vacant() bool
	// Any reports whether path, or anything below it, has properties.
	Any(ctx context.Context, path string) (bool, error)
	// AnyMember reports whether something directly in dir has properties.
	AnyMember(ctx context.Context, dir string) (bool, error)
	// Get returns the properties of path, in the order in which they were first
	// set; none is no error.
	Get(ctx context.Context, path string) ([]Property, error)
	// Members is Get for the names in dir, at most MaxMembers, by name. Names
	// without properties are left out.
	Members(ctx context.Context, dir string, names []string) (map[string][]Property, error)
	// Patch applies all changes in their order, or none: ErrLimit if there is no room.
	Patch(ctx context.Context, p PropertyPatch) error
	// Apply does what happened to the storage, in one transaction.
	Apply(ctx context.Context, moves ...PropertyMove) error
	// Total is what counts for an owner: resources as files, and bytes.
	Total(ctx context.Context, owner string) (Amount, error)
	// Below yields the paths below dir that were last changed by somebody who saw
	// the storage root given, in order.
	Below(ctx context.Context, dir, root string) iter.Seq2[string, error]
	// Forget drops the properties of path unless they were changed at or after the
	// time given.
	Forget(ctx context.Context, path string, since time.Time) error
}

// MaxMembers is how many names Members takes.
const MaxMembers = 64

// PropertyName is the expanded name of an XML element.
type PropertyName struct {
	Space string `json:"s,omitempty"`
	Local string `json:"n"`
}

// Property is one dead property: the whole element, in UTF-8, with all that it
// needs to stand anywhere in a document.
type Property struct {
	PropertyName
	XML string `json:"x,omitempty"`
}

// PropertyChange sets a property, or removes the one of that name.
type PropertyChange struct {
	Property
	Remove bool
}

// PropertyLimits is the room for properties; 0 is no limit.
type PropertyLimits struct {
	Count int   // of one resource
	Bytes int64 // of one resource, names and path included
	Owner int64 // bytes of all that counts for one owner
}

// PropertyPatch is a change of the properties of one path.
type PropertyPatch struct {
	Path    string
	Owner   string // whom all properties of the path count for from now on
	Root    string // identity of the storage, see Properties.Below
	Changes []PropertyChange
	Limits  PropertyLimits
}

// Next returns what the properties are after the patch, or ErrLimit. was is not
// changed.
func (p PropertyPatch) Next(was []Property) ([]Property, error) {
	list := slices.Clone(was)
	for _, c := range p.Changes {
		i := slices.IndexFunc(list, func(old Property) bool { return old.PropertyName == c.PropertyName })
		switch {
		case c.Remove && i >= 0:
			list = slices.Delete(list, i, i+1)
		case c.Remove:
		case i >= 0:
			list[i] = c.Property
		default:
			list = append(list, c.Property)
		}
	}
	before, after := PropertyBytes(p.Path, was), PropertyBytes(p.Path, list)
	if p.Limits.Count > 0 && len(list) > max(p.Limits.Count, len(was)) ||
		p.Limits.Bytes > 0 && after > max(p.Limits.Bytes, before) {
		return nil, ErrLimit
	}
	return list, nil
}

// Fits tells whether there is room for a resource whose size changes from before to
// after, when total counts for the owner, before included if it is theirs already.
func (l PropertyLimits) Fits(total, before, after int64, theirs bool) bool {
	if theirs {
		total -= before
	} else {
		before = 0
	}
	return l.Owner <= 0 || after <= before || total+after <= l.Owner
}

// PropertyBytes is what the properties of a path count for; none count for nothing.
func PropertyBytes(path string, list []Property) int64 {
	if len(list) == 0 {
		return 0
	}
	n := len(path)
	for _, p := range list {
		n += len(p.Space) + len(p.Local) + len(p.XML)
	}
	return int64(n)
}

// SplitPath returns the directory and the last element of a path, as stores keep
// them; "/" is neither in a directory nor has a name.
func SplitPath(p string) (dir, name string) {
	if p == "/" {
		return "", ""
	}
	dir, name = path.Split(p)
	if len(dir) > 1 {
		dir = dir[:len(dir)-1]
	}
	return dir, name
}

// PropertyMove is what happened to something in the storage.
type PropertyMove struct {
	Op    PropertyOp `json:"op"`
	Path  string     `json:"path"`
	To    string     `json:"to,omitempty"`    // of PropertiesMoved and PropertiesCopied
	Owner string     `json:"owner,omitempty"` // of a copy
	Root  string     `json:"root,omitempty"`  // of a copy
}

// PropertyOp is a kind of PropertyMove.
type PropertyOp string

// The kinds. What was stored for the target of the first two goes.
const (
	PropertiesMoved   PropertyOp = "moved"   // with all below
	PropertiesCopied  PropertyOp = "copied"  // of the path alone, onto what has nothing below
	PropertiesDropped PropertyOp = "dropped" // with all below
)
