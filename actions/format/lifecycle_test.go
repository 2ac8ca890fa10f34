package format_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"sftpgo/actions"
)

// uploadDialects are the formats that tell of the life of an upload.
var uploadDialects = []string{actions.FormatRustus, actions.FormatRustusV2, actions.FormatTusd, actions.FormatTusdV2}

const uploadUUID = "6f1c0b9e-3c8e-4d54-9a53-5b0d2f6f2c11"

// tusLife are the six events of a resumable upload, and those whose fields are
// special: a deferred length, a final one, a client that nobody knows.
func tusLife() []example {
	began := time.Date(2022, 7, 24, 14, 12, 49, 0, time.UTC)
	size := func(n int64) *int64 { return &n }
	of := func(kind actions.Kind, method, uri string, offset int64, length *int64) actions.Event {
		e := actions.Event{
			ID: eventID, Kind: kind, Time: began.Add(2 * time.Second),
			Session: actions.Session{ID: "HTTP_1", User: "alice", Protocol: "HTTP", RemoteIP: "192.0.2.7"},
			Object:  actions.Object{Name: "/in/shrek2.mkv", Path: "/srv/data/alice/in/shrek2.mkv"},
			Result:  actions.Result{Status: actions.StatusOK, Size: offset},
			Transfer: &actions.Transfer{
				ID: uploadUUID, Offset: offset, Length: length, Created: began, Metadata: map[string]string{"filename": "shrek2.mkv"},
			},
			Request: &actions.Request{Method: method, URI: uri, Header: map[string][]string{
				"Host": {"up.test"}, "Tus-Resumable": {"1.0.0"}, "X-Twice": {"first", "last"}, "X-Foreign": {"caf\xc3\xa9"}, "X-None": {},
			}},
		}
		return e
	}
	const base, own = "/files", "/files/" + uploadUUID
	deferred := of(actions.UploadPart, "PATCH", own, 512, nil)
	final := of(actions.UploadDone, "POST", base+"/", 9, size(9))
	final.Transfer.Final, final.Transfer.Parts, final.Transfer.Metadata = true, []string{"a1", "b2"}, nil
	check := of(actions.UploadCheck, "POST", base, 0, nil)
	check.Transfer.Final, check.Transfer.Parts = true, []string{"a1", "b2"}
	partial := of(actions.UploadDone, "PATCH", own, 4, size(4))
	partial.Transfer.Partial = true
	unknown := of(actions.DeleteDone, "DELETE", own+"?x=1", 9, size(9))
	unknown.Session.RemoteIP = ""
	return []example{
		{"pre-create", of(actions.UploadCheck, "POST", base, 0, size(220))},
		{"pre-create-final", check},
		{"post-create", of(actions.UploadOpen, "POST", base, 0, size(220))},
		{"post-receive", of(actions.UploadPart, "PATCH", own, 100, size(220))},
		{"post-receive-deferred", deferred},
		{"post-finish", of(actions.UploadDone, "PATCH", own, 220, size(220))},
		{"post-finish-final", final},
		{"post-finish-partial", partial},
		{"pre-terminate", of(actions.DeleteCheck, "DELETE", own, 100, size(220))},
		{"post-terminate", of(actions.DeleteDone, "DELETE", own, 100, size(220))},
		{"post-terminate-unknown", unknown},
	}
}

// otherLife is the same of uploads by other protocols.
func otherLife() []example {
	began := time.Date(2021, 3, 1, 10, 0, 0, 0, time.UTC)
	of := func(kind actions.Kind, protocol string, size int64, length int64) actions.Event {
		e := actions.Event{
			ID: eventID, Kind: kind, Time: began.Add(3 * time.Second),
			Session:  actions.Session{ID: protocol + "_1", User: "alice", Protocol: protocol, RemoteIP: "203.0.113.9"},
			Object:   actions.Object{Name: "/in/a b.csv", Path: "/srv/data/alice/in/a b.csv"},
			Result:   actions.Result{Status: actions.StatusOK, Size: size, Elapsed: 3 * time.Second},
			Transfer: &actions.Transfer{ID: uploadUUID, Offset: size, Created: began},
		}
		if length >= 0 {
			e.Transfer.Length = &length
		}
		return e
	}
	resumed := of(actions.UploadPart, "FTP", 600, -1)
	resumed.Transfer.Overwrite, resumed.Transfer.PreviousSize, resumed.Transfer.Resumed = true, 500, true
	resumed.Result.Status, resumed.Result.Error = actions.StatusError, "connection lost"
	dav := of(actions.UploadDone, "DAV", 1234, 1234)
	dav.Transfer.Overwrite, dav.Transfer.PreviousSize = true, 77
	dav.Request = &actions.Request{Method: "PUT", URI: "/dav/in/a%20b.csv", Header: map[string][]string{"Host": {"dav.test"}, "User-Agent": {"davfs2/1.6.1"}}}
	removed := of(actions.DeleteDone, "SFTP", 1234, -1)
	removed.Transfer = nil
	return []example{
		{"sftp-pre-create", of(actions.UploadCheck, "SFTP", 0, -1)},
		{"sftp-post-create", of(actions.UploadOpen, "SFTP", 0, -1)},
		{"scp-post-create", of(actions.UploadOpen, "SCP", 0, 1234)},
		{"ftp-post-receive", resumed},
		{"sftp-post-finish", of(actions.UploadDone, "SFTP", 1234, 1234)},
		{"dav-post-finish", dav},
		{"sftp-post-terminate", removed},
	}
}

// TestLifeOfUploads compares what each format sends with its golden file, and with
// the JSON Schema of the contract.
func TestLifeOfUploads(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	for _, dialect := range uploadDialects {
		schema, err := compiler.Compile("testdata/" + dialect + ".schema.json")
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range slices.Concat(tusLife(), otherLife()) {
			name := "life-" + dialect + "-" + x.name
			t.Run(name, func(t *testing.T) {
				c := render(t, dialect, &x.event)
				if err := validate(schema, c.Body); err != nil {
					t.Error(err)
				}
				if want := strings.TrimPrefix(strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(x.name,
					"-final"), "-deferred"), "-partial"), "-unknown"), strings.ToLower(x.event.Session.Protocol)+"-"); c.Name != want || c.Args[0] != want {
					t.Errorf("it is called %q, %q, want %q", c.Name, c.Args[0], want)
				}
				if id := "HOOK_UPLOAD_ID=" + uploadUUID; x.event.Transfer != nil && !slices.Contains(c.Env, id) {
					t.Errorf("no %s in %q", id, c.Env)
				}
				got := c.Name + " " + string(c.Body) + "\n"
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

// The payloads of a resumable upload letter by letter, so that a rewrite of the
// golden files cannot change them unseen.
func TestPayloadsOfResumableUploads(t *testing.T) {
	life := map[string]*actions.Event{}
	for _, x := range tusLife() {
		life[x.name] = &x.event
	}
	headers := `"headers":{"host":"up.test","tus-resumable":"1.0.0","x-twice":"last"}`
	for _, tt := range []struct{ event, dialect, want string }{
		{"pre-create", "rustus", `{"request":{"URI":"/files/",` + headers + `,"method":"POST","remote_addr":"192.0.2.7"},` +
			`"upload":{"created_at":1658671969,"deferred_size":false,"id":"` + uploadUUID + `","is_final":false,"is_partial":false,"length":220,` +
			`"metadata":{"filename":"shrek2.mkv"},"offset":0,"parts":null,"path":null,"storage":"file_storage"}}`},
		{"pre-create-final", "rustus-v2", `{"request":{` + headers + `,"method":"POST","remote_addr":"192.0.2.7","uri":"/files/"},` +
			`"upload":{"created_at":1658671969,"deferred_size":false,"id":"` + uploadUUID + `","is_final":true,"is_partial":false,"length":null,` +
			`"metadata":{"filename":"shrek2.mkv"},"offset":0,"parts":["a1","b2"],"path":null,"storage":"file_storage"}}`},
		{"post-receive-deferred", "rustus", `{"request":{"URI":"/files/` + uploadUUID + `/",` + headers + `,"method":"PATCH","remote_addr":"192.0.2.7"},` +
			`"upload":{"created_at":1658671969,"deferred_size":true,"id":"` + uploadUUID + `","is_final":false,"is_partial":false,"length":null,` +
			`"metadata":{"filename":"shrek2.mkv"},"offset":512,"parts":null,"path":"/srv/data/alice/in/shrek2.mkv","storage":"file_storage"}}`},
		{"pre-create-final", "tusd", `{"HTTPRequest":{"Header":{"host":["up.test"],"tus-resumable":["1.0.0"],"x-twice":["last"]},"Method":"POST",` +
			`"RemoteAddr":"192.0.2.7","URI":"/files/"},"Upload":{"ID":"` + uploadUUID + `","IsFinal":true,"IsPartial":false,` +
			`"MetaData":{"filename":"shrek2.mkv"},"Offset":0,"PartialUploads":["a1","b2"],"Size":null,"SizeIsDeferred":true,` +
			`"Storage":{"Path":null,"Type":"file_storage"}}}`},
		{"post-terminate-unknown", "tusd", `{"HTTPRequest":{"Header":{"host":["up.test"],"tus-resumable":["1.0.0"],"x-twice":["last"]},"Method":"DELETE",` +
			`"RemoteAddr":null,"URI":"/files/` + uploadUUID + `/?x=1"},"Upload":{"ID":"` + uploadUUID + `","IsFinal":false,"IsPartial":false,` +
			`"MetaData":{"filename":"shrek2.mkv"},"Offset":9,"PartialUploads":null,"Size":9,"SizeIsDeferred":false,` +
			`"Storage":{"Path":"/srv/data/alice/in/shrek2.mkv","Type":"file_storage"}}}`},
		{"pre-create", "tusd-v2", `{"Type":"pre-create","Event":{"Upload":{"ID":"","IsFinal":false,"IsPartial":false,` +
			`"MetaData":{"filename":"shrek2.mkv"},"Offset":0,"PartialUploads":null,"Size":220,"SizeIsDeferred":false,"Storage":null},` +
			`"HTTPRequest":{"Header":{"Host":["up.test"],"Tus-Resumable":["1.0.0"],"X-Foreign":["café"],"X-None":[],"X-Twice":["first","last"]},` +
			`"Method":"POST","RemoteAddr":"192.0.2.7","URI":"/files"}}}`},
		{"post-receive-deferred", "tusd-v2", `{"Type":"post-receive","Event":{"Upload":{"ID":"` + uploadUUID + `","IsFinal":false,"IsPartial":false,` +
			`"MetaData":{"filename":"shrek2.mkv"},"Offset":512,"PartialUploads":null,"Size":0,"SizeIsDeferred":true,` +
			`"Storage":{"Path":"/srv/data/alice/in/shrek2.mkv","Type":"filestore"}},` +
			`"HTTPRequest":{"Header":{"Host":["up.test"],"Tus-Resumable":["1.0.0"],"X-Foreign":["café"],"X-None":[],"X-Twice":["first","last"]},` +
			`"Method":"PATCH","RemoteAddr":"192.0.2.7","URI":"/files/` + uploadUUID + `"}}}`},
	} {
		if d := cmp.Diff(tt.want, string(render(t, tt.dialect, life[tt.event]).Body)); d != "" {
			t.Errorf("%s of %s (-want +got)\n%s", tt.event, tt.dialect, d)
		}
	}
}

// TestCloudEventsOfUploads holds what is told of an upload beyond the actions.
func TestCloudEventsOfUploads(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	schema, err := compiler.Compile("testdata/cloudevents.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range slices.Concat(tusLife(), otherLife()) {
		name := "life-cloudevents-" + x.name
		c := render(t, actions.FormatCloudEvents, &x.event)
		if err := validate(schema, c.Body); err != nil {
			t.Errorf("%s: %v", x.name, err)
		}
		got := c.Name + " " + string(c.Body) + "\n"
		if *update {
			if err := os.WriteFile(goldenFile(name), []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		compareGolden(t, name, got)
	}
}

// TestLaterFields compares what the format sftpgo adds in the list of hooks, and
// what it leaves alone.
func TestLaterFields(t *testing.T) {
	life := lives()
	upload, rename := life[0].event, life[6].event
	upload.Transfer = &actions.Transfer{
		ID: uploadUUID, Offset: 1234, Overwrite: true, PreviousSize: 77, OpenFlags: 577, Metadata: map[string]string{"k": "<v>"},
	}
	fresh := life[0].event
	fresh.Transfer = &actions.Transfer{ID: uploadUUID}
	resumable := tusLife()[5].event
	for _, x := range []example{
		{"later-upload", upload}, {"later-upload-new", fresh}, {"later-rename", rename}, {"later-resumable", resumable},
		{"later-mkdir", actions.Event{
			ID: eventID, Kind: actions.MkdirDone, Time: upload.Time, Session: upload.Session,
			Object: actions.Object{Name: "/d", Path: "/srv/data/alice/d"}, Result: actions.Result{Status: actions.StatusOK},
		}},
		{"later-copy", actions.Event{
			ID: eventID, Kind: actions.CopyDone, Time: upload.Time, Session: actions.Session{ID: "SSH_1", User: "alice", Protocol: "SSH"},
			Object: actions.Object{Name: "/a", Path: "/srv/data/alice/a", Target: "/b", TargetPath: "/srv/data/alice/b"},
			Result: actions.Result{Status: actions.StatusOK, Size: 5, Elapsed: 1500 * time.Microsecond},
		}},
	} {
		c := render(t, actions.FormatSFTPGo, &x.event)
		got := text(c.Args, c.Env, c.Body)
		if *update {
			if err := os.WriteFile(goldenFile(x.name), []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		compareGolden(t, x.name, got)
		// What the contract says comes first, unchanged.
		plain := renderContract(t, &x.event)
		if !strings.HasPrefix(string(c.Body), strings.TrimSuffix(string(plain.Body), "}\n")+",") {
			t.Errorf("%s: %s does not begin with %s", x.name, c.Body, plain.Body)
		}
		if len(plain.Args) != 5 || !slices.Equal(c.Args, plain.Args) || !slices.Equal(c.Env[:12], plain.Env[:12]) {
			t.Errorf("%s: arguments or variables of the contract differ", x.name)
		}
	}
	want := `{"action":"upload","username":"alice","path":"/srv/data/alice/in/report.csv","file_size":1234,"fs_provider":0,"status":1,"protocol":"SFTP",` +
		`"virtual_path":"/in/report.csv","ip":"203.0.113.9","session_id":"SFTP_1","timestamp":1614592803500000000,"elapsed":3000,"open_flags":577,` +
		`"metadata":{"k":"\u003cv\u003e"},"existed":true,"previous_size":77,"transfer_id":"` + uploadUUID + `"}` + "\n"
	if d := cmp.Diff(want, string(render(t, actions.FormatSFTPGo, &upload).Body)); d != "" {
		t.Error(d)
	}
}
