package format_test

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"sftpgo/actions"
	"sftpgo/actions/format"
)

// dialects are the formats beside that of the action contract.
var dialects = []string{actions.FormatRustus, actions.FormatRustusV2, actions.FormatTusd, actions.FormatTusdV2, actions.FormatCloudEvents}

// lives are events of the life of files, with all that the formats tell.
func lives() []example {
	all := examples()
	for i := range all {
		e := &all[i].event
		e.Time = time.Date(2021, 3, 1, 10, 0, 3, 500e6, time.UTC)
		e.Result.Elapsed = 3 * time.Second
		if e.Kind == actions.DeleteDone || e.Kind == actions.DeleteCheck {
			e.Result.Elapsed = 0
		}
	}
	hostile := all[0]
	hostile.name = "upload-hostile"
	hostile.event.Object = actions.Object{Name: "/-rf $(id)\n<b>&\u2028é \xff?#%.txt", Path: "/srv/data/alice/-rf $(id)\n<b>&\u2028é \xff?#%.txt"}
	hostile.event.Session.RemoteIP = "2001:db8::1"
	unknown := all[0]
	unknown.name = "upload-dav"
	unknown.event.Session = actions.Session{User: "alice", Protocol: "DAV"}
	return append(all, hostile, unknown)
}

func renderContract(t *testing.T, e *actions.Event) actions.Call {
	t.Helper()
	c, err := format.SFTPGo{}.Render(e)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func render(t *testing.T, dialect string, e *actions.Event) actions.Call {
	t.Helper()
	f, err := format.New(dialect)
	if err != nil {
		t.Fatal(err)
	}
	c, err := f.Render(e)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// named reports whether a dialect tells of an event, by what the routing uses.
func named(dialect string, e *actions.Event) bool {
	h := actions.Hook{Format: dialect}
	return h.Wants(e) && slices.Contains(h.Kinds(), e.Kind)
}

func TestRenderDialects(t *testing.T) {
	for _, dialect := range dialects {
		for _, x := range lives() {
			name := dialect + "-" + x.name
			t.Run(name, func(t *testing.T) {
				if !named(dialect, &x.event) {
					if dialect != actions.FormatCloudEvents && x.event.Kind != actions.DeleteCheck {
						f, err := format.New(dialect)
						if err != nil {
							t.Fatal(err)
						}
						if _, err := f.Render(&x.event); err == nil {
							t.Error("rendered, though nothing is routed there")
						}
					}
					return
				}
				c := render(t, dialect, &x.event)
				got := "name: " + c.Name + "\ntype: " + c.ContentType + "\n" + text(c.Args, c.Env, append(c.Body, '\n'))
				if *update {
					if err := os.WriteFile(goldenFile(name), []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				compareGolden(t, name, got)
			})
		}
	}
}

// The payloads letter by letter, so that a rewrite of the golden files cannot
// change them unseen.
func TestPayloadsOfUploadHooks(t *testing.T) {
	upload := lives()[0].event
	const id = "01563e3a-b5d3-d676-4c61-efb99302bd5b"
	metadata := `{"filename":"report.csv","path":"/in/report.csv","protocol":"SFTP","username":"alice"}`
	for dialect, want := range map[string]string{
		"rustus": `{"request":{"URI":"/in/report.csv","headers":{},"method":"OPEN","remote_addr":"203.0.113.9"},` +
			`"upload":{"created_at":1614592800,"deferred_size":false,"id":"` + id + `","is_final":false,"is_partial":false,"length":1234,` +
			`"metadata":` + metadata + `,"offset":1234,"parts":null,"path":"/srv/data/alice/in/report.csv","storage":"file_storage"}}`,
		"rustus-v2": `{"request":{"headers":{},"method":"OPEN","remote_addr":"203.0.113.9","uri":"/in/report.csv"},` +
			`"upload":{"created_at":1614592800,"deferred_size":false,"id":"` + id + `","is_final":false,"is_partial":false,"length":1234,` +
			`"metadata":` + metadata + `,"offset":1234,"parts":null,"path":"/srv/data/alice/in/report.csv","storage":"file_storage"}}`,
		"tusd": `{"HTTPRequest":{"Header":{},"Method":"OPEN","RemoteAddr":"203.0.113.9","URI":"/in/report.csv"},` +
			`"Upload":{"ID":"` + id + `","IsFinal":false,"IsPartial":false,"MetaData":` + metadata + `,"Offset":1234,"PartialUploads":null,` +
			`"Size":1234,"SizeIsDeferred":false,"Storage":{"Path":"/srv/data/alice/in/report.csv","Type":"file_storage"}}}`,
	} {
		c := render(t, dialect, &upload)
		if d := cmp.Diff(want, string(c.Body)); d != "" {
			t.Errorf("%s (-want +got)\n%s", dialect, d)
		}
		if d := cmp.Diff([]string{"post-finish", want}, c.Args); d != "" {
			t.Errorf("%s arguments: %s", dialect, d)
		}
	}
}

// What is longer than an argument of a program may be is on standard input only.
func TestLongPayload(t *testing.T) {
	e := lives()[0].event
	e.Object.Name = "/" + strings.Repeat("x", 60<<10)
	c := render(t, "rustus", &e)
	if c.Args[1] != "-" || len(c.Body) < 120<<10 {
		t.Errorf("argument of %d bytes, body of %d", len(c.Args[1]), len(c.Body))
	}
}

// The schemas are those of the contract, with what the reference server really
// sends: what is not known is null.
func TestSchemas(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	for _, dialect := range dialects {
		schema := "testdata/" + dialect + ".schema.json"
		s, err := compiler.Compile(schema)
		if err != nil {
			t.Fatal(err)
		}
		valid := 0
		for _, x := range lives() {
			if !named(dialect, &x.event) {
				continue
			}
			body := render(t, dialect, &x.event).Body
			if err := validate(s, body); err != nil {
				t.Errorf("%s: %s: %v", dialect, x.name, err)
			}
			valid++
		}
		if valid < 4 {
			t.Errorf("%s: only %d events", dialect, valid)
		}
		// The schema must be able to fail.
		for _, old := range []string{`"id":`, `"ID":`} {
			body := render(t, dialect, &lives()[0].event).Body
			if broken := bytes.Replace(body, []byte(old), []byte(`"x":`), 1); !bytes.Equal(broken, body) && validate(s, broken) == nil {
				t.Errorf("%s: the schema takes an event without %s", dialect, old)
			}
		}
	}
}

func validate(s *jsonschema.Schema, body []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

func TestCloudEventFields(t *testing.T) {
	rename := lives()[6].event
	var got map[string]any
	if err := json.Unmarshal(render(t, actions.FormatCloudEvents, &rename).Body, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"specversion": "1.0", "id": eventID, "source": "/sftpgo", "type": "sftpgo.rename.done", "subject": "/a.txt",
		"time": "2021-03-01T10:00:03.5Z", "datacontenttype": "application/json",
		"data": map[string]any{
			"action": "rename", "username": "alice", "protocol": "SFTP", "ip": "203.0.113.9", "session_id": "SFTP_1",
			"path": "/srv/data/alice/a.txt", "virtual_path": "/a.txt", "target_path": "/mnt/archive/a.txt",
			"virtual_target_path": "/archive/a.txt", "file_size": 0.0, "fs_provider": 0.0, "status": 1.0, "elapsed": 3000.0,
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestUnknownFormat(t *testing.T) {
	if _, err := format.New("xml"); err == nil {
		t.Error("no error")
	}
}
