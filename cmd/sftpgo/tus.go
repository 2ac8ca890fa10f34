package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/spf13/cobra"
)

func newTusCommand() *cobra.Command {
	var f tusFlags
	cmd := &cobra.Command{
		Use:   "tus",
		Short: "Start a server for resumable uploads alone, without users",
		Long: "Starts a server for resumable uploads by the tus protocol. It has no users and no\n" +
			"configuration file; its options and variables are those of Rustus, of which it can\n" +
			"take the place:\n\n" +
			"  alias rustus=\"sftpgo tus\"\n\n" +
			"A file .env in the working directory adds variables. At / there is a page to upload\n" +
			"files with a browser. The log goes to standard output. SIGTERM and SIGINT stop the\n" +
			"server gracefully.",
		Args: noArgument,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := loadDotEnv(); err != nil {
				return err
			}
			return setFromEnvironment(cmd)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serveTus(cmd.Context(), &f, strayVariables(cmd.Flags(), os.Environ()), cmd.OutOrStdout())
		},
	}
	f.register(cmd)
	return cmd
}

// serveTus runs the stand-alone server until a signal ends it. stray are the
// variables that no option has.
func serveTus(ctx context.Context, f *tusFlags, stray []string, out io.Writer) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer runtime.KeepAlive(newHeapFloor())
	if err := f.validate(); err != nil {
		return err
	}
	if f.server.workers > 0 {
		runtime.GOMAXPROCS(f.server.workers)
	}
	level, _ := tusLogLevel(f.server.logLevel) // validated
	log := slog.New(newLogHandler(out, level))
	if len(stray) > 0 {
		log.Warn("variables that have no effect", "sender", "serve", "variables", stray)
	}
	s, err := newTusServer(ctx, f, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	return s.run(ctx)
}
