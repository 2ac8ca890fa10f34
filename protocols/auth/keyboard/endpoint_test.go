package keyboard_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/protocols/auth/keyboard"
)

// endpoint answers requests in order and keeps what it got.
type endpoint struct {
	t       *testing.T
	answers []string
	got     []string
	types   []string
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost {
		e.t.Errorf("%s: %v", r.Method, err)
	}
	e.got = append(e.got, string(body))
	e.types = append(e.types, r.Header.Get("Content-Type"))
	answer := e.answers[min(len(e.got), len(e.answers))-1]
	if status, text, ok := strings.Cut(answer, "!"); ok {
		if status == "201" {
			w.WriteHeader(http.StatusCreated)
		} else {
			w.WriteHeader(http.StatusInternalServerError)
		}
		answer = text
	}
	io.WriteString(w, answer)
}

func interview(t *testing.T, c *client, answers ...string) (*endpoint, error) {
	t.Helper()
	e := &endpoint{t: t, answers: answers}
	srv := httptest.NewServer(e)
	defer srv.Close()
	k, err := keyboard.NewEndpoint(&http.Client{Timeout: 5 * time.Second}, srv.URL+"/ask?token=x")
	if err != nil {
		t.Fatal(err)
	}
	return e, k.Interview(t.Context(), candidate(), c.ask)
}

// The requests of the example in the contract, and the address in each.
func TestEndpoint(t *testing.T) {
	c := &client{answers: []string{"right", "493021"}}
	e, err := interview(t, c,
		`{"instruction":"Login","questions":["Password: "],"echos":[false],"check_password":1}`,
		`{"questions":["Code: "],"echos":[true]}`, `{"auth_result":1}`)
	wantOutcome(t, err, "")
	wantAsked(t, c, "Login", "Password: ", "", "Code: !")
	var first struct {
		RequestID string `json:"request_id"`
	}
	if err := json.Unmarshal([]byte(e.got[0]), &first); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^[0-9a-v]{20}$`).MatchString(first.RequestID) {
		t.Errorf("request id %q", first.RequestID)
	}
	head := `{"request_id":"` + first.RequestID + `","username":"alice","ip":"203.0.113.9","password":"$argon2id$v=19$x"`
	want := []string{
		head + `}`,
		head + `,"answers":["OK"],"questions":["Password: "]}`,
		head + `,"answers":["493021"],"questions":["Code: "]}`,
	}
	if diff := cmp.Diff(want, e.got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if e.types[0] != "application/json" {
		t.Errorf("content type %q", e.types[0])
	}
	other, _ := interview(t, &client{}, `{"auth_result":1}`)
	if strings.Contains(other.got[0], first.RequestID) {
		t.Error("two dialogues share an id")
	}
}

func TestEndpointRefuses(t *testing.T) {
	const ask = `{"questions":["a"],"echos":[true]}`
	for name, c := range map[string]struct {
		hook    []string
		answers []string
		reason  string
		posts   int
	}{
		"rejected":       {[]string{`{"auth_result":-1}`}, nil, "rejects", 1},
		"wrong password": {[]string{`{"questions":["a"],"echos":[true],"check_password":1}`}, []string{"x"}, "wrong password", 1},
		"other status":   {[]string{`201!{"auth_result":1}`}, nil, "status 201", 1},
		"error":          {[]string{`500!{"auth_result":1}`}, nil, "status 500", 1},
		"later error":    {[]string{ask, `500!x`}, []string{"x"}, "status 500", 2},
		"no JSON":        {[]string{`<html>`}, nil, "the hook's answer", 1},
		"empty":          {[]string{``}, nil, "the hook's answer", 1},
		"huge":           {[]string{`{"instruction":"` + strings.Repeat("x", 70_000) + `","auth_result":1}`}, nil, "more than 65536", 1},
		"for ever":       {[]string{ask}, strings.Split(strings.Repeat("x", 30), ""), "more than 20 times", 21},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := interview(t, &client{answers: c.answers}, c.hook...)
			wantOutcome(t, err, c.reason)
			if len(e.got) != c.posts {
				t.Errorf("%d requests, want %d", len(e.got), c.posts)
			}
		})
	}
}

// The URL may have a token in it, and reasons go to the log.
func TestEndpointIsNotInErrors(t *testing.T) {
	srv := httptest.NewServer(nil)
	address := srv.URL + "/?token=secret"
	srv.Close()
	k, err := keyboard.NewEndpoint(http.DefaultClient, address)
	if err != nil {
		t.Fatal(err)
	}
	err = k.Interview(t.Context(), candidate(), (&client{}).ask)
	wantOutcome(t, err, "refused")
	if strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

func TestNewEndpoint(t *testing.T) {
	for _, address := range []string{"", "http://", "https:/x", "ftp://x/y", "http//x", "://"} {
		if _, err := keyboard.NewEndpoint(http.DefaultClient, address); err == nil {
			t.Errorf("%q accepted", address)
		}
	}
}
