package session

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/dataprovider"
)

// sameIntent compares what is stored with what encoding/json would write, and reads
// it back.
func sameIntent(t *testing.T, in *intent) {
	t.Helper()
	want, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	got, err := in.appendJSON(nil)
	if err != nil || string(got) != string(want) {
		t.Errorf("%v\ngot  %s\nwant %s", err, got, want)
	}
	read := decode(dataprovider.Pending{Record: got})
	if diff := cmp.Diff(in, &read.intent); read.err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", read.err, diff)
	}
}

// No field is forgotten: each is set alone, and all are.
func TestIntentJSON(t *testing.T) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 7, time.UTC)
	amount := dataprovider.Amount{Files: 1, Bytes: 2}
	all := &intent{}
	v := reflect.ValueOf(all).Elem()
	for i := range v.NumField() {
		one := &intent{}
		for _, f := range []reflect.Value{v.Field(i), reflect.ValueOf(one).Elem().Field(i)} {
			switch p := f.Addr().Interface().(type) {
			case *time.Time:
				*p = at
			case *dataprovider.Amount:
				*p = amount
			case *actions.Event:
				*p = actions.Event{ID: "id", Kind: actions.UploadDone, Time: at, Transfer: &actions.Transfer{ID: "<upload>"}}
			case *[]dataprovider.PropertyMove:
				*p = []dataprovider.PropertyMove{{Op: dataprovider.PropertiesMoved, Path: "/a", To: "/b"}, {}}
			default:
				switch f.Kind() {
				case reflect.String:
					f.SetString(fmt.Sprintf("text <%d>", i))
				case reflect.Int64:
					f.SetInt(int64(i))
				case reflect.Bool:
					f.SetBool(true)
				default:
					t.Fatalf("the test cannot fill a %v", f.Type())
				}
			}
		}
		sameIntent(t, one)
	}
	sameIntent(t, all)
	sameIntent(t, &intent{})
}

// What a server of an earlier version has left is read.
func TestIntentOfBefore(t *testing.T) {
	const left = `{"op":"write","name":"/in/a \u0026 b","file_id":"h1-00ff","root":"h1-0001","before":{"files":1,"bytes":7},` +
		`"delta":{"files":0,"bytes":0},"count":true,"size":7,"modified":"2026-02-03T04:05:06.000000007+01:00",` +
		`"event":{"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","kind":"upload.failed","time":"2026-02-03T03:05:07Z",` +
		`"session":{"id":"SFTP_1","user":"alice","protocol":"SFTP","remote_ip":"192.0.2.7"},` +
		`"object":{"name":"/in/a \u0026 b","path":"/srv/alice/in/a \u0026 b","provider":0},"result":{"status":1,"size":0},` +
		`"transfer":{"id":"7c3fbb46-6a2b-4d31-8f0b-8b2c2a0d7f10","offset":0,"created":"2026-02-03T03:05:07Z"}}}`
	f := decode(dataprovider.Pending{ID: 3, Record: []byte(left)})
	if f.err != nil {
		t.Fatal(f.err)
	}
	if in := f.intent; in.Op != intentWrite || in.Name != "/in/a & b" || in.Before.Bytes != 7 || !in.Count ||
		in.Event.Session.User != "alice" || in.Event.Transfer == nil || in.Modified.Nanosecond() != 7 {
		t.Errorf("%+v", in)
	}
	again, err := f.intent.appendJSON(nil)
	if err != nil || string(again) != left {
		t.Errorf("%v\ngot  %s\nwant %s", err, again, left)
	}
}

// A file whose clock was set to a year that JSON has no form for can be written.
func TestIntentOfOddTime(t *testing.T) {
	for _, year := range []int{-5, 0, 1, 2026, 9998, 9999, 10000, 292277026} {
		at := time.Date(year, 12, 31, 23, 59, 59, 0, time.FixedZone("", 3208))
		in := &intent{Modified: dated(at)}
		text, err := in.appendJSON(nil)
		if err != nil {
			t.Errorf("%d: %v", year, err)
		}
		got := decode(dataprovider.Pending{Record: text}).intent.Modified
		if want := year >= 0 && year <= 9999; got.Equal(at) != want {
			t.Errorf("%v became %v", at, got)
		}
	}
}
