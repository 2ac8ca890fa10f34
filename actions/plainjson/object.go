// Package plainjson writes JSON objects member by member: what encoding/json would
// write of a struct, byte for byte, without looking at types. It is for records that
// are written for each file.
package plainjson

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Object is an object that is being written. The methods that begin with Opt leave
// a member out where encoding/json does for the option omitempty (of a time,
// omitzero). Names of members are written as they are, so they are constants without
// anything to escape.
type Object struct {
	text []byte
	err  error
}

// Begin begins an object behind what to holds.
func Begin(to []byte) Object { return Object{text: append(to, '{')} }

// End ends the object and returns all that was written. The error is the first of
// those that encoding/json has, too: a time with a year beyond 9999, or what Value
// could not write.
func (o *Object) End() ([]byte, error) {
	o.Close()
	return o.text, o.err
}

// Open begins a member that is an object; what follows goes into it.
func (o *Object) Open(name string) {
	o.name(name)
	o.text = append(o.text, '{')
}

// Close ends what Open began.
func (o *Object) Close() { o.text = append(o.text, '}') }

// name begins a member. No value ends in an opening brace.
func (o *Object) name(name string) {
	if o.text[len(o.text)-1] != '{' {
		o.text = append(o.text, ',')
	}
	o.text = append(append(append(o.text, '"'), name...), '"', ':')
}

// String writes a string.
func (o *Object) String(name, v string) {
	o.name(name)
	o.text = AppendString(o.text, v)
}

// OptString is String unless v is empty.
func (o *Object) OptString(name, v string) {
	if v != "" {
		o.String(name, v)
	}
}

// Int writes a number.
func (o *Object) Int(name string, v int64) {
	o.name(name)
	o.text = strconv.AppendInt(o.text, v, 10)
}

// OptInt is Int unless v is 0.
func (o *Object) OptInt(name string, v int64) {
	if v != 0 {
		o.Int(name, v)
	}
}

// Bool writes true or false.
func (o *Object) Bool(name string, v bool) {
	o.name(name)
	o.text = strconv.AppendBool(o.text, v)
}

// OptTrue is Bool if v is true.
func (o *Object) OptTrue(name string, v bool) {
	if v {
		o.Bool(name, v)
	}
}

// Time writes a time as RFC 3339 has it.
func (o *Object) Time(name string, v time.Time) {
	o.name(name)
	text, err := v.AppendText(append(o.text, '"'))
	if err != nil {
		o.fail(err)
		text = o.text
	}
	o.text = append(text, '"')
}

// OptTime is Time unless v is the zero time.
func (o *Object) OptTime(name string, v time.Time) {
	if !v.IsZero() {
		o.Time(name, v)
	}
}

// OptStrings writes a list of strings unless it is empty.
func (o *Object) OptStrings(name string, v []string) {
	if len(v) > 0 {
		o.name(name)
		o.text = appendStrings(o.text, v)
	}
}

func appendStrings(to []byte, v []string) []byte {
	if v == nil {
		return append(to, "null"...)
	}
	to = append(to, '[')
	for i, s := range v {
		if i > 0 {
			to = append(to, ',')
		}
		to = AppendString(to, s)
	}
	return append(to, ']')
}

// OptTexts writes an object of strings, sorted by name, unless it is empty.
func (o *Object) OptTexts(name string, v map[string]string) {
	if len(v) == 0 {
		return
	}
	o.Open(name)
	for _, key := range slices.Sorted(maps.Keys(v)) {
		o.key(key)
		o.text = AppendString(o.text, v[key])
	}
	o.Close()
}

// OptLists writes an object of lists of strings, sorted by name, unless it is empty.
func (o *Object) OptLists(name string, v map[string][]string) {
	if len(v) == 0 {
		return
	}
	o.Open(name)
	for _, key := range slices.Sorted(maps.Keys(v)) {
		o.key(key)
		o.text = appendStrings(o.text, v[key])
	}
	o.Close()
}

// key is name for any text.
func (o *Object) key(key string) {
	if o.text[len(o.text)-1] != '{' {
		o.text = append(o.text, ',')
	}
	o.text = append(AppendString(o.text, key), ':')
}

// Part writes what write appends, which is one value.
func (o *Object) Part(name string, write func(to []byte) ([]byte, error)) {
	o.name(name)
	text, err := write(o.text)
	if err != nil {
		o.fail(err)
		return
	}
	o.text = text
}

// Value writes anything, by encoding/json.
func (o *Object) Value(name string, v any) {
	o.name(name)
	text, err := json.Marshal(v)
	if err != nil {
		o.fail(err)
	}
	o.text = append(o.text, text...)
}

func (o *Object) fail(err error) {
	if o.err == nil {
		o.err = err
	}
}
