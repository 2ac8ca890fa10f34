package config

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// convert turns what a file or variable holds into a value of type t. It is
// generous about the form ("1" is 1 and true, "a,b" is a list) and strict about
// loss: 1.5 is no port, and 300 is no byte.
func convert(raw any, t reflect.Type) (any, error) {
	switch t.Kind() {
	case reflect.String:
		return text(raw)
	case reflect.Bool:
		return truth(raw)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return whole(raw, t)
	case reflect.Slice:
		return texts(raw)
	default:
		return nil, fmt.Errorf("cannot hold %s", t)
	}
}

func text(raw any) (string, error) {
	switch v := raw.(type) {
	case string:
		return v, nil
	case int, int64, uint64, float64:
		return fmt.Sprint(v), nil
	default:
		return "", fmt.Errorf("%s is not a text", describe(raw))
	}
}

func truth(raw any) (bool, error) {
	if s, ok := raw.(string); ok && s != "" {
		b, err := strconv.ParseBool(strings.TrimSpace(s))
		if err != nil {
			return false, fmt.Errorf("%s is not true or false", describe(raw))
		}
		return b, nil
	}
	if b, ok := raw.(bool); ok {
		return b, nil
	}
	n, err := integer(raw)
	if err != nil {
		return false, fmt.Errorf("%s is not true or false", describe(raw))
	}
	return n != 0, nil
}

func whole(raw any, t reflect.Type) (any, error) {
	n, err := integer(raw)
	if err != nil {
		return nil, err
	}
	v := reflect.New(t).Elem()
	if v.CanUint() {
		if n < 0 || v.OverflowUint(uint64(n)) {
			return nil, fmt.Errorf("%d is not between 0 and %d", n, uint64(math.MaxUint64)>>(64-t.Bits()))
		}
		v.SetUint(uint64(n))
		return v.Interface(), nil
	}
	if v.OverflowInt(n) {
		return nil, fmt.Errorf("%d is too large", n)
	}
	v.SetInt(n)
	return v.Interface(), nil
}

// integer accepts the numbers of all file formats. An empty text is 0: a
// variable that is set to nothing overrides the file with nothing.
func integer(raw any) (int64, error) {
	switch v := raw.(type) {
	case int:
		return int64(v), nil
	case int64:
		return v, nil
	case uint64:
		if v <= math.MaxInt64 {
			return int64(v), nil
		}
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v), nil
		}
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	case string:
		if v == "" {
			return 0, nil
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%s is not a whole number", describe(raw))
}

// texts returns a list of texts; a single text is split at its commas.
func texts(raw any) ([]any, error) {
	list := []any{}
	switch v := raw.(type) {
	case string:
		if v == "" {
			return list, nil
		}
		for s := range strings.SplitSeq(v, ",") {
			list = append(list, strings.TrimSpace(s))
		}
		return list, nil
	case []any:
		for i, raw := range v {
			s, err := text(raw)
			if err != nil {
				return nil, fmt.Errorf("element %d: %w", i, err)
			}
			list = append(list, s)
		}
		return list, nil
	default:
		s, err := text(raw)
		if err != nil {
			return nil, fmt.Errorf("%s is not a list of texts", describe(raw))
		}
		return append(list, s), nil
	}
}

// describe shows a value the way its author would know it again.
func describe(raw any) string {
	switch v := raw.(type) {
	case string:
		return strconv.Quote(v)
	case map[string]any, []map[string]any:
		return "a section"
	case []any:
		return "a list"
	default:
		return fmt.Sprint(v)
	}
}
