package dataprovider

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Patched returns the record with the keys of a JSON object put over it. Keys
// that are missing keep what the record has, inside filters and filesystem as
// well; lists and permissions are replaced as a whole. A key that the record
// does not have is a fault; all faults are returned, wrapped in ErrInvalid, each
// with its path.
func (u User) Patched(data []byte) (User, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	var doc json.RawMessage
	if err := dec.Decode(&doc); err != nil {
		return User{}, fmt.Errorf("%w: not JSON: %w", ErrInvalid, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return User{}, fmt.Errorf("%w: more than one JSON value", ErrInvalid)
	}
	var f faults
	patch(&f, "", doc, reflect.ValueOf(&u).Elem())
	if err := f.err(); err != nil {
		return User{}, err
	}
	return u, nil
}

func patch(f *faults, at string, doc json.RawMessage, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		patchStruct(f, at, doc, v)
	case reflect.Slice:
		patchSlice(f, at, doc, v)
	default:
		fresh := reflect.New(v.Type())
		if err := json.Unmarshal(doc, fresh.Interface()); err != nil {
			f.add(at, "%s does not fit: %s wanted", kind(doc), jsonName(v.Type()))
			return
		}
		v.Set(fresh.Elem())
	}
}

func patchStruct(f *faults, at string, doc json.RawMessage, v reflect.Value) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(doc, &object); err != nil || object == nil {
		f.add(orRoot(at), "%s does not fit: object wanted", kind(doc))
		return
	}
	fields := jsonFields(v)
	for _, key := range slices.Sorted(maps.Keys(object)) {
		field, ok := fields[key]
		if !ok {
			f.add(join(at, key), "unknown key%s", didYouMean(key, slices.Sorted(maps.Keys(fields))))
			continue
		}
		patch(f, join(at, key), object[key], field)
	}
}

// patchSlice decodes every element into a fresh value, so that nothing of the
// old list shines through.
func patchSlice(f *faults, at string, doc json.RawMessage, v reflect.Value) {
	var elements []json.RawMessage
	if err := json.Unmarshal(doc, &elements); err != nil {
		f.add(at, "%s does not fit: list wanted", kind(doc))
		return
	}
	fresh := reflect.MakeSlice(v.Type(), len(elements), len(elements))
	for i, element := range elements {
		patch(f, at+"["+strconv.Itoa(i)+"]", element, fresh.Index(i))
	}
	v.Set(fresh)
}

func jsonFields(v reflect.Value) map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		fields[name] = v.Field(i)
	}
	return fields
}

func jsonName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "true or false"
	case reflect.Map:
		return "object of lists"
	}
	return "whole number"
}

// kind names what a JSON value is; the value itself may be a secret.
func kind(doc json.RawMessage) string {
	switch doc[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a string"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "this number"
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

func orRoot(at string) string {
	if at == "" {
		return "user"
	}
	return at
}

// didYouMean names the closest of the known keys, if one is close.
func didYouMean(key string, known []string) string {
	best, least := "", len(key)/2+1
	for _, k := range known {
		if d := editDistance(strings.ToLower(key), k); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
