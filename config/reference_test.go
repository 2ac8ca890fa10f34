package config

import (
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The reference is made from the comments of the fields, so whoever adds a key
// has documented it.
func TestGoldenReference(t *testing.T) {
	const manual = "../docs/configuration.md"
	file, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	prose, _, found := strings.Cut(string(file), marker)
	if !found {
		t.Fatalf("%s: %q is missing", manual, marker)
	}
	want := prose + marker + "\n" + (&reference{t: t, types: map[string]map[string]string{}}).text()
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(manual, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(file)); diff != "" {
		t.Errorf("run go test ./config -update\n%s", diff)
	}
}

const marker = "<!-- What follows is generated from the source: go test ./config -update -->\n"

type reference struct {
	t     *testing.T
	types map[string]map[string]string // package.Type to field to comment
	out   strings.Builder
}

func (r *reference) text() string {
	root := reflect.ValueOf(Default())
	for i := range root.NumField() {
		field := root.Type().Field(i)
		key := field.Tag.Get("json")
		fmt.Fprintf(&r.out, "## `%s`\n\n%s\n\n", key, r.meaning(root.Type(), field))
		r.out.WriteString("| key | type | default | variable | meaning |\n|---|---|---|---|---|\n")
		if v := root.Field(i); v.Kind() == reflect.Slice {
			r.rows(element(v), key+"[]")
		} else {
			r.rows(v, key)
		}
		r.out.WriteString("\n")
	}
	r.out.WriteString("## Known keys without effect\n\n" +
		"Files of other installations may hold these keys. They are accepted with one warning that names them, and do nothing.\n\n")
	for _, path := range unavailable() {
		fmt.Fprintf(&r.out, "- `%s`\n", path)
	}
	return r.out.String()
}

func (r *reference) rows(v reflect.Value, path string) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		at := path + "." + key
		switch {
		case field.Anonymous:
			r.rows(v.Field(i), path)
		case field.Type.Kind() == reflect.Struct:
			r.rows(v.Field(i), at)
		case field.Type.Kind() == reflect.Slice && field.Type.Elem().Kind() == reflect.Struct:
			r.row(at, "list of sections", v.Field(i), r.meaning(v.Type(), field))
			r.rows(element(v.Field(i)), at+"[]")
		default:
			r.row(at, typeName(field.Type), v.Field(i), r.meaning(v.Type(), field))
		}
	}
}

func (r *reference) row(path, typ string, v reflect.Value, meaning string) {
	initial, err := json.Marshal(v.Interface())
	if err != nil {
		r.t.Fatal(err)
	}
	if v.Kind() == reflect.Slice && v.IsNil() {
		initial = []byte("[]") // of an element of a list that is empty at first
	}
	name := envName(strings.ReplaceAll(path, "[]", ".0"))
	if typ == "list of sections" {
		name += "__0__…"
	}
	fmt.Fprintf(&r.out, "| `%s` | %s | `%s` | `%s` | %s |\n", path, typ, initial, name, strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(meaning))
}

func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "text"
	case reflect.Slice:
		return "list of texts"
	default:
		return "integer"
	}
}

// meaning returns the comment of a field, with the names of Go fields replaced
// by those of the keys.
func (r *reference) meaning(owner reflect.Type, field reflect.StructField) string {
	text := r.comments(owner)[field.Name]
	if text == "" {
		r.t.Errorf("%s.%s has no comment", owner, field.Name)
	}
	for i := range owner.NumField() {
		f := owner.Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		words := strings.Split(text, " ")
		for i, word := range words {
			if strings.Trim(word, ".,;:()'s") == strings.Trim(f.Name, "s") {
				words[i] = strings.Replace(word, f.Name, "`"+key+"`", 1)
			}
		}
		text = strings.Join(words, " ")
	}
	return text
}

// comments reads the source of the package that declares a type.
func (r *reference) comments(typ reflect.Type) map[string]string {
	name := typ.PkgPath() + "." + typ.Name()
	if r.types[name] != nil {
		return r.types[name]
	}
	dir := filepath.Join("..", strings.TrimPrefix(typ.PkgPath(), "sftpgo/"))
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			r.t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			decl, ok := n.(*ast.GenDecl)
			if !ok || len(decl.Specs) != 1 {
				return true
			}
			spec, ok := decl.Specs[0].(*ast.TypeSpec)
			if !ok || spec.Name.Name != typ.Name() {
				return true
			}
			if s, ok := spec.Type.(*ast.StructType); ok {
				r.types[name] = fieldComments(s, oneLine(decl.Doc.Text()))
			}
			return false
		})
	}
	return r.types[name]
}

// fieldComments gives a field without a comment that of the field above, if
// that speaks of both, else that of the type.
func fieldComments(s *ast.StructType, ofType string) map[string]string {
	comments := map[string]string{}
	last := ""
	for _, field := range s.Fields.List {
		text := field.Doc.Text() + field.Comment.Text()
		for _, name := range field.Names {
			if text == "" && strings.Contains(last, name.Name) {
				text = last
			}
			if text == "" {
				text = ofType
			}
			comments[name.Name] = oneLine(text)
		}
		last = text
	}
	return comments
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
