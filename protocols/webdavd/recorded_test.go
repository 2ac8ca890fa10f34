package webdavd_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sftpgo/protocols/session"
	"sftpgo/protocols/webdavd"
)

// step is one request of a recording and what its answer must be;
// testdata/recorded/README has the format.
type step struct {
	title, method, path string
	header              []string
	body                string
	status              int
	want                []string // of the answer: "Header: part", "body: part", "not: part", "name = Header"
}

func readSteps(t *testing.T, file string) []step {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var steps []step
	for part := range strings.SplitSeq("\n"+string(text), "\n### ") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		request, answer, ok := strings.Cut(part, "\n<<< ")
		if !ok {
			t.Fatalf("%s: no answer to %q", file, part)
		}
		head, body, _ := strings.Cut(request, "\n\n")
		lines := strings.Split(head, "\n")
		s := step{title: lines[0], header: lines[2:], body: body}
		s.method, s.path, _ = strings.Cut(lines[1], " ")
		s.want = strings.Split(strings.TrimSpace(answer), "\n<<< ")
		if s.status, err = strconv.Atoi(s.want[0]); err != nil {
			t.Fatalf("%s: %q: %v", file, s.title, err)
		}
		s.want = s.want[1:]
		steps = append(steps, s)
	}
	return steps
}

// player sends the steps over one connection, as file managers do.
type player struct {
	t    *testing.T
	conn io.ReadWriter
	in   *bufio.Reader
	vars map[string]string
}

func (p *player) fill(s string) string {
	for name, value := range p.vars {
		s = strings.ReplaceAll(s, "{"+name+"}", value)
	}
	return s
}

func (p *player) play(s step) {
	p.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", s.method, s.path)
	chunked, length, host := false, false, false
	for _, line := range s.header {
		name, _, _ := strings.Cut(line, ":")
		chunked = chunked || strings.EqualFold(name, "Transfer-Encoding")
		length = length || strings.EqualFold(name, "Content-Length")
		host = host || strings.EqualFold(name, "Host")
		b.WriteString(p.fill(line) + "\r\n")
	}
	if !host {
		b.WriteString("Host: " + strings.TrimPrefix(p.vars["url"], "http://") + "\r\n")
	}
	switch {
	case chunked:
		b.WriteString("\r\n")
		half := len(s.body) / 2
		for _, piece := range []string{s.body[:half], s.body[half:]} {
			fmt.Fprintf(&b, "%x\r\n%s\r\n", len(piece), piece)
		}
		b.WriteString("0\r\n\r\n")
	case s.body != "" && !length:
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(s.body), s.body)
	default:
		b.WriteString("\r\n" + s.body)
	}
	if _, err := io.WriteString(p.conn, b.String()); err != nil {
		p.t.Fatalf("%s: %v", s.title, err)
	}
	resp, err := http.ReadResponse(p.in, &http.Request{Method: s.method})
	for err == nil && resp.StatusCode == http.StatusContinue {
		resp, err = http.ReadResponse(p.in, &http.Request{Method: s.method})
	}
	if err != nil {
		p.t.Fatalf("%s: %v", s.title, err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatalf("%s: %v", s.title, err)
	}
	p.check(s, resp, string(body))
}

func (p *player) check(s step, resp *http.Response, body string) {
	p.t.Helper()
	if resp.StatusCode != s.status {
		p.t.Errorf("%s: %s %s = %d, want %d\n%s", s.title, s.method, s.path, resp.StatusCode, s.status, body)
	}
	for _, want := range s.want {
		if name, header, ok := strings.Cut(want, " = "); ok {
			p.vars[name] = resp.Header.Get(header)
			if p.vars[name] == "" {
				p.t.Errorf("%s: no %s", s.title, header)
			}
			continue
		}
		name, part, _ := strings.Cut(want, ": ")
		part = p.fill(part)
		switch name {
		case "body":
			if !strings.Contains(body, part) {
				p.t.Errorf("%s: %q is not in\n%s", s.title, part, body)
			}
		case "not":
			if strings.Contains(body, part) {
				p.t.Errorf("%s: %q is in\n%s", s.title, part, body)
			}
		default:
			if got := strings.Join(resp.Header.Values(name), ", "); !strings.Contains(got, part) {
				p.t.Errorf("%s: %s: %q without %q", s.title, name, got, part)
			}
		}
	}
}

// TestRecorded plays what the file managers of Windows, macOS and GNOME send, to a
// server with all that browsers want switched on.
func TestRecorded(t *testing.T) {
	files, err := filepath.Glob("testdata/recorded/*.http")
	if err != nil || len(files) < 3 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".http"), func(t *testing.T) {
			r := newRig(t, session.Config{UploadMode: 1})
			cfg := webdavd.Config{CORS: webdavd.CORS{Enabled: true}}
			r.serve(slog.New(slog.DiscardHandler), cfg, webdavd.Binding{DirectoryListing: true}, "")
			r.write("old.txt", "old")
			c := r.dial("")
			_ = c.SetDeadline(time.Now().Add(time.Minute))
			p := &player{t: t, conn: c, in: bufio.NewReader(c), vars: map[string]string{"url": r.url, "login": basic}}
			for _, s := range readSteps(t, file) {
				p.play(s)
			}
			if r.content("old.txt") != "old" {
				t.Error("a file that nobody touched has changed")
			}
		})
	}
}
