package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sftpgo/config"
	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
)

// serveFlags are the flags of serve beside those of configuration and log.
type serveFlags struct {
	load  loadFlags
	grace time.Duration
}

func newServeCommand() *cobra.Command {
	var (
		where configFlags
		logs  logFlags
		flags serveFlags
	)
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Start the server",
		Long: "Starts the server with the configuration found in the configuration directory.\n" +
			"SIGTERM and SIGINT stop it gracefully, SIGHUP reads certificates and the dump of\n" +
			"the memory data provider again, SIGUSR1 rotates the log file.",
		Args: noArgument,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), where, logs, flags, cmd.OutOrStdout())
		},
	}
	where.register(cmd.Flags())
	logs.register(cmd.Flags())
	flags.load.register(cmd.Flags())
	cmd.Flags().DurationVar(&flags.grace, "grace-time", 30*time.Second,
		"how long running transfers may go on after SIGTERM")
	bindEnvironment(cmd.Flags(), "grace-time", "SFTPGO_GRACE_TIME")
	return cmd
}

func serve(ctx context.Context, where configFlags, logs logFlags, flags serveFlags, out io.Writer) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	signals := notifySignals()
	defer signal.Stop(signals)
	defer runtime.KeepAlive(newHeapFloor())
	cfg, report, err := where.load()
	if err != nil {
		return err
	}
	log, logFile, err := newLogger(logs, report.Dir, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, logFile.Close()) }()
	say := newConsole(out, log, logs)
	say.start(report)
	store, err := openStore(ctx, cfg, exclusive)
	if err != nil {
		return say.failed(err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	users := newLoader(cfg, store, log)
	if err := users.atStart(ctx, cfg.DataProvider.Config, flags.load); err != nil {
		return say.failed(err)
	}
	for _, w := range users.refusals {
		say.warn(w)
	}
	s, err := newServer(cfg, report.Dir, store, log)
	if err != nil {
		return say.failed(err)
	}
	if err := s.recover(ctx); err != nil {
		return say.failed(err)
	}
	if err := users.scan(ctx, flags.load.scan, s.sessions.Scan); err != nil {
		return say.failed(err)
	}
	if err := s.listen(ctx); err != nil {
		return say.failed(err)
	}
	say.listening(s)
	stopSignals := s.handleSignals(signals, func() { s.reloadAll(users) }, logFile)
	defer stopSignals()
	if err := s.run(ctx, flags.grace); err != nil {
		return say.failed(err)
	}
	say.line("stopped")
	return nil
}

// notifySignals collects SIGHUP and SIGUSR1 from the beginning of the start on,
// which may take minutes (--loaddata-scan): by default they would end the process.
func notifySignals() chan os.Signal {
	signals := make(chan os.Signal, 8) // of each kind one is enough
	if handled := handledSignals(); len(handled) > 0 {
		signal.Notify(signals, handled...) // without any, it would take all that there are
	}
	return signals
}

// handleSignals acts on signals until the function that it returns is called,
// which waits for what is under way.
func (s *server) handleSignals(signals <-chan os.Signal, reload func(), logFile rotator) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	act := func(sig os.Signal) {
		if isReload(sig) {
			reload()
		} else if err := logFile.Rotate(); err != nil {
			s.log.Error("log file cannot be rotated", "sender", "serve", "error", err)
		}
	}
	go func() {
		defer close(done)
		for {
			select {
			case <-quit:
				return
			case sig := <-signals:
				act(sig)
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}

// reloadAll is what SIGHUP does.
func (s *server) reloadAll(users *loader) {
	s.reload()
	p := s.cfg.DataProvider
	if p.Driver != dataprovider.DriverMemory || p.Name == "" {
		return
	}
	if err := users.mirror(context.Background(), p.Name); err != nil {
		s.log.Error("reload failed, the old users stay", "sender", "serve", "error", err)
	}
}

// console tells a person at the terminal what the log tells a machine. When the
// log goes to standard output itself, it is silent.
type console struct {
	out io.Writer
	log *slog.Logger
}

func newConsole(out io.Writer, log *slog.Logger, logs logFlags) console {
	if logs.path == "" {
		out = io.Discard
	}
	return console{out, log.With("sender", "serve")}
}

func (c console) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	fmt.Fprintln(c.out, text)
	c.log.Info(text)
}

func (c console) warn(text string) {
	fmt.Fprintln(c.out, "warning: "+text)
	c.log.Warn(text)
}

func (c console) start(report config.Report) {
	file := report.File
	if file == "" {
		file = "built-in defaults, no configuration file"
	}
	c.line("sftpgo %s, configuration: %s", version, file)
	for _, w := range report.Warnings {
		c.warn(w)
	}
}

// failed puts the reason of a failed start into the log; main prints it.
func (c console) failed(err error) error {
	c.log.Error(strings.ReplaceAll(err.Error(), "\n", "; "))
	return err
}

func (c console) listening(s *server) {
	for _, f := range s.frontEnds {
		note := f.note
		if note != "" {
			note = " (" + note + ")"
		}
		c.line("%s on %s%s", f.name, f.l.Addr(), note)
	}
	for _, line := range s.summary() {
		c.line("hook: %s", line)
	}
	if _, ok := s.store.(*memstore.Store); ok {
		c.warn("the memory data provider keeps nothing: users, usage and undelivered events end with this process")
	}
}
