//go:build unix

package format_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/actions/execsink"
	"sftpgo/actions/format"
	"sftpgo/actions/httpsink"
)

// TestUserAction compares what a real program and a real endpoint get of a change of
// an account with the contract, byte by byte.
func TestUserAction(t *testing.T) {
	const record = `{"id":7,"status":1,"username":"alice","expiration_date":1700000000000,"home_dir":"/srv/data/alice","description":"\u003ca\u003e"}`
	file := filepath.Join(t.TempDir(), "received")
	t.Setenv(helperFile, file)
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	t.Setenv("SFTPGO_USER", "stale")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := execsink.New(self, format.UserAction{}, execsink.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	var request *http.Request
	var body []byte
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		request = r
		body, _ = io.ReadAll(r.Body)
	}))
	defer endpoint.Close()
	client, err := httpsink.NewClient(httpsink.DefaultConfig(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for kind, word := range map[actions.Kind]string{actions.UserAdded: "add", actions.UserUpdated: "update", actions.UserDeleted: "delete"} {
		for address, query := range map[string]string{
			endpoint.URL + "/prov": "action=" + word, endpoint.URL + "/prov?z=1&b=%2F": "action=" + word + "&b=%2F&z=1",
		} {
			e := &actions.Event{
				ID: eventID, Kind: kind, Session: actions.Session{User: "alice"}, Object: actions.Object{Name: "alice"},
				Account: &actions.Account{
					ID: 7, Status: 1, Expiration: 1700000000000, Home: "/srv/data/alice", UID: 1000, GID: 0, Record: []byte(record),
				},
			}
			stored, err := json.Marshal(e) // as it waits
			if err != nil {
				t.Fatal(err)
			}
			e = new(actions.Event)
			if err := json.Unmarshal(stored, e); err != nil {
				t.Fatal(err)
			}
			if err := program.Deliver(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			got := readReceived(t, file)
			if d := cmp.Diff([]string{word, "alice", "7", "1", "1700000000000", "/srv/data/alice", "1000", "0"}, got.Args); d != "" {
				t.Error(d)
			}
			got.Env = slices.DeleteFunc(got.Env, func(v string) bool { return !strings.HasPrefix(v, "SFTPGO_USER") })
			slices.Sort(got.Env)
			if d := cmp.Diff([]string{"SFTPGO_USER=" + record, "SFTPGO_USER_ACTION=" + word, "SFTPGO_USER_EVENT_ID=" + eventID}, got.Env); d != "" {
				t.Error(d)
			}
			post, err := httpsink.New(client, address, format.UserAction{}, httpsink.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := post.Deliver(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			if request.Method != http.MethodPost || request.URL.Path != "/prov" || request.URL.RawQuery != query ||
				request.Header.Get("Content-Type") != "application/json" || request.Header.Get("Idempotency-Key") != eventID {
				t.Errorf("%s %s %v, want the query %s", request.Method, request.URL, request.Header, query)
			}
			if d := cmp.Diff(record, string(body)); d != "" {
				t.Error(d)
			}
		}
	}
	if _, err := (format.UserAction{}).Render(&actions.Event{Kind: actions.UploadDone}); err == nil {
		t.Error("an upload was rendered as a change of an account")
	}
}
