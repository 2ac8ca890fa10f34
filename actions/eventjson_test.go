package actions_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"sftpgo/actions"
)

// sameJSON compares what the event writes with what encoding/json does.
func sameJSON(t *testing.T, e *actions.Event) {
	t.Helper()
	want, werr := json.Marshal(e)
	got, err := e.AppendJSON([]byte("before "))
	if (err != nil) != (werr != nil) {
		t.Fatalf("%v; encoding/json: %v", err, werr)
	}
	if err == nil && string(got) != "before "+string(want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// leaves calls visit with each field that holds no others, at any depth; what leads
// there is made.
func leaves(v reflect.Value, path string, visit func(path string, v reflect.Value)) {
	switch {
	case v.Kind() == reflect.Pointer && v.Type().Elem().Kind() == reflect.Struct:
		v.Set(reflect.New(v.Type().Elem()))
		leaves(v.Elem(), path, visit)
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		for i := range v.NumField() {
			leaves(v.Field(i), path+"."+v.Type().Field(i).Name, visit)
		}
	default:
		visit(path, v)
	}
}

// fill sets a field to something that is written.
func fill(t *testing.T, v reflect.Value, n int) {
	t.Helper()
	text := fmt.Sprintf("text %d <&>", n)
	switch p := v.Addr().Interface().(type) {
	case *time.Time:
		*p = time.Date(2020, 1, 2, 3, 4, n, n, time.FixedZone("", 3600+60*n))
	case *json.RawMessage:
		*p = json.RawMessage(fmt.Sprintf(`{"a": [%d]}`, n))
	case **int64:
		size := int64(n)
		*p = &size
	case *[]string:
		*p = []string{text, ""}
	case *map[string]string:
		*p = map[string]string{"b": text, "a": ""}
	case *map[string][]string:
		*p = map[string][]string{"b": {text, "x"}, "a": {}, "c": nil}
	default:
		switch v.Kind() {
		case reflect.String:
			v.SetString(text)
		case reflect.Int, reflect.Int64:
			v.SetInt(int64(n))
		case reflect.Bool:
			v.SetBool(true)
		default:
			t.Fatalf("the test cannot fill a %v", v.Type())
		}
	}
}

// No field is forgotten, neither when all are set nor when one is.
func TestEventJSON(t *testing.T) {
	var all actions.Event
	n := 0
	leaves(reflect.ValueOf(&all).Elem(), "", func(_ string, v reflect.Value) { n++; fill(t, v, n) })
	sameJSON(t, &all)
	text, err := all.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	var read actions.Event
	if err := json.Unmarshal(text, &read); err != nil || read.Account == nil || read.Transfer == nil || read.Request == nil {
		t.Fatalf("%v of %s", err, text)
	}

	for one := range n {
		var e actions.Event
		at := 0
		leaves(reflect.ValueOf(&e).Elem(), "", func(path string, v reflect.Value) {
			if at++; at == one+1 {
				fill(t, v, at)
				t.Log(path)
			}
		})
		sameJSON(t, &e)
	}
	sameJSON(t, &actions.Event{})
}

// What encoding/json refuses is refused.
func TestEventJSONRefuses(t *testing.T) {
	year := actions.Event{Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}
	zone := actions.Event{Time: time.Date(2000, 1, 1, 0, 0, 0, 0, time.FixedZone("", 24*3600))}
	record := actions.Event{Account: &actions.Account{Record: json.RawMessage("{")}}
	for _, e := range []actions.Event{year, zone, record} {
		sameJSON(t, &e)
		if _, err := e.AppendJSON(nil); err == nil {
			t.Errorf("%v is written", e)
		}
	}
}

// FuzzEventJSON: whatever clients name their files, the event reads as encoding/json
// would have written it.
func FuzzEventJSON(f *testing.F) {
	f.Add("/a", "alice", int64(0), int64(0), 0, 0)
	f.Add("/\x80\xff\u2028\u2029<>&\"\\\b\f\n\r\t\x00\x1f\x7f\ufffd😀", "\xed\xa0\x80", int64(-1), int64(1e18), 3600*5+1800, 7)
	f.Add(strings.Repeat("é", 100), "\xc3", int64(1)<<62, int64(-62135596800), -1, -1)
	f.Fuzz(func(t *testing.T, text, other string, n, seconds int64, zone, bits int) {
		at := time.Unix(seconds, n%1e9).In(time.FixedZone(other, zone))
		on := func(bit int) bool { return bits&(1<<bit) != 0 }
		e := actions.Event{
			ID: text, Kind: actions.Kind(other), Time: at,
			Session: actions.Session{ID: other, User: text, Protocol: other, RemoteIP: text},
			Object:  actions.Object{Name: text, Path: other + text, Target: other, Provider: bits},
			Result:  actions.Result{Size: n, Elapsed: time.Duration(seconds), Error: text + other, ByHook: on(0)},
		}
		if on(1) {
			e.Transfer = &actions.Transfer{
				ID: other, Offset: n, Length: &n, Partial: on(2), Parts: []string{text, other}, Created: at,
				Metadata: map[string]string{text: other, other: text, "": text + other}, PreviousSize: seconds,
			}
		}
		if on(3) {
			e.Request = &actions.Request{Method: text, URI: other, Header: map[string][]string{text: {other}, other: nil}}
		}
		sameJSON(t, &e)
	})
}

// BenchmarkEventJSON writes the event of an upload.
func BenchmarkEventJSON(b *testing.B) {
	size := int64(4096)
	now := time.Now().UTC()
	e := actions.Event{
		ID: "01ARZ3NDEKTSV4RRFFQ69G5FAV", Kind: actions.UploadDone, Time: now,
		Session:  actions.Session{ID: "SFTP_1", User: "alice", Protocol: "SFTP", RemoteIP: "192.0.2.7"},
		Object:   actions.Object{Name: "/in/file1", Path: "/srv/sftpgo/alice/in/file1"},
		Result:   actions.Result{Status: actions.StatusOK, Size: size, Elapsed: time.Millisecond},
		Transfer: &actions.Transfer{ID: "7c3fbb46-6a2b-4d31-8f0b-8b2c2a0d7f10", Offset: size, Length: &size, Created: now},
	}
	b.Run("own", func(b *testing.B) {
		b.ReportAllocs()
		var text []byte
		for b.Loop() {
			text, _ = e.AppendJSON(text[:0])
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = json.Marshal(&e)
		}
	})
}
