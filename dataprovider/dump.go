package dataprovider

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxDumpSize is how large a dump may be that is loaded at start.
const MaxDumpSize = 10 << 20

// Dump is what was read of a dump in the form of 2021,
// {"users":[…],"folders":[…],"admins":[…],"version":7}, or of a later version.
type Dump struct {
	// Users are those that could be read, in the order of the dump.
	Users []User
	// Broken are the users that could not: a value of the wrong type.
	Broken []LoadFailure
	// Version is that of the dump; 0 if it has none.
	Version int
	// Skipped counts the records of sections that this version does not load:
	// folders, admins, and those of later versions.
	Skipped map[string]int
	// Ignored are the keys inside users that this version does not know and that
	// say something, sorted, such as "filters.two_factor_protocols".
	Ignored []string
}

// ReadDumpFile reads a dump of at most MaxDumpSize from a regular file. The error
// for bad JSON says where: path: line:column.
func ReadDumpFile(path string) (Dump, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return Dump{}, fmt.Errorf("dump: %w", err)
	}
	if !fi.Mode().IsRegular() { // a pipe would stop the start for ever
		return Dump{}, fmt.Errorf("dump %s: not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return Dump{}, fmt.Errorf("dump: %w", err)
	}
	d, err := ReadDump(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return Dump{}, fmt.Errorf("dump %s: %w", path, err)
	}
	return d, nil
}

// ReadDump reads a dump of at most MaxDumpSize. The error for bad JSON begins with
// line:column. A user with a value of the wrong type does not stop the others.
func ReadDump(r io.Reader) (Dump, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxDumpSize+1))
	if err != nil {
		return Dump{}, fmt.Errorf("read: %w", err)
	}
	if len(data) > MaxDumpSize {
		return Dump{}, fmt.Errorf("larger than %d MiB", MaxDumpSize>>20)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // what Windows editors write first
	var sections map[string]json.RawMessage
	if err := json.Unmarshal(data, &sections); err != nil {
		return Dump{}, positioned(data, err)
	}
	if sections == nil {
		return Dump{}, errors.New("1:1: null is not a dump")
	}
	d := Dump{Skipped: map[string]int{}}
	if err := d.read(sections); err != nil {
		return Dump{}, err
	}
	return d, nil
}

func (d *Dump) read(sections map[string]json.RawMessage) error {
	var users []json.RawMessage
	if doc, ok := sections["users"]; ok {
		if err := json.Unmarshal(doc, &users); err != nil {
			return errors.New("users: not a list")
		}
	}
	if doc, ok := sections["version"]; ok {
		if err := json.Unmarshal(doc, &d.Version); err != nil {
			return errors.New("version: not a whole number")
		}
	}
	for section, doc := range sections {
		var records []json.RawMessage
		if section != "users" && json.Unmarshal(doc, &records) == nil && len(records) > 0 {
			d.Skipped[section] = len(records)
		}
	}
	ignored := map[string]bool{}
	for i, doc := range users {
		d.readUser(i, doc)
		collectUnknown(ignored, "", doc, reflect.TypeFor[User]())
	}
	d.Ignored = slices.Sorted(maps.Keys(ignored))
	return nil
}

func (d *Dump) readUser(i int, doc json.RawMessage) {
	var u User
	err := json.Unmarshal(doc, &u)
	if err == nil && string(doc) != "null" {
		d.Users = append(d.Users, u)
		return
	}
	name := u.Username
	if name == "" {
		name = fmt.Sprintf("users[%d]", i)
	}
	// The error of the library shows Go types, and might show a value.
	reason := fmt.Errorf("%w: not an object", ErrInvalid)
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) && wrong.Field != "" {
		reason = fmt.Errorf("%w: %s: a value of the wrong type (%s)", ErrInvalid, wrong.Field, firstWord(wrong.Value))
	}
	d.Broken = append(d.Broken, LoadFailure{Name: name, Err: reason})
}

// firstWord cuts "number 1.5" to "number".
func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return word
}

// positioned puts line:column before an error of the JSON decoder.
func positioned(data []byte, err error) error {
	var offset int64
	text := err.Error()
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		offset = syntax.Offset
	}
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		offset, text = 1, "not an object: a dump is {\"users\": [...]}"
	}
	before := data[:max(0, min(offset-1, int64(len(data))))]
	if strings.Contains(text, "unexpected end") {
		before = data
	}
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return fmt.Errorf("%d:%d: %s", line, column, text)
}

// collectUnknown adds the keys of doc that t has no field for and that are not
// blank.
func collectUnknown(found map[string]bool, at string, doc json.RawMessage, t reflect.Type) {
	switch t.Kind() {
	case reflect.Slice:
		var elements []json.RawMessage
		if json.Unmarshal(doc, &elements) == nil {
			for _, e := range elements {
				collectUnknown(found, at, e, t.Elem())
			}
		}
	case reflect.Struct:
		var members map[string]json.RawMessage
		if json.Unmarshal(doc, &members) != nil {
			return
		}
		fields := jsonFields(reflect.Zero(t))
		for key, member := range members {
			// encoding/json does not care for case either.
			if field, ok := fields[strings.ToLower(key)]; ok {
				collectUnknown(found, join(at, key), member, field.Type())
			} else if !blank(member) {
				found[join(at, key)] = true
			}
		}
	}
}

// blank reports whether a JSON value is empty all the way down.
func blank(doc json.RawMessage) bool {
	var v any
	return json.Unmarshal(doc, &v) == nil && empty(v)
}

func empty(v any) bool {
	switch v := v.(type) {
	case []any:
		return !slices.ContainsFunc(v, func(e any) bool { return !empty(e) })
	case map[string]any:
		for _, e := range v {
			if !empty(e) {
				return false
			}
		}
		return true
	}
	return v == nil || v == false || v == 0.0 || v == ""
}
