package config

import (
	"reflect"
	"slices"
	"strings"
)

// shape is what may stand at a place of the configuration.
type shape int

const (
	section  shape = iota // keys with values
	sections              // a list of sections
	value                 // a scalar or a list of texts
)

// node is one key of the configuration. The tree of nodes is made from the
// types by reflection, so it cannot differ from what is decoded; the keys that
// are known from elsewhere but not available hang in the same tree.
type node struct {
	key       string
	path      string // from the root, "[]" for any element of a list
	parent    *node
	shape     shape
	available bool         // part of Config
	typ       reflect.Type // of a value that is available
	initial   any          // default: of a value or list; of a section in a list
	keys      map[string]*node
}

// schema returns the root of the tree.
func schema() *node {
	root := &node{shape: section, available: true, keys: map[string]*node{}}
	root.describe(reflect.ValueOf(Default()))
	for _, path := range unavailable() {
		root.announce(path)
	}
	return root
}

// describe adds the fields of a struct, which holds the defaults.
func (n *node) describe(v reflect.Value) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && name == "" {
			n.describe(v.Field(i))
			continue
		}
		if name == "" || name == "-" {
			continue
		}
		n.add(name).define(v.Field(i))
	}
}

// define says what a key that is available holds.
func (n *node) define(v reflect.Value) {
	n.available = true
	switch {
	case v.Kind() == reflect.Struct:
		n.shape = section
		n.describe(v)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		n.shape, n.initial = sections, plain(v)
		n.path += "[]"
		n.describe(element(v))
	default:
		n.shape, n.typ, n.initial = value, v.Type(), plain(v)
	}
}

// element returns what a new element of a list starts from: the default one.
func element(list reflect.Value) reflect.Value {
	if list.Len() > 0 {
		return list.Index(0)
	}
	return reflect.Zero(list.Type().Elem())
}

// announce adds a key that is known but not available, unless it is.
func (n *node) announce(path string) {
	for key := range strings.SplitSeq(path, ".") {
		name, isList := strings.CutSuffix(key, "[]")
		child := n.keys[name]
		if child == nil {
			child = n.add(name)
			child.shape = section
			if isList {
				child.shape = sections
				child.path += "[]"
			}
		}
		n = child
	}
	if !n.available && len(n.keys) == 0 && n.shape == section {
		n.shape = value
	}
}

func (n *node) add(key string) *node {
	child := &node{key: key, path: key, parent: n, keys: map[string]*node{}}
	if n.path != "" {
		child.path = n.path + "." + key
	}
	n.keys[key] = child
	return child
}

// fresh returns the values that a new element of a list starts with.
func (n *node) fresh() map[string]any {
	m := map[string]any{}
	for key, child := range n.keys {
		switch {
		case !child.available:
		case child.shape == section:
			m[key] = child.fresh()
		default:
			m[key] = child.initial
		}
	}
	return m
}

// anyAvailable reports whether n or a key below it has an effect.
func (n *node) anyAvailable() bool {
	if n.available && n.shape == value {
		return true
	}
	for _, child := range n.keys {
		if child.anyAvailable() {
			return true
		}
	}
	return false
}

// name is how a warning names a key without effect: by the largest section that
// has none.
func (n *node) name() string {
	for n.parent != nil && n.parent.parent != nil && !n.parent.anyAvailable() {
		n = n.parent
	}
	return strings.TrimSuffix(n.path, "[]")
}

// find returns the available keys of that name anywhere below n, in order.
func (n *node) find(key string) []*node {
	var found []*node
	for _, name := range sortedKeys(n.keys) {
		child := n.keys[name]
		if name == key && child.available {
			found = append(found, child)
		}
		found = append(found, child.find(key)...)
	}
	return found
}

// plain turns a value of Config into what a file would hold.
func plain(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Struct:
		m := map[string]any{}
		for i := range v.NumField() {
			field := v.Type().Field(i)
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			m[name] = plain(v.Field(i))
		}
		return m
	case reflect.Slice:
		list := []any{}
		for i := range v.Len() {
			list = append(list, plain(v.Index(i)))
		}
		return list
	default:
		return v.Interface()
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
