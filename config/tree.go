package config

import (
	"fmt"
	"strconv"
	"strings"

	"sftpgo/config/spelling"
)

// reader goes through what a file and the environment hold, key by key, and
// notes everything that is wrong instead of stopping at the first.
type reader struct {
	root    *node
	faults  []error
	ignored map[string]bool // names of keys without effect
}

func (r *reader) fault(where, format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf("%s: "+format, append([]any{where}, args...)...))
}

// section returns the values of a section as the types of Config want them. What
// is wrong or has no effect is left out. where is the path of n in the file.
func (r *reader) section(n *node, raw any, where string) map[string]any {
	out := map[string]any{}
	values, ok := r.keys(raw, where)
	if !ok {
		return out
	}
	for _, key := range sortedKeys(values) {
		path := join(where, key)
		child := n.keys[key]
		switch {
		case child == nil:
			r.fault(path, "unknown key%s", r.hint(n, key, where))
		case values[key] == nil: // null is as if it were not there
		case !child.anyAvailable():
			r.ignore(child, values[key], path)
		default:
			if v := r.value(child, values[key], path); v != nil {
				out[key] = v
			}
		}
	}
	return out
}

// keys returns a section with lower-case keys. Formats with blocks give a list
// of sections, which are one.
func (r *reader) keys(raw any, where string) (map[string]any, bool) {
	var parts []map[string]any
	switch v := raw.(type) {
	case map[string]any:
		parts = append(parts, v)
	case []map[string]any:
		parts = v
	default:
		r.fault(where, "%s is not a section", describe(raw))
		return nil, false
	}
	out := map[string]any{}
	for _, part := range parts {
		for _, key := range sortedKeys(part) {
			lower := strings.ToLower(key)
			if _, twice := out[lower]; twice {
				r.fault(join(where, lower), "given twice")
				continue
			}
			out[lower] = part[key]
		}
	}
	return out, true
}

func (r *reader) value(n *node, raw any, where string) any {
	switch n.shape {
	case section:
		return r.section(n, raw, where)
	case sections:
		return r.list(n, raw, where)
	}
	if list, ok := numbered(raw); ok {
		raw = list
	}
	v, err := convert(raw, n.typ)
	if err != nil {
		r.fault(where, "%w", err)
		return nil
	}
	return v
}

// list returns the elements of a list of sections; each starts from the
// defaults of an element. The list replaces the default one.
func (r *reader) list(n *node, raw any, where string) any {
	elements, ok := r.elements(raw, where)
	if !ok {
		return nil
	}
	out := []any{}
	for i, raw := range elements {
		element := n.fresh()
		fill(element, r.section(n, raw, join(where, strconv.Itoa(i))))
		out = append(out, element)
	}
	return out
}

func (r *reader) elements(raw any, where string) ([]any, bool) {
	switch v := raw.(type) {
	case []any:
		return v, true
	case []map[string]any:
		list := make([]any, 0, len(v))
		for _, m := range v {
			list = append(list, m)
		}
		return list, true
	case map[string]any:
		if list, ok := numbered(v); ok {
			return list, true
		}
	}
	r.fault(where, "%s is not a list of sections", describe(raw))
	return nil, false
}

// ignore notes a key that has no effect, and what is unknown below it.
func (r *reader) ignore(n *node, raw any, where string) {
	r.ignored[n.name()] = true
	if len(n.keys) == 0 {
		return // takes anything
	}
	parts := []any{raw}
	if n.shape == sections {
		parts, _ = raw.([]any)
		if list, ok := numbered(raw); ok {
			parts = list
		}
	}
	for i, part := range parts {
		path := where
		if n.shape == sections {
			path = join(where, strconv.Itoa(i))
		}
		values, ok := part.(map[string]any)
		if !ok {
			continue
		}
		for _, key := range sortedKeys(values) {
			child := n.keys[strings.ToLower(key)]
			if child == nil {
				r.fault(join(path, key), "unknown key%s", r.hint(n, strings.ToLower(key), path))
				continue
			}
			r.ignore(child, values[key], join(path, key))
		}
	}
}

// hint proposes a key for an unknown one: a sibling spelled alike, or the same
// name at another place.
func (r *reader) hint(n *node, key, where string) string {
	if s := r.guess(n, key, where); s != "" {
		return "; did you mean " + s + "?"
	}
	return ""
}

func (r *reader) guess(n *node, key, where string) string {
	if s := spelling.Nearest(key, sortedKeys(n.keys)); s != "" {
		return join(where, s)
	}
	if found := r.root.find(key); len(found) > 0 {
		return found[0].path
	}
	return ""
}

// numbered returns a section with the keys 0, 1, 2... as a list: how formats
// without lists write one.
func numbered(raw any) ([]any, bool) {
	m, ok := raw.(map[string]any)
	if !ok || len(m) == 0 {
		return nil, false
	}
	list := make([]any, 0, len(m))
	for i := range len(m) {
		v, ok := m[strconv.Itoa(i)]
		if !ok {
			return nil, false
		}
		list = append(list, v)
	}
	return list, true
}

// fill puts values into a section, replacing lists whole.
func fill(section, values map[string]any) {
	for key, v := range values {
		old, isSection := section[key].(map[string]any)
		if now, ok := v.(map[string]any); ok && isSection {
			fill(old, now)
			continue
		}
		section[key] = v
	}
}

func join(where, key string) string {
	if where == "" {
		return key
	}
	return where + "." + key
}
