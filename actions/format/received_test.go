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

	"sftpgo/actions"
	"sftpgo/actions/execsink"
	"sftpgo/actions/format"
	"sftpgo/actions/httpsink"
)

// The test binary is a hook program that writes what it got to the file named
// here.
const helperFile = "FORMAT_TEST_FILE"

type received struct{ Args, Env []string }

func TestMain(m *testing.M) {
	if file := os.Getenv(helperFile); file != "" {
		data, err := json.Marshal(received{os.Args[1:], os.Environ()})
		if err == nil {
			err = os.WriteFile(file, data, 0o600)
		}
		if err != nil {
			panic(err)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// What a real program and a real endpoint got is what the golden files say.
func TestReceived(t *testing.T) {
	file := filepath.Join(t.TempDir(), "received")
	t.Setenv(helperFile, file)
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	for _, name := range []string{"SFTPGO_ACTION", "SFTPGO_ACTION_TARGET", "SFTPGO_ACTION_BUCKET"} {
		t.Setenv(name, "stale")
	}
	program := newProgram(t)
	var request *http.Request
	var body []byte
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		request = r
		body, _ = io.ReadAll(r.Body)
	}))
	defer endpoint.Close()
	post := newEndpoint(t, endpoint.URL)
	for _, x := range examples() {
		t.Run(x.name, func(t *testing.T) {
			if err := program.Deliver(t.Context(), &x.event); err != nil {
				t.Fatal(err)
			}
			if err := post.Deliver(t.Context(), &x.event); err != nil {
				t.Fatal(err)
			}
			got := readReceived(t, file)
			compareGolden(t, x.name, text(got.Args, ordered(got.Env), body))
			if request.Method != http.MethodPost || request.Header.Get("Content-Type") != "application/json" ||
				request.Header.Get("Idempotency-Key") != eventID || request.ContentLength != int64(len(body)) {
				t.Errorf("%s %v", request.Method, request.Header)
			}
		})
	}
}

func newProgram(t *testing.T) actions.Sink {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s, err := execsink.New(self, format.SFTPGo{}, execsink.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newEndpoint(t *testing.T, url string) actions.Sink {
	t.Helper()
	c, err := httpsink.NewClient(httpsink.DefaultConfig(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	s, err := httpsink.New(c, url, format.SFTPGo{}, httpsink.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func readReceived(t *testing.T, file string) received {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r received
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// ordered picks the variables of the contract in its order; the environment of a
// process has none, but each name only once.
func ordered(env []string) []string {
	order := []string{
		"SFTPGO_ACTION", "SFTPGO_ACTION_USERNAME", "SFTPGO_ACTION_PATH", "SFTPGO_ACTION_TARGET", "SFTPGO_ACTION_SSH_CMD",
		"SFTPGO_ACTION_FILE_SIZE", "SFTPGO_ACTION_FS_PROVIDER", "SFTPGO_ACTION_BUCKET", "SFTPGO_ACTION_ENDPOINT",
		"SFTPGO_ACTION_STATUS", "SFTPGO_ACTION_PROTOCOL", "SFTPGO_ACTION_EVENT_ID",
	}
	var found []string
	for _, v := range env {
		if strings.HasPrefix(v, "SFTPGO_ACTION") {
			found = append(found, v)
		}
	}
	at := func(v string) int {
		name, _, _ := strings.Cut(v, "=")
		return slices.Index(order, name)
	}
	slices.SortStableFunc(found, func(a, b string) int { return at(a) - at(b) })
	return found
}
