package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-viper/encoding/hcl"
	"github.com/go-viper/encoding/ini"
	"github.com/go-viper/encoding/javaproperties"
	"github.com/hashicorp/hcl/hcl/parser"
	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/viper"
)

// parse decodes a file. Its faults have the position, as exactly as the parser
// of the format tells it.
func parse(ext string, data []byte) (map[string]any, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // Windows editors
	codecs, err := registry()
	if err != nil {
		return nil, err
	}
	decoder, err := codecs.Decoder(ext)
	if err != nil {
		return nil, err
	}
	tree := map[string]any{}
	if err := decoder.Decode(data, tree); err != nil {
		return nil, syntaxError(data, err)
	}
	switch ext {
	case "json":
		return tree, uniqueKeys(data)
	case "dotenv", "env":
		return nest(tree), nil
	case "ini":
		return hoist(tree), nil
	}
	return tree, nil
}

// registry adds to the formats that viper brings those that it left to others.
func registry() (*viper.DefaultCodecRegistry, error) {
	r := viper.NewCodecRegistry()
	return r, errors.Join(
		r.RegisterCodec("hcl", hcl.Codec{}),
		r.RegisterCodec("ini", ini.Codec{}),
		r.RegisterCodec("properties", &javaproperties.Codec{}),
		r.RegisterCodec("props", &javaproperties.Codec{}),
		r.RegisterCodec("prop", &javaproperties.Codec{}),
	)
}

// nest turns the flat keys of a file of variables into sections. A key has the
// form of a variable (SFTPGO_COMMON__IDLE_TIMEOUT) or of a path
// (common.idle_timeout).
func nest(flat map[string]any) map[string]any {
	tree := map[string]any{}
	for _, key := range sortedKeys(flat) {
		path := strings.ReplaceAll(strings.TrimPrefix(key, envPrefix), envSeparator, ".")
		keys := strings.Split(path, ".")
		at := tree
		for _, k := range keys[:len(keys)-1] {
			k = strings.ToLower(k)
			child, ok := at[k].(map[string]any)
			if !ok {
				child = map[string]any{}
				at[k] = child
			}
			at = child
		}
		at[strings.ToLower(keys[len(keys)-1])] = flat[key]
	}
	return tree
}

// hoist moves what stands above the first section of an INI file to the root.
func hoist(tree map[string]any) map[string]any {
	for key, v := range tree {
		top, ok := v.(map[string]any)
		if !ok || !strings.EqualFold(key, "default") {
			continue
		}
		delete(tree, key)
		fill(tree, nest(top))
	}
	return tree
}

// syntaxError puts the position in front of what a parser says.
func syntaxError(data []byte, err error) error {
	var (
		syntax *json.SyntaxError
		typ    *json.UnmarshalTypeError
		tomlE  *toml.DecodeError
		hclE   *parser.PosError
	)
	switch {
	case errors.As(err, &syntax):
		return at(data, syntax.Offset-1, err)
	case errors.As(err, &typ):
		return at(data, typ.Offset-1, errors.New("the file must hold one object: {...}"))
	case errors.As(err, &tomlE):
		line, column := tomlE.Position()
		return fmt.Errorf("line %d, column %d: %w", line, column, err)
	case errors.As(err, &hclE):
		return fmt.Errorf("line %d, column %d: %s", hclE.Pos.Line, hclE.Pos.Column, withoutValues(hclE.Err.Error()))
	}
	text := withoutValues(strings.TrimSpace(err.Error()))
	if m := regexp.MustCompile(`(?i)^(?:\w+: )?line (\d+): `).FindStringSubmatch(text); m != nil {
		return fmt.Errorf("line %s: %s", m[1], strings.TrimPrefix(text, m[0]))
	}
	// INI and dotenv quote the line that they cannot read. It is left out: it may
	// hold a password.
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		if line != "" && (strings.HasSuffix(text, ": "+line) || strings.Contains(text, "`"+line+"`")) {
			return fmt.Errorf("line %d, column 1: not of the form KEY=value", i+1)
		}
	}
	return errors.New(text)
}

// withoutValues cuts what parsers quote and may be a value, that is, a secret.
func withoutValues(text string) string {
	text = regexp.MustCompile(`(Unknown token: \d+:\d+ \w+) .*`).ReplaceAllString(text, "$1")
	return regexp.MustCompile(`unknown anchor '.*' referenced`).ReplaceAllString(text, "unknown anchor referenced")
}

// at tells the line and column of a byte.
func at(data []byte, offset int64, err error) error {
	offset = max(0, min(offset, int64(len(data))))
	before := data[:offset]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := int(offset) - bytes.LastIndexByte(before, '\n')
	return fmt.Errorf("line %d, column %d: %w", line, column, err)
}

// uniqueKeys refuses a key that stands twice in one object of a JSON text: the
// decoder would drop the first without a word.
func uniqueKeys(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	type object struct {
		keys map[string]bool // nil in a list
		key  bool            // the next text is a key
	}
	var open []object
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return syntaxError(data, err)
		}
		if delim, ok := token.(json.Delim); ok {
			switch delim {
			case '{':
				open = append(open, object{keys: map[string]bool{}, key: true})
				continue
			case '[':
				open = append(open, object{})
				continue
			default:
				open = open[:len(open)-1]
			}
		} else if n := len(open); n > 0 && open[n-1].key {
			key := token.(string)
			if open[n-1].keys[key] {
				return at(data, d.InputOffset()-1, fmt.Errorf("%s is given twice", strconv.Quote(key)))
			}
			open[n-1].keys[key], open[n-1].key = true, false
			continue
		}
		if n := len(open); n > 0 {
			open[n-1].key = open[n-1].keys != nil
		}
	}
}
