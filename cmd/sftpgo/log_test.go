package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// record writes one record at a fixed time and returns the line.
func record(t *testing.T, h slog.Handler, out *bytes.Buffer, at string, level slog.Level, message string, attrs ...slog.Attr) string {
	t.Helper()
	when, err := time.ParseInLocation(logTime, at, time.Local)
	if err != nil {
		t.Fatal(err)
	}
	r := slog.NewRecord(when, level, message, 0)
	r.AddAttrs(attrs...)
	out.Reset()
	if err := h.Handle(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// These lines are what log readers and fail2ban filters of existing
// installations match, byte by byte.
func TestLogRecordsOfTheContract(t *testing.T) {
	var out bytes.Buffer
	h := newLogHandler(&out, slog.LevelDebug)
	got := record(t, h, &out, "2021-03-01T10:00:00.123", slog.LevelInfo, "",
		slog.String("sender", "Upload"), slog.Int64("elapsed_ms", 42), slog.Int64("size_bytes", 65535), slog.String("username", "alice"),
		slog.String("file_path", "/srv/data/alice/a.bin"), slog.String("connection_id", "SFTP_9f..._1"), slog.String("protocol", "SFTP"))
	want := `{"level":"info","time":"2021-03-01T10:00:00.123","sender":"Upload","elapsed_ms":42,"size_bytes":65535,"username":"alice","file_path":"/srv/data/alice/a.bin","connection_id":"SFTP_9f..._1","protocol":"SFTP"}` + "\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = record(t, h, &out, "2021-03-01T10:00:01.000", slog.LevelDebug, "",
		slog.String("sender", "connection_failed"), slog.String("client_ip", "192.0.2.7"), slog.String("username", "bob"),
		slog.String("login_type", "password"), slog.String("protocol", "SSH"), slog.String("error", "invalid credentials"))
	want = `{"level":"debug","time":"2021-03-01T10:00:01.000","sender":"connection_failed","client_ip":"192.0.2.7","username":"bob","login_type":"password","protocol":"SSH","error":"invalid credentials"}` + "\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = record(t, h, &out, "2021-03-01T10:00:02.050", slog.LevelWarn, "disk is slow", slog.String("connection_id", "FTP_1"))
	want = `{"level":"warn","time":"2021-03-01T10:00:02.050","sender":"service","connection_id":"FTP_1","message":"disk is slow"}` + "\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

type broken struct{}

func (broken) String() string { panic("nobody home") }

func TestLogAttributes(t *testing.T) {
	var out bytes.Buffer
	at := "2026-01-02T03:04:05.000"
	base := newLogHandler(&out, slog.LevelDebug)
	head := `{"level":"info","time":"2026-01-02T03:04:05.000","sender":"x"`
	clock := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.Local)
	for name, tt := range map[string]struct {
		h     slog.Handler
		attrs []slog.Attr
		want  string
	}{
		"sender of With":           {base.WithAttrs([]slog.Attr{slog.Int("a", 1), slog.String("sender", "x")}), []slog.Attr{slog.Int("b", 2)}, `,"a":1,"b":2`},
		"sender of the record":     {base.WithAttrs([]slog.Attr{slog.String("sender", "y")}), []slog.Attr{slog.Int("b", 2), slog.String("sender", "x")}, `,"b":2`},
		"the last With wins":       {base.WithAttrs([]slog.Attr{slog.String("sender", "y")}).WithAttrs([]slog.Attr{slog.String("sender", "x")}), nil, ``},
		"groups":                   {base.WithAttrs([]slog.Attr{slog.String("sender", "x")}).WithGroup("g").WithGroup(""), []slog.Attr{slog.Group("k", "a", 1), slog.String("sender", "z"), slog.Group("", "b", 2)}, `,"g.k.a":1,"g.sender":"z","g.b":2`},
		"numbers":                  {base, []slog.Attr{slog.String("sender", "x"), slog.Uint64("u", math.MaxUint64), slog.Float64("f", 1.5), slog.Float64("n", math.NaN()), slog.Bool("t", true)}, `,"u":18446744073709551615,"f":1.5,"n":"NaN","t":true`},
		"times":                    {base, []slog.Attr{slog.String("sender", "x"), slog.Time("t", clock), slog.Duration("d", 1500*time.Millisecond)}, `,"t":"2026-01-02T03:04:05.006","d":"1.5s"`},
		"errors and addresses":     {base, []slog.Attr{slog.String("sender", "x"), slog.Any("e", errors.New("no")), slog.Any("ip", netip.MustParseAddr("::1")), slog.Any("a", &net.TCPAddr{IP: net.IPv4(1, 2, 3, 4), Port: 5}), slog.Any("nil", nil)}, `,"e":"no","ip":"::1","a":"1.2.3.4:5","nil":null`},
		"values":                   {base, []slog.Attr{slog.String("sender", "x"), slog.Any("l", []string{"<a>", "b"}), slog.Any("m", map[string]int{"k": 1}), slog.Any("f", func() {})}, `,"l":["<a>","b"],"m":{"k":1}`},
		"what panics":              {base, []slog.Attr{slog.String("sender", "x"), slog.Any("b", broken{}), {}}, `,"b":"unprintable main.broken: nobody home"`},
		"what clients send":        {base, []slog.Attr{slog.String("sender", "x"), slog.String("n", "a\"b\\c\n{\"level\":\"error\"}\r\t\x00\x7f\xff<&>é\u2028\u009b€😀")}, `,"n":"a\"b\\c\n{\"level\":\"error\"}\r\t\u0000\u007f\ufffd<&>é\u2028\u009b€😀"`},
		"names of keys are quoted": {base, []slog.Attr{slog.String("sender", "x"), slog.Int("a\"b", 1)}, `,"a\"b":1`},
	} {
		t.Run(name, func(t *testing.T) {
			got := record(t, tt.h, &out, at, slog.LevelInfo, "", tt.attrs...)
			if !strings.HasPrefix(got, head+tt.want) {
				t.Errorf("got  %swant %s", got, head+tt.want)
			}
			var any map[string]any
			if err := json.Unmarshal([]byte(got), &any); err != nil || strings.Count(got, "\n") != 1 {
				t.Errorf("not one line of JSON: %v: %s", err, got)
			}
		})
	}
}

func TestLogVerbosity(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(newLogHandler(&out, slog.LevelInfo))
	log.Debug("noise")
	log.Debug("", "sender", "connection_failed", "client_ip", "192.0.2.1")
	log.With("sender", "connection_failed").Debug("")
	log.Info("news")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || strings.Contains(out.String(), "noise") || !strings.Contains(lines[0], `"client_ip":"192.0.2.1"`) {
		t.Errorf("%s", out.String())
	}
}

func TestLogLinesStayWhole(t *testing.T) {
	reader, writer := io.Pipe()
	log := slog.New(newLogHandler(writer, slog.LevelInfo))
	const writers, each = 8, 50
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range each {
				log.Info("message", "text", strings.Repeat("x", 300))
			}
		})
	}
	go func() { all.Wait(); writer.Close() }()
	lines := json.NewDecoder(reader)
	for n := range writers * each {
		var line map[string]any
		if err := lines.Decode(&line); err != nil {
			t.Fatalf("line %d: %v", n, err)
		}
	}
}

func BenchmarkLogTransfer(b *testing.B) {
	log := slog.New(newLogHandler(io.Discard, slog.LevelInfo)).With("connection_id", "SFTP_1")
	b.ReportAllocs()
	for b.Loop() {
		log.Info("", "sender", "Upload", "elapsed_ms", int64(42), "size_bytes", int64(65535), "username", "alice", "file_path", "/srv/data/alice/a.bin")
	}
}
