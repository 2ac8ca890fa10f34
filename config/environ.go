package config

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"sftpgo/config/spelling"
)

const (
	envPrefix    = "SFTPGO_"
	envSeparator = "__"
)

// variable is one level of the names of variables: SFTPGO_SFTPD__BINDINGS is
// the parent of SFTPGO_SFTPD__BINDINGS__0.
type variable struct {
	name  string // whole, of the environment
	set   bool
	value string
	below map[string]*variable
}

// variables makes a tree of those names of the environment that are keys of the
// configuration: with two underscores. The others belong to flags and hooks.
func variables(environ []string) *variable {
	root := &variable{name: strings.TrimSuffix(envPrefix, "_"), below: map[string]*variable{}}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		path, ours := strings.CutPrefix(name, envPrefix)
		if !ours || !strings.Contains(path, envSeparator) {
			continue
		}
		at := root
		for key := range strings.SplitSeq(strings.ToLower(path), envSeparator) {
			if at.below[key] == nil {
				at.below[key] = &variable{name: at.child(key), below: map[string]*variable{}}
			}
			at = at.below[key]
		}
		at.set, at.value = true, value
	}
	return root
}

func (v *variable) child(key string) string {
	separator := envSeparator
	if v.name+"_" == envPrefix {
		separator = "_"
	}
	return v.name + separator + strings.ToUpper(key)
}

// override lets the variables replace values of a section. where is the path in
// the form of the file; set collects which variable gave which key.
func (r *reader) override(n *node, values map[string]any, v *variable, where string, set map[string]string) {
	if v.set {
		r.fault(v.name, "a section has no value; set its keys, like %s", v.child(first(n)))
	}
	for _, key := range sortedKeys(v.below) {
		child, below, path := n.keys[key], v.below[key], join(where, key)
		switch {
		case child == nil:
			r.unknownVariable(n, v, below, key)
		case !child.anyAvailable():
			r.ignoreVariable(child, below)
		case child.shape == section:
			section, ok := values[key].(map[string]any)
			if !ok {
				section = map[string]any{}
				values[key] = section
			}
			r.override(child, section, below, path, set)
		default:
			r.overrideValue(child, values, below, path, set)
		}
	}
}

// overrideValue replaces a value or list, or elements of a list.
func (r *reader) overrideValue(n *node, values map[string]any, v *variable, where string, set map[string]string) {
	isList := n.shape == sections || n.typ.Kind() == reflect.Slice
	switch {
	case len(v.below) > 0 && !isList:
		for _, key := range sortedKeys(v.below) {
			r.fault(v.below[key].deepest(), "unknown setting; %s has no keys", v.name)
		}
	case len(v.below) > 0 && v.set:
		r.fault(v.name, "set either the list or its elements")
	case len(v.below) > 0:
		values[n.key] = r.overrideElements(n, elements(values, n), v, where, set)
	case n.shape == sections:
		r.fault(v.name, "a list of sections has no value; set its elements, like %s__0__%s", v.name, strings.ToUpper(first(n)))
	default:
		set[where] = v.name
		value, err := convert(v.value, n.typ)
		if err != nil {
			r.fault(v.name, "%w", err)
			return
		}
		values[n.key] = value
	}
}

// elements returns a copy of the list that stands so far: of the file, else the
// default.
func elements(values map[string]any, n *node) []any {
	list, ok := values[n.key].([]any)
	if !ok {
		list, _ = n.initial.([]any)
	}
	list = slices.Clone(list)
	for i, element := range list {
		if m, ok := element.(map[string]any); ok {
			list[i] = map[string]any{}
			fill(list[i].(map[string]any), m)
		}
	}
	return list
}

func (r *reader) overrideElements(n *node, list []any, v *variable, where string, set map[string]string) []any {
	for _, key := range slices.SortedFunc(slices.Values(sortedKeys(v.below)), byNumber) {
		below, path := v.below[key], join(where, key)
		i, err := strconv.Atoi(key)
		switch {
		case err != nil || i < 0 || strconv.Itoa(i) != key:
			r.fault(below.deepest(), "%s is not an index; write %s__0", strings.ToUpper(key), v.name)
			continue
		case i > len(list):
			r.fault(below.deepest(), "element %d without element %d; the next one is %s__%d", i, i-1, v.name, len(list))
			continue
		case i == len(list) && n.shape == sections:
			list = append(list, n.fresh())
		case i == len(list):
			list = append(list, "")
		}
		if n.shape == sections {
			r.override(n, list[i].(map[string]any), below, path, set)
			continue
		}
		for _, key := range sortedKeys(below.below) {
			r.fault(below.below[key].deepest(), "unknown setting; %s has no keys", below.name)
		}
		set[path], list[i] = below.name, below.value
	}
	return list
}

// byNumber compares indices, shorter ones first.
func byNumber(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// ignoreVariable notes keys without effect, and what is unknown below them.
func (r *reader) ignoreVariable(n *node, v *variable) {
	r.ignored[n.name()] = true
	if len(n.keys) == 0 {
		return
	}
	for _, key := range sortedKeys(v.below) {
		below := v.below[key]
		if _, err := strconv.Atoi(key); err == nil && n.shape == sections {
			for _, key := range sortedKeys(below.below) {
				r.ignoreBelow(n, below, key)
			}
			continue
		}
		r.ignoreBelow(n, v, key)
	}
}

func (r *reader) ignoreBelow(n *node, v *variable, key string) {
	if child := n.keys[key]; child != nil {
		r.ignoreVariable(child, v.below[key])
		return
	}
	r.unknownVariable(n, v, v.below[key], key)
}

func (r *reader) unknownVariable(n *node, parent, v *variable, key string) {
	near := spelling.Nearest(key, sortedKeys(n.keys))
	for _, name := range v.allSet() {
		hint := ""
		if near != "" {
			hint = "; did you mean " + parent.child(near) + strings.TrimPrefix(name, v.name) + "?"
		}
		r.fault(name, "unknown setting%s", hint)
	}
}

// allSet returns the names of all variables of the tree that are really set.
func (v *variable) allSet() []string {
	var names []string
	if v.set {
		names = append(names, v.name)
	}
	for _, key := range sortedKeys(v.below) {
		names = append(names, v.below[key].allSet()...)
	}
	return names
}

// deepest returns the name of a variable that is really set.
func (v *variable) deepest() string {
	for !v.set {
		v = v.below[sortedKeys(v.below)[0]]
	}
	return v.name
}

// first returns a key of n, as an example.
func first(n *node) string {
	for _, key := range sortedKeys(n.keys) {
		if n.keys[key].available {
			return key
		}
	}
	return "KEY"
}

// nearVariables returns a warning for each variable that differs from a setting
// only in the number of underscores, which would otherwise do nothing.
func (r *reader) nearVariables(environ []string) []string {
	squeeze := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "_", "") }
	settings := map[string]string{}
	var collect func(n *node)
	collect = func(n *node) {
		for _, child := range n.keys {
			if child.shape == value && child.available && !strings.Contains(child.path, "[]") {
				name := envName(child.path)
				settings[squeeze(name)] = name
			}
			collect(child)
		}
	}
	collect(r.root)
	var warnings []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || strings.Contains(name[len(envPrefix):], envSeparator) {
			continue
		}
		if setting := settings[squeeze(name)]; setting != "" {
			warnings = append(warnings, name+" has no effect; did you mean "+setting+"?")
		}
	}
	slices.Sort(warnings)
	return warnings
}

// envName returns the variable that overrides a key, given as "common.actions.hook".
func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", envSeparator))
}
