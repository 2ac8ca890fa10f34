package outbox_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
	"sftpgo/actions/outbox"
)

// said is an answer of a program with some output, or of an endpoint.
func said(ok bool, body string) actions.Answer {
	return actions.Answer{Accepted: ok, Exact: ok, Body: []byte(body)}
}

func answered(status int, kind, body string) actions.Answer {
	return actions.Answer{
		Accepted: status >= 200 && status < 300, Exact: status == 200, Status: status, ContentType: kind, Body: []byte(body),
	}
}

// TestRead is what each answer means, for each kind of question.
func TestRead(t *testing.T) {
	const (
		check    = actions.UploadCheck
		download = actions.DownloadCheck
		verify   = actions.UploadVerify
		remove   = actions.DeleteCheck
		text     = "text/plain"
		js       = "application/json"
	)
	rustus := outbox.Manner{Refusal: 400}
	handles := outbox.Manner{Handles: true}
	tusd := outbox.Manner{Tusd: true, Refusal: 400}
	quarantine := outbox.Manner{Quarantine: "/q"}
	denied := func(status int, kind, body string) *actions.Denial {
		return &actions.Denial{Hook: "gate", Status: status, ContentType: kind, Body: body}
	}
	long := strings.Repeat("é", 3000)
	for _, c := range []struct {
		name       string
		manner     outbox.Manner
		kind       actions.Kind
		answer     actions.Answer
		err        error
		want       actions.Verdict
		denial     *actions.Denial
		unanswered bool
	}{
		{"program agrees", rustus, check, said(true, "hello"), nil, actions.Verdict{}, nil, false},
		{"program agrees in JSON", rustus, check, said(true, `{"action":"reject"}`), nil, actions.Verdict{}, nil, false},
		{"program refuses", rustus, check, said(false, "secrets of the log"), nil, actions.Verdict{}, denied(400, "", ""), false},
		{"program refuses a file", outbox.Manner{}, download, said(false, ""), nil, actions.Verdict{}, denied(0, "", ""), false},
		{"program says why", rustus, check, said(false, `{"message":"not on Sundays"}`), nil, actions.Verdict{}, denied(400, "", "not on Sundays"), false},
		{"program fails", rustus, check, actions.Answer{}, errDown, actions.Verdict{}, nil, true},
		{"204", rustus, check, answered(204, "", ""), nil, actions.Verdict{}, nil, false},
		{"403", rustus, check, answered(403, text, "no"), nil, actions.Verdict{}, denied(403, text, "no"), false},
		{"409 in JSON", rustus, download, answered(409, js, `{"a":1}`), nil, actions.Verdict{}, denied(409, js, `{"a":1}`), false},
		{"no type", rustus, check, answered(403, "", "no"), nil, actions.Verdict{}, denied(403, "", "no"), false},
		{"an image", rustus, check, answered(403, "image/png", "\x89PNG"), nil, actions.Verdict{}, denied(403, "", ""), false},
		{"no text", rustus, check, answered(403, text, "a\xff"), nil, actions.Verdict{}, denied(403, "", ""), false},
		{"another charset", rustus, check, answered(403, "text/plain; charset=utf-16", "no"), nil, actions.Verdict{}, denied(403, "", ""), false},
		{"long text", rustus, check, answered(403, text, long), nil, actions.Verdict{}, denied(403, text, long[:4096]), false},
		{"long page", rustus, check, answered(403, "text/html", long), nil, actions.Verdict{}, denied(403, "", ""), false},
		{"redirect", rustus, check, answered(302, text, "elsewhere"), nil, actions.Verdict{}, nil, true},
		{"503", rustus, check, answered(503, text, "later"), nil, actions.Verdict{}, denied(503, text, "later"), true},
		{"429", rustus, check, answered(429, text, "slow"), nil, actions.Verdict{}, denied(429, text, "slow"), true},

		{"pre-delete 200", handles, remove, answered(200, "", ""), nil, actions.Verdict{Decision: actions.Handled}, nil, false},
		{"pre-delete 204", handles, remove, answered(204, "", ""), nil, actions.Verdict{}, denied(0, "", ""), false},
		{"pre-delete exit 0", handles, remove, said(true, ""), nil, actions.Verdict{Decision: actions.Handled}, nil, false},
		{"pre-delete exit 1", handles, remove, said(false, ""), nil, actions.Verdict{}, denied(0, "", ""), false},
		{"pre-terminate 204", rustus, remove, answered(204, "", ""), nil, actions.Verdict{}, nil, false},
		{"pre-terminate exit 1", rustus, remove, said(false, ""), nil, actions.Verdict{}, denied(400, "", ""), false},

		{"publish", outbox.Manner{}, verify, said(true, `{"action":"publish"}`), nil, actions.Verdict{}, nil, false},
		{"clean", outbox.Manner{}, verify, said(true, "a.txt: OK\n"), nil, actions.Verdict{}, nil, false},
		{"JSON of others", outbox.Manner{}, verify, answered(200, js, `{"ok":true}`), nil, actions.Verdict{}, nil, false},
		{"a page", outbox.Manner{}, verify, answered(200, "text/html", `{"action":"reject"}`), nil, actions.Verdict{}, nil, false},
		{"reject", outbox.Manner{}, verify, said(true, `{"action":"reject","message":"virus"}`), nil, actions.Verdict{}, denied(0, "", "virus"), false},
		{"reject by URL", outbox.Manner{}, verify, answered(200, "application/json; charset=utf-8", `{"action":"reject"}`), nil, actions.Verdict{}, denied(0, "", ""), false},
		{"rename", outbox.Manner{}, verify, said(true, `{"action":"rename","name":"b/c"}`), nil, actions.Verdict{Decision: actions.Rename, Name: "b/c"}, nil, false},
		{"rename to nothing", outbox.Manner{}, verify, said(true, `{"action":"rename"}`), nil, actions.Verdict{}, nil, true},
		{"quarantine", quarantine, verify, said(true, `{"action":"quarantine","message":"virus"}`), nil, actions.Verdict{Decision: actions.Quarantine, Name: "/q/", Denial: denied(0, "", "virus")}, nil, false},
		{"quarantine by name", quarantine, verify, said(true, `{"action":"quarantine","name":"x"}`), nil, actions.Verdict{Decision: actions.Quarantine, Name: "/q/x", Denial: denied(0, "", "")}, nil, false},
		{"quarantine elsewhere", quarantine, verify, said(true, `{"action":"quarantine","name":"/r/x"}`), nil, actions.Verdict{Decision: actions.Quarantine, Name: "/r/x", Denial: denied(0, "", "")}, nil, false},
		{"quarantine nowhere", outbox.Manner{}, verify, said(true, `{"action":"quarantine"}`), nil, actions.Verdict{}, denied(0, "", ""), true},
		{"unknown action", outbox.Manner{}, verify, said(true, `{"action":"rejected"}`), nil, actions.Verdict{}, nil, true},
		{"broken JSON", outbox.Manner{}, verify, said(true, `{"action":"publish"`), nil, actions.Verdict{}, nil, true},
		{"cut JSON", outbox.Manner{}, verify, actions.Answer{Accepted: true, Body: []byte(`{"action":"publish"}`), Cut: true}, nil, actions.Verdict{}, nil, true},

		{"tusd agrees", tusd, check, answered(200, js, `{}`), nil, actions.Verdict{}, nil, false},
		{"tusd agrees without a word", tusd, check, answered(204, "", ""), nil, actions.Verdict{}, nil, false},
		{"tusd rejects", tusd, check, said(true, `{"RejectUpload":true}`), nil, actions.Verdict{}, denied(400, "", ""), false},
		{"tusd rejects in its words", tusd, check, answered(200, js, `{"RejectUpload":true,"HTTPResponse":{"StatusCode":413,"Body":"{}","Header":{"content-type":"application/json"}}}`), nil, actions.Verdict{}, denied(413, js, "{}"), false},
		{"tusd rejects with success", tusd, check, said(true, `{"RejectUpload":true,"HTTPResponse":{"StatusCode":200}}`), nil, actions.Verdict{}, denied(400, "", ""), false},
		{"tusd changes", tusd, check, said(true, `{"ChangeFileInfo":{"ID":"my-id","MetaData":{"a":"b"},"Storage":{"Path":"sub/x"}}}`), nil, actions.Verdict{Decision: actions.Rename, Name: "sub/x", UploadID: "my-id", Metadata: map[string]string{"a": "b"}}, nil, false},
		{"tusd keeps", tusd, remove, said(true, `{"RejectTermination":true,"RejectUpload":true}`), nil, actions.Verdict{}, denied(400, "", ""), false},
		{"tusd of another question", tusd, remove, said(true, `{"RejectUpload":true}`), nil, actions.Verdict{}, nil, false},
		{"tusd fails the content", tusd, verify, said(true, `{"HTTPResponse":{"StatusCode":422,"Body":"bad"}}`), nil, actions.Verdict{}, denied(422, "", "bad"), false},
		{"tusd speaks no JSON", tusd, check, answered(200, js, `nonsense`), nil, actions.Verdict{}, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := outbox.Gate{Name: "gate", Manner: c.manner}
			got, err := g.Read(c.kind, c.answer, c.err)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
			var denial *actions.Denial
			errors.As(err, &denial)
			if d := cmp.Diff(c.denial, denial); d != "" {
				t.Error(d)
			}
			if errors.Is(err, actions.ErrUnanswered) != c.unanswered {
				t.Errorf("err = %v", err)
			}
			if c.err != nil && errors.Is(err, c.err) {
				t.Errorf("%v: what is wrong with the hook is taken for what is wrong with the client", err)
			}
		})
	}
}

// gates makes a dispatcher of gates for uploads, each with its answer; asked notes who
// was asked.
func gates(t *testing.T, asked *[]string, list ...outbox.Gate) *outbox.Dispatcher {
	t.Helper()
	var hooks outbox.Hooks
	for _, g := range list {
		inner := g.Asker.(answers)
		name := g.Name
		g.Asker = answers(func(ctx context.Context, e *actions.Event) (actions.Answer, error) {
			*asked = append(*asked, name)
			return inner(ctx, e)
		})
		if g.Kinds == nil {
			g.Kinds = []actions.Kind{actions.UploadCheck}
		}
		hooks.Gates = append(hooks.Gates, g)
	}
	d, err := outbox.New(newStore(), hooks, nil, new(logs).logger(), outbox.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

type answers func(ctx context.Context, e *actions.Event) (actions.Answer, error)

func (a answers) Ask(ctx context.Context, e *actions.Event) (actions.Answer, error) { return a(ctx, e) }

func always(a actions.Answer, err error) answers {
	return func(context.Context, *actions.Event) (actions.Answer, error) { return a, err }
}

func TestGatesInOrder(t *testing.T) {
	yes, no, down := always(said(true, ""), nil), always(said(false, ""), nil), always(actions.Answer{}, errDown)
	deletes := []actions.Kind{actions.DeleteCheck}
	moves := always(said(true, `{"action":"rename","name":"r"}`), nil)
	verifies := []actions.Kind{actions.UploadVerify}
	allow := outbox.Manner{OnError: outbox.Allow}
	handles := outbox.Manner{Handles: true}
	for _, c := range []struct {
		name  string
		kind  actions.Kind
		gates []outbox.Gate
		asked string
		err   error
		want  actions.Decision
	}{
		{"all agree", actions.UploadCheck, []outbox.Gate{{Name: "a", Asker: yes}, {Name: "b", Asker: yes}}, "a b", nil, actions.Proceed},
		{"the first refuses", actions.UploadCheck, []outbox.Gate{{Name: "a", Asker: no}, {Name: "b", Asker: yes}}, "a", actions.ErrDenied, actions.Proceed},
		{"the last refuses", actions.UploadCheck, []outbox.Gate{{Name: "a", Asker: yes}, {Name: "b", Asker: no}}, "a b", actions.ErrDenied, actions.Proceed},
		{"nobody there", actions.UploadCheck, []outbox.Gate{{Name: "a", Asker: down}, {Name: "b", Asker: yes}}, "a", actions.ErrUnanswered, actions.Proceed},
		{"nobody there, allowed", actions.UploadCheck, []outbox.Gate{{Name: "a", Asker: down, Manner: allow}, {Name: "b", Asker: no}}, "a b", actions.ErrDenied, actions.Proceed},
		{"refusals count with allow", actions.UploadCheck, []outbox.Gate{{Name: "a", Asker: no, Manner: allow}}, "a", actions.ErrDenied, actions.Proceed},
		{"vetoes come before who does it", actions.DeleteCheck, []outbox.Gate{{Name: "bin", Asker: yes, Kinds: deletes, Manner: handles}, {Name: "veto", Asker: no, Kinds: deletes}}, "veto", actions.ErrDenied, actions.Proceed},
		{"then who does it", actions.DeleteCheck, []outbox.Gate{{Name: "bin", Asker: yes, Kinds: deletes, Manner: handles}, {Name: "veto", Asker: yes, Kinds: deletes}}, "veto bin", nil, actions.Handled},
		{"who does it never vetoes", actions.DeleteCheck, []outbox.Gate{{Name: "bin", Asker: no, Kinds: deletes, Manner: handles}, {Name: "gone", Asker: down, Kinds: deletes, Manner: handles}}, "bin gone", nil, actions.Proceed},
		{"moved", actions.UploadVerify, []outbox.Gate{{Name: "a", Asker: moves, Kinds: verifies}, {Name: "b", Asker: yes, Kinds: verifies}}, "a b", nil, actions.Rename},
		{"moved and refused", actions.UploadVerify, []outbox.Gate{{Name: "a", Asker: moves, Kinds: verifies}, {Name: "b", Asker: no, Kinds: verifies}}, "a b", actions.ErrDenied, actions.Proceed},
		{"filtered", actions.UploadCheck, []outbox.Gate{{Name: "a", Asker: no, Wants: func(*actions.Event) bool { return false }}, {Name: "b", Asker: yes}}, "b", nil, actions.Proceed},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked []string
			d := gates(t, &asked, c.gates...)
			e := event("01Q", "/a")
			e.Kind = c.kind
			v, err := d.Ask(t.Context(), e)
			if !errors.Is(err, c.err) || c.err == nil && err != nil || v.Decision != c.want {
				t.Errorf("Ask = %+v, %v", v, err)
			}
			if got := strings.Join(asked, " "); got != c.asked {
				t.Errorf("asked %q, want %q", got, c.asked)
			}
			if want := len(c.gates) > 0; d.Asks(e) != want {
				t.Error("Asks and Ask differ")
			}
		})
	}
}

// TestOneDeadline: the most patient hook decides how long all of them may take.
func TestOneDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := answers(func(ctx context.Context, _ *actions.Event) (actions.Answer, error) {
			<-ctx.Done()
			return actions.Answer{}, context.Cause(ctx)
		})
		var asked []string
		d := gates(t, &asked, outbox.Gate{Name: "a", Asker: hang, Manner: outbox.Manner{OnError: outbox.Allow, Limit: 2 * time.Minute}},
			outbox.Gate{Name: "b", Asker: hang, Manner: outbox.Manner{Limit: time.Second}})
		e := event("01Q", "/a")
		e.Kind = actions.UploadCheck
		begin := time.Now()
		if _, err := d.Ask(t.Context(), e); !errors.Is(err, actions.ErrUnanswered) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v", err)
		}
		if took := time.Since(begin); took != 2*time.Minute {
			t.Errorf("took %v", took)
		}
	})
}

// TestHeaders: a hook gets what it asks for, and no credentials that another one asks
// for.
func TestHeaders(t *testing.T) {
	all := map[string][]string{"Authorization": {"secret"}, "X-Tenant": {"t"}, "User-Agent": {"u"}}
	plain := actions.Hook{Format: "sftpgo"}
	named := actions.Hook{Format: "sftpgo", ProxyHeaders: []string{"authorization"}}
	rustus := actions.Hook{}
	for _, c := range []struct {
		name  string
		hooks []actions.Hook
		want  string
	}{
		{"nobody", nil, ""},
		{"nobody who cares", []actions.Hook{plain}, ""},
		{"a name", []actions.Hook{plain, named}, "Authorization"},
		{"upload hooks", []actions.Hook{rustus}, "User-Agent X-Tenant"},
		{"both", []actions.Hook{rustus, named}, "Authorization User-Agent X-Tenant"},
	} {
		var hooks outbox.Hooks
		for _, h := range c.hooks {
			hooks.Headers = append(hooks.Headers, h.Headers)
		}
		d, err := outbox.New(newStore(), hooks, nil, new(logs).logger(), outbox.DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		if got := names(d.Header(all)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	e := &actions.Event{Request: &actions.Request{Method: "PUT", Header: all}}
	if got := names(rustus.View(e).Request.Header); got != "User-Agent X-Tenant" {
		t.Errorf("an upload hook sees %q", got)
	}
	if e.Request.Header["Authorization"] == nil {
		t.Error("the event itself was changed")
	}
}

func names(h map[string][]string) string {
	var list []string
	for _, name := range []string{"Authorization", "User-Agent", "X-Tenant"} {
		if h[name] != nil {
			list = append(list, name)
		}
	}
	return strings.Join(list, " ")
}
