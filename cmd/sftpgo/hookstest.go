package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/spf13/cobra"

	"sftpgo/actions"
	"sftpgo/actions/format"
	"sftpgo/actions/httpsink"
	"sftpgo/actions/outbox"
)

// sample is the event that a hook is tested with.
type sample struct {
	event    string
	user     string
	protocol string
	path     string
	target   string
	file     string
	size     int64
	failed   bool
}

func newHooksTestCommand(where *configFlags) *cobra.Command {
	var s sample
	var send bool
	cmd := &cobra.Command{
		Use:   "test NAME",
		Short: "Show what a hook gets, or send it",
		Long: `Show what a hook gets of an event that is made up: arguments and environment of a
program, headers with signature and body of a request. With --send it really gets
it, once, and its answer is explained; what is a question is asked. Nothing is
recorded, and the server need not run.`,
		Args: oneArgument("the name of the hook"),
	}
	flags := cmd.Flags()
	flags.StringVar(&s.event, "event", "", "word of the setting events, such as upload, or of execute_on (default upload, for accounts add)")
	flags.StringVar(&s.user, "user", "alice", "who did it")
	flags.StringVar(&s.protocol, "protocol", "SFTP", "over which protocol: SFTP, SCP, SSH, FTP, DAV, HTTP")
	flags.StringVar(&s.path, "path", "/in/report.csv", "the path that the client sees")
	flags.StringVar(&s.target, "target-path", "/out/report.csv", "the new path, of a rename or copy")
	flags.StringVar(&s.file, "home", "/nonexistent", "directory of this host that the paths begin at")
	flags.Int64Var(&s.size, "size", 1234, "bytes of the file")
	flags.BoolVar(&s.failed, "failed", false, "the upload or download has failed")
	flags.BoolVar(&send, "send", false, "deliver it, or ask")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, report, err := where.load()
		if err != nil {
			return err
		}
		h, err := findHook(cfg, args[0])
		if err != nil {
			return err
		}
		e, err := s.of(h)
		if err != nil {
			return err
		}
		cfg.HTTP.RetryMax = 0 // whoever waits wants the first answer
		client, err := httpsink.NewClient(cfg.HTTP, report.Dir)
		if err != nil {
			return fmt.Errorf("http: %w", err)
		}
		defer client.Close()
		open := transports(client, cfg.Common.Actions, slog.New(slog.DiscardHandler))
		if h.users {
			open.Program = func(path string) (outbox.Receiver, error) { return openUserHook(client, path) }
			open.Endpoint = open.Program
		}
		return tryHook(cmd, h, open, cfg.Common.Actions, e, send)
	}
	return cmd
}

// of makes the event; it has a kind that the hook is configured for.
func (s sample) of(h configuredHook) (*actions.Event, error) {
	if h.users {
		return s.ofAccount()
	}
	if s.event == "" {
		s.event = "upload"
	}
	entry := h.entry
	entry.Events = []string{s.event}
	kinds := entry.Kinds()
	if h.single {
		kinds = actions.Config{ExecuteOn: entry.Events}.Kinds()
	}
	if len(kinds) == 0 {
		return nil, fmt.Errorf("--event: the format %s has no name for %q that can be sent", h.entry.Dialect(), s.event)
	}
	e := &actions.Event{
		ID: ulid.Make().String(), Kind: kinds[0], Time: time.Now().UTC(),
		Session: actions.Session{ID: "TEST", User: s.user, Protocol: s.protocol, RemoteIP: "127.0.0.1"},
		Object:  actions.Object{Name: path.Clean("/" + s.path)},
		Result:  actions.Result{Status: actions.StatusOK, Size: s.size, Elapsed: time.Millisecond},
	}
	e.Object.Path = filepath.Join(s.file, filepath.FromSlash(e.Object.Name))
	switch e.Kind {
	case actions.RenameDone, actions.CopyDone:
		e.Object.Target = path.Clean("/" + s.target)
		e.Object.TargetPath = filepath.Join(s.file, filepath.FromSlash(e.Object.Target))
	case actions.SSHCommand:
		e.Object.SSHCommand = "md5sum"
	case actions.UploadCheck, actions.UploadVerify:
		if err := s.question(e); err != nil {
			return nil, err
		}
	}
	if s.failed {
		if e.Kind == actions.UploadDone {
			e.Kind = actions.UploadFailed
		}
		if !slices.Contains(kinds, e.Kind) || !canFail(e.Kind) {
			return nil, fmt.Errorf("--failed: %s is never told of a failure", s.event)
		}
	}
	if s.failed || e.Kind == actions.UploadFailed || e.Kind == actions.UploadPart {
		e.Result.Status, e.Result.Error = actions.StatusError, "made up"
	}
	return e, nil
}

func canFail(k actions.Kind) bool {
	return k == actions.UploadFailed || k == actions.UploadPart || k == actions.DownloadDone
}

func tryHook(cmd *cobra.Command, h configuredHook, open outbox.Transports, section actions.Config, e *actions.Event, send bool) error {
	receiver, err := openConfigured(open, h)
	if err != nil {
		return err
	}
	if c, ok := receiver.(io.Closer); ok {
		defer c.Close()
	}
	f, err := dialectOf(h, section)
	if err != nil {
		return err
	}
	call, err := f.Render(e)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "hook: %s, %s\nevent: %s, id %s\n", h.name, receiver, e.Kind, e.ID)
	fmt.Fprintln(out, wouldTell(h, e))
	if err := printCall(out, h, receiver, e, call); err != nil {
		return err
	}
	if !send {
		return nil
	}
	if e.Kind.Question() {
		return askOnce(cmd.Context(), out, gateOf(h, section, receiver), e)
	}
	start := time.Now()
	err = deliverOnce(cmd.Context(), receiver, e)
	return explain(out, h, err, time.Since(start))
}

// deliverOnce does not wait for a broker that is away, as the server would.
func deliverOnce(ctx context.Context, receiver outbox.Receiver, e *actions.Event) error {
	if broker, ok := receiver.(interface {
		Try(ctx context.Context, e *actions.Event) error
	}); ok {
		return broker.Try(ctx, e)
	}
	return receiver.Deliver(ctx, e)
}

// dialectOf is the format in which the receiver renders.
func dialectOf(h configuredHook, section actions.Config) (actions.Format, error) {
	if h.users {
		return format.UserAction{}, nil
	}
	if h.single {
		return format.SFTPGo{Extended: section.Extended}, nil
	}
	return format.New(h.entry.Dialect())
}

func openConfigured(open outbox.Transports, h configuredHook) (outbox.Receiver, error) {
	switch {
	case !h.single && !h.users:
		return open.Entry(h.entry)
	case h.entry.IsURL():
		return open.Endpoint(h.entry.Target)
	}
	return open.Program(h.entry.Target)
}

// wouldTell says whether the server would tell the hook of such an event.
func wouldTell(h configuredHook, e *actions.Event) string {
	wanted := h.entry.Kinds()
	if h.single {
		wanted = actions.Config{ExecuteOn: h.events}.Kinds()
	}
	if h.users {
		wanted = actions.UserConfig{Hook: h.entry.Target, ExecuteOn: h.events}.Kinds()
	}
	if !slices.Contains(wanted, e.Kind) {
		return "routing: not sent, the hook is not configured for this event"
	}
	if reason := h.entry.Filters.Reason(e); reason != "" {
		return "routing: not sent, left out by filters." + reason
	}
	return "routing: sent"
}

// printCall shows what goes over. Names of clients may have anything in them, so
// arguments and variables are quoted.
func printCall(out io.Writer, h configuredHook, receiver outbox.Receiver, e *actions.Event, call actions.Call) error {
	if broker, ok := receiver.(interface {
		Explain(e *actions.Event) ([]string, error)
	}); ok {
		lines, err := broker.Explain(e)
		for _, line := range lines {
			fmt.Fprintln(out, line)
		}
		return err
	}
	if signed, ok := receiver.(interface {
		Header(e *actions.Event, call actions.Call, at time.Time) http.Header
	}); ok {
		header := signed.Header(e, call, time.Now())
		names := make([]string, 0, len(header))
		for name := range header {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			fmt.Fprintf(out, "header: %s: %s\n", name, header.Get(name))
		}
		for name, value := range call.Query {
			fmt.Fprintf(out, "query: %s=%s\n", name, value)
		}
		fmt.Fprintf(out, "body: %s\n", strings.TrimSuffix(string(call.Body), "\n"))
		return nil
	}
	arguments := call.Args
	if programs, ok := receiver.(interface {
		Program(call actions.Call) (path string, arguments []string, err error)
	}); ok {
		path, args, err := programs.Program(call)
		switch {
		case err != nil:
			fmt.Fprintf(out, "program: %v\n", err)
		case path == "":
			fmt.Fprintln(out, "program: none for this event, which needs none")
		default:
			arguments = args
			fmt.Fprintf(out, "program: %s\n", path)
		}
	}
	for i, argument := range arguments {
		fmt.Fprintf(out, "argument %d: %s\n", i+1, strconv.Quote(argument))
	}
	for _, variable := range call.Env {
		name, value, _ := strings.Cut(variable, "=")
		fmt.Fprintf(out, "variable: %s=%s\n", name, strconv.Quote(value))
	}
	if h.single || h.users {
		fmt.Fprintln(out, "standard input: empty")
		return nil
	}
	fmt.Fprintf(out, "standard input: %s\n", strings.TrimSuffix(string(call.Body), "\n"))
	return nil
}

// explain says what the server makes of an answer; the error is for the exit
// status.
func explain(out io.Writer, h configuredHook, err error, took time.Duration) error {
	took = took.Round(time.Millisecond)
	if err == nil {
		fmt.Fprintf(out, "answer: delivered in %v\n", took)
		return nil
	}
	var said *actions.OutputError
	if errors.As(err, &said) && said.Output != "" {
		fmt.Fprintf(out, "output: %s\n", strconv.Quote(said.Output))
	}
	schedule, meaning := outbox.DefaultConfig().Unreachable, "the receiver counts as away: later events of the file wait"
	if errors.Is(err, actions.ErrRejected) {
		schedule, meaning = outbox.DefaultConfig().Rejected, "the receiver has refused the event: after the fourth refusal later events of the file do not wait"
	}
	pauses := h.entry.Retry.Schedule(schedule)
	again := "it is not tried again but becomes a dead letter"
	if len(pauses) > 0 {
		again = fmt.Sprintf("further tries: %d, the first after %v; then a dead letter", len(pauses), pauses[0])
	}
	fmt.Fprintf(out, "answer: failed after %v; %s; %s\n", took, meaning, again)
	return err
}
