package outbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"path"
	"strings"
	"unicode/utf8"

	"sftpgo/actions"
)

// bodyLimit is how much of the words of a hook a client gets, in bytes.
const bodyLimit = 4 << 10

// Read says what the answer of the gate to a question means. Its errors wrap
// actions.ErrDenied or actions.ErrUnanswered; aerr is why there is no answer. Whether
// the latter refuses is up to OnError.
func (g Gate) Read(k actions.Kind, a actions.Answer, aerr error) (actions.Verdict, error) {
	switch {
	case aerr != nil:
		return actions.Verdict{}, g.unanswered(nil, aerr)
	case g.handles(k):
		return g.readHandled(a)
	case a.Status >= 500 || a.Status == http.StatusTooManyRequests:
		return actions.Verdict{}, g.unanswered(g.denial(a), fmt.Errorf("status %d", a.Status))
	case a.Status != 0 && !a.Accepted && a.Status < 400:
		// Also a redirect to elsewhere, which would lead the client there.
		return actions.Verdict{}, g.unanswered(nil, fmt.Errorf("status %d is no answer", a.Status))
	case !a.Accepted && a.Status == 0:
		return actions.Verdict{}, g.refusal(a)
	case !a.Accepted:
		return actions.Verdict{}, g.denial(a)
	case g.Manner.Tusd:
		return g.readTusd(k, a)
	case k == actions.UploadVerify:
		return g.readAction(a)
	}
	return actions.Verdict{}, nil
}

// readHandled is the contract of pre-delete: only exact success means something.
func (g Gate) readHandled(a actions.Answer) (actions.Verdict, error) {
	switch {
	case a.Exact:
		return actions.Verdict{Decision: actions.Handled}, nil
	case a.Status >= 500 || a.Status == http.StatusTooManyRequests:
		return actions.Verdict{}, g.unanswered(nil, fmt.Errorf("status %d", a.Status))
	}
	return actions.Verdict{}, &actions.Denial{Hook: g.Name}
}

// unanswered is the error of a question that nobody answered. An endpoint that is
// broken has said so in its own words, which are those for the client.
func (g Gate) unanswered(said *actions.Denial, err error) error {
	err = fmt.Errorf("hook %s: %w: %w", g.Name, actions.ErrUnanswered, hidden{err})
	if said != nil {
		return errors.Join(said, err)
	}
	return err
}

// hidden keeps what went wrong with a hook from being taken for something that went
// wrong with the request of the client: a time limit, a connection that was reset.
type hidden struct{ err error }

func (h hidden) Error() string { return h.err.Error() }

// denial is the refusal of an endpoint in its own words.
func (g Gate) denial(a actions.Answer) *actions.Denial {
	d := &actions.Denial{Hook: g.Name, Status: a.Status}
	d.ContentType, d.Body = words(a.ContentType, a.Body)
	return d
}

// refusal is that of a program, which has a text for the client only if it says so:
// what it prints otherwise is its own business.
func (g Gate) refusal(a actions.Answer) *actions.Denial {
	d := &actions.Denial{Hook: g.Name, Status: g.Manner.Refusal}
	if said, ok, err := decode[action](a); err == nil && ok {
		d.Body = clipped(said.Message)
	}
	return d
}

// words are what a client may get of a body: text, and of a document all or nothing.
func words(kind string, body []byte) (contentType, text string) {
	media, params, err := mime.ParseMediaType(kind)
	switch charset := strings.ToLower(params["charset"]); {
	case kind == "":
		media = "text/plain"
	case err != nil, charset != "" && charset != "utf-8" && charset != "us-ascii":
		return "", ""
	}
	switch {
	case !isText(media) || !utf8.Valid(body):
		return "", ""
	case len(body) > bodyLimit && media != "text/plain":
		return "", ""
	}
	return kind, clipped(string(body))
}

func isText(media string) bool {
	_, sub, _ := strings.Cut(media, "/")
	return strings.HasPrefix(media, "text/") || sub == "json" || sub == "xml" ||
		strings.HasSuffix(sub, "+json") || strings.HasSuffix(sub, "+xml")
}

// clipped is the beginning of a text that may be too long.
func clipped(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= bodyLimit {
		return text
	}
	end := bodyLimit
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// action is the answer of a content gate.
type action struct {
	Action  *string `json:"action"`
	Name    string  `json:"name"`
	Message string  `json:"message"`
}

// decode returns the JSON object that an answer is. False: it is none. A program
// may print anything, and only an endpoint says what it sends.
func decode[T any](a actions.Answer) (value T, ok bool, err error) {
	text := strings.TrimSpace(string(a.Body))
	if a.Status != 0 {
		media, _, _ := mime.ParseMediaType(a.ContentType)
		ok = (media == "application/json" || strings.HasSuffix(media, "+json")) && text != ""
	} else {
		ok = strings.HasPrefix(text, "{")
	}
	switch {
	case !ok:
		return value, false, nil
	case a.Cut:
		return value, true, fmt.Errorf("longer than %d bytes, or broken off", actions.AnswerLimit)
	}
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return value, true, err
	}
	return value, true, nil
}

// readAction reads what a content gate says beside its agreement.
func (g Gate) readAction(a actions.Answer) (actions.Verdict, error) {
	said, ok, err := decode[action](a)
	switch {
	case err != nil:
		return actions.Verdict{}, g.unanswered(nil, fmt.Errorf("the answer cannot be read: %w", err))
	case !ok || said.Action == nil || *said.Action == "publish":
		return actions.Verdict{}, nil
	}
	switch denial := (&actions.Denial{Hook: g.Name, Body: clipped(said.Message)}); *said.Action {
	case "reject":
		return actions.Verdict{}, denial
	case "rename":
		if said.Name == "" {
			return actions.Verdict{}, g.unanswered(nil, errors.New("the answer says rename without a name"))
		}
		return actions.Verdict{Decision: actions.Rename, Name: said.Name}, nil
	case "quarantine":
		return g.quarantine(said.Name, denial)
	}
	return actions.Verdict{}, g.unanswered(nil, fmt.Errorf("the answer has an unknown action %q", *said.Action))
}

// quarantine keeps the content at name, in the directory of the setting unless name
// is absolute. A name that ends in a slash leaves the last part to the server.
func (g Gate) quarantine(name string, denial *actions.Denial) (actions.Verdict, error) {
	switch dir := g.Manner.Quarantine; {
	case dir != "" && !path.IsAbs(name):
		name = strings.TrimSuffix(dir, "/") + "/" + name
	case name == "":
		return actions.Verdict{}, g.unanswered(denial, errors.New("the answer says quarantine, but there is neither a name nor the setting quarantine"))
	}
	return actions.Verdict{Decision: actions.Quarantine, Name: name, Denial: denial}, nil
}

// tusdAnswer is the response of a hook of tusd
// (https://tus.github.io/tusd/advanced-topics/hooks/#hook-requests-and-responses).
type tusdAnswer struct {
	HTTPResponse struct {
		StatusCode int
		Body       string
		Header     map[string]string
	}
	RejectUpload      bool
	RejectTermination bool
	ChangeFileInfo    struct {
		ID       string
		MetaData map[string]string
		Storage  map[string]string
	}
}

func (g Gate) readTusd(k actions.Kind, a actions.Answer) (actions.Verdict, error) {
	said, _, err := decode[tusdAnswer](a)
	if err != nil {
		return actions.Verdict{}, g.unanswered(nil, fmt.Errorf("the answer cannot be read: %w", err))
	}
	status := said.HTTPResponse.StatusCode
	if said.RejectUpload && (k == actions.UploadCheck || k == actions.UploadVerify) || said.RejectTermination && k == actions.DeleteCheck ||
		k == actions.UploadVerify && status >= 400 {
		if status < 400 || status > 599 {
			status = http.StatusBadRequest
		}
		d := &actions.Denial{Hook: g.Name, Status: status}
		d.ContentType, d.Body = words(header(said.HTTPResponse.Header, "Content-Type"), []byte(clipped(said.HTTPResponse.Body)))
		return actions.Verdict{}, d
	}
	if k != actions.UploadCheck {
		return actions.Verdict{}, nil
	}
	v := actions.Verdict{UploadID: said.ChangeFileInfo.ID, Metadata: said.ChangeFileInfo.MetaData}
	if to := said.ChangeFileInfo.Storage["Path"]; to != "" {
		v.Decision, v.Name = actions.Rename, to
	}
	return v, nil
}

func header(h map[string]string, name string) string {
	for k, v := range h {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}
