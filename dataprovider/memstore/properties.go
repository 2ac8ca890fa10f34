package memstore

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"sftpgo/dataprovider"
)

// properties implements dataprovider.Properties.
type properties struct{ *Store }

// resource is what has properties.
type resource struct {
	list    []dataprovider.Property
	owner   string
	root    string
	bytes   int64
	changed time.Time
}

// below reports whether path is dir or within it.
func below(dir, path string) bool {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(dir, "/"))
	return ok && (rest == "" || rest[0] == '/')
}

// Vacant implements dataprovider.Properties.
func (p properties) Vacant() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.resources) == 0
}

// Any implements dataprovider.Properties.
func (p properties) Any(ctx context.Context, path string) (any bool, err error) {
	return p.some(ctx, path, func(at string) bool { return below(path, at) })
}

// AnyMember implements dataprovider.Properties.
func (p properties) AnyMember(ctx context.Context, dir string) (bool, error) {
	return p.some(ctx, dir, func(at string) bool {
		parent, name := dataprovider.SplitPath(at)
		return parent == dir && name != ""
	})
}

func (p properties) some(ctx context.Context, path string, match func(string) bool) (found bool, err error) {
	err = p.do(ctx, func() error {
		for at := range p.resources {
			if match(at) {
				found = true
				break
			}
		}
		return nil
	})
	return found, wrapProperties(path, err)
}

// Get implements dataprovider.Properties.
func (p properties) Get(ctx context.Context, path string) (list []dataprovider.Property, err error) {
	err = p.do(ctx, func() error {
		list = slices.Clone(p.resources[path].list)
		return nil
	})
	return list, wrapProperties(path, err)
}

// Members implements dataprovider.Properties.
func (p properties) Members(ctx context.Context, dir string, names []string) (map[string][]dataprovider.Property, error) {
	found := map[string][]dataprovider.Property{}
	err := p.do(ctx, func() error {
		for _, name := range names {
			if r, ok := p.resources[strings.TrimSuffix(dir, "/")+"/"+name]; ok {
				found[name] = slices.Clone(r.list)
			}
		}
		return nil
	})
	return found, wrapProperties(dir, err)
}

// Patch implements dataprovider.Properties.
func (p properties) Patch(ctx context.Context, patch dataprovider.PropertyPatch) error {
	err := p.do(ctx, func() error {
		was, known := p.resources[patch.Path]
		next, err := patch.Next(was.list)
		if err != nil {
			return err
		}
		bytes := dataprovider.PropertyBytes(patch.Path, next)
		if !patch.Limits.Fits(p.propertyTotal(patch.Owner).Bytes, was.bytes, bytes, known && was.owner == patch.Owner) {
			return dataprovider.ErrLimit
		}
		if len(next) == 0 {
			delete(p.resources, patch.Path)
			return nil
		}
		p.resources[patch.Path] = resource{list: next, owner: patch.Owner, root: patch.Root, bytes: bytes, changed: p.now()}
		return nil
	})
	return wrapProperties(patch.Path, err)
}

// Apply implements dataprovider.Properties.
func (p properties) Apply(ctx context.Context, moves ...dataprovider.PropertyMove) error {
	err := p.do(ctx, func() error {
		p.moveProperties(moves)
		return nil
	})
	if err != nil {
		return fmt.Errorf("move properties: %w", err)
	}
	return nil
}

// moveProperties needs the lock.
func (s *Store) moveProperties(moves []dataprovider.PropertyMove) {
	for _, m := range moves {
		if m.Path == m.To {
			continue
		}
		switch m.Op {
		case dataprovider.PropertiesDropped:
			s.dropProperties(m.Path)
		case dataprovider.PropertiesMoved:
			s.dropProperties(m.To)
			for _, at := range slices.Collect(maps.Keys(s.resources)) {
				if below(m.Path, at) {
					r := s.resources[at]
					r.changed = s.now()
					delete(s.resources, at)
					s.resources[m.To+strings.TrimPrefix(at, m.Path)] = r
				}
			}
		case dataprovider.PropertiesCopied:
			r, ok := s.resources[m.Path]
			s.dropProperties(m.To)
			if ok {
				r.bytes += int64(len(m.To) - len(m.Path))
				r.owner, r.root, r.changed = m.Owner, m.Root, s.now()
				s.resources[m.To] = r
			}
		}
	}
}

func (s *Store) dropProperties(path string) {
	maps.DeleteFunc(s.resources, func(at string, _ resource) bool { return below(path, at) })
}

// disown leaves the properties of a user who is deleted to nobody.
func (s *Store) disown(owner string) {
	for at, r := range s.resources {
		if r.owner == owner {
			r.owner = ""
			s.resources[at] = r
		}
	}
}

// Total implements dataprovider.Properties.
func (p properties) Total(ctx context.Context, owner string) (total dataprovider.Amount, err error) {
	err = p.do(ctx, func() error {
		total = p.propertyTotal(owner)
		return nil
	})
	if err != nil {
		return total, fmt.Errorf("properties of user %q: %w", owner, err)
	}
	return total, nil
}

// propertyTotal needs the lock.
func (s *Store) propertyTotal(owner string) (total dataprovider.Amount) {
	for _, r := range s.resources {
		if r.owner == owner {
			total = total.Add(dataprovider.Amount{Files: 1, Bytes: r.bytes})
		}
	}
	return total
}

// Below implements dataprovider.Properties. It yields what was there when the loop
// began.
func (p properties) Below(ctx context.Context, dir, root string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		var paths []string
		err := p.do(ctx, func() error {
			for at, r := range p.resources {
				if at != dir && below(dir, at) && r.root == root {
					paths = append(paths, at)
				}
			}
			return nil
		})
		if err != nil {
			yield("", wrapProperties(dir, err))
			return
		}
		slices.Sort(paths)
		for _, at := range paths {
			if !yield(at, nil) {
				return
			}
		}
	}
}

// Forget implements dataprovider.Properties.
func (p properties) Forget(ctx context.Context, path string, since time.Time) error {
	err := p.do(ctx, func() error {
		if r, ok := p.resources[path]; ok && r.changed.Before(since) {
			delete(p.resources, path)
		}
		return nil
	})
	return wrapProperties(path, err)
}

func wrapProperties(path string, err error) error {
	if err != nil {
		return fmt.Errorf("properties of %q: %w", path, err)
	}
	return nil
}
