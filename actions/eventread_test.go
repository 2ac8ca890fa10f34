package actions

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

// whole is an event with all that is read without encoding/json.
func whole() *Event {
	size := int64(4096)
	at := time.Date(2026, 2, 3, 4, 5, 6, 7, time.UTC)
	odd := "<&> \"\\\n é😀\u2028"
	return &Event{
		ID: "01ARZ3NDEKTSV4RRFFQ69G5FAV", Kind: UploadDone, Time: at,
		Session: Session{ID: "SFTP_1", User: odd, Protocol: "SFTP", RemoteIP: "192.0.2.7"},
		Object: Object{
			Name: "/in/" + odd, Path: "/srv/é", Behind: "b", BeforePath: "c", Target: "d", TargetPath: "e",
			SSHCommand: "f", Provider: -1, Bucket: "g", Endpoint: "h",
		},
		Result: Result{Status: StatusQuota, Size: size, Elapsed: time.Second, Error: odd, ByHook: true},
		Transfer: &Transfer{
			ID: "7c3f", Offset: 1<<63 - 1, Length: &size, Partial: true, Final: true, Parts: []string{"a", odd},
			Metadata: map[string]string{"a": odd, odd: ""}, Created: at.In(time.FixedZone("", 3600)), Overwrite: true,
			PreviousSize: -1 << 63, Resumed: true, OpenFlags: 577, Staged: "i", Checksums: map[string]string{"sha256": "00"},
		},
		Request: &Request{Method: "PUT", URI: "/a?b=c&d", Header: map[string][]string{"X-A": {"b", odd}, "X-B": {}}},
	}
}

// sameReading compares with what encoding/json reads.
func sameReading(t *testing.T, text []byte) {
	t.Helper()
	want := &Event{}
	werr := json.Unmarshal(text, want)
	got, err := ReadEvent(text)
	if (err == nil) != (werr == nil) {
		t.Fatalf("%q: %v; encoding/json: %v", text, err, werr)
	}
	if err == nil && !reflect.DeepEqual(got, want) {
		t.Errorf("%s\ngot  %+v\nwant %+v", text, got, want)
	}
}

// What AppendJSON has written is read without encoding/json, and as that reads it.
func TestReadEvent(t *testing.T) {
	least := &Event{Transfer: &Transfer{}, Request: &Request{}}
	for _, e := range []*Event{whole(), least, {}} {
		text, err := e.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		r := eventReader{rest: string(text)}
		if r.event(&Event{}); r.odd || r.rest != "" {
			t.Errorf("not read: %s", text)
		}
		sameReading(t, text)
		for i := range text { // cut short, and with one byte that is another
			sameReading(t, text[:i])
			const odd = "x0-\"\\{}[],: \x00\xff"
			other := bytes.Clone(text)
			other[i] = odd[i%len(odd)]
			sameReading(t, other)
		}
	}
}

// What is in another form is read all the same, or refused.
func TestReadEventElsewhere(t *testing.T) {
	for _, text := range []string{
		``, `{}`, `null`, `[]`, ` {"id": "a"} `, `{"kind":"upload.done","id":"a"}`, `{"ID":"a"}`,
		`{"id":"a","id":"b"}`, `{"id":1}`, `{"id":"a"`, `{"id":"\ud800","kind":"\ude00\ud83d\ude00"}`,
		`{"id":"a","kind":"user.add","account":{"id":7,"record":{"a":1}}}`,
		`{"id":"a","transfer":{"length":1.0}}`, `{"id":"a","transfer":{"length":007}}`, `{"id":"a","transfer":{"offset":1e3}}`,
		`{"id":"a","result":{"status":9223372036854775808}}`, `{"id":"a","result":{"status":-0,"size":-}}`,
		`{"id":"a","time":null}`, `{"id":"a","time":"2026-02-03"}`, `{"id":"a","request":{"header":null}}`,
		`{"id":"a","new":[{"b":"}"}],"request":{"header":{"A":null,"A":["b"]}}}`,
	} {
		sameReading(t, []byte(text))
	}
	e := whole()
	e.Account = &Account{ID: 7, Record: json.RawMessage(`{}`)}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	sameReading(t, text)
	sameReading(t, []byte(strings.ReplaceAll(string(text), ":", ": ")))
}

// FuzzReadEvent: nothing is read in another way than by encoding/json.
func FuzzReadEvent(f *testing.F) {
	part := whole()
	part.Object, part.Request = Object{Path: "/é"}, nil
	for _, e := range []*Event{part, {Request: &Request{Header: map[string][]string{"A": {"b"}}}}, {}} {
		text, err := e.AppendJSON(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(sameReading)
}

// BenchmarkReadEvent reads the event of an upload.
func BenchmarkReadEvent(b *testing.B) {
	e := whole()
	e.Session.User, e.Object, e.Result.Error = "alice", Object{Name: "/in/file1", Path: "/srv/sftpgo/alice/in/file1"}, ""
	e.Transfer = &Transfer{ID: "7c3fbb46-6a2b-4d31-8f0b-8b2c2a0d7f10", Offset: 4096, Length: e.Transfer.Length, Created: e.Time}
	e.Request = nil
	text, err := e.AppendJSON(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("own", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = ReadEvent(text)
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = json.Unmarshal(text, &Event{})
		}
	})
}
