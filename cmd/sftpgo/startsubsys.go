package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sftpgo/config"
	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
)

// subsystemFlags are the flags of startsubsys beside those of configuration.
type subsystemFlags struct {
	baseHomeDir  string // absolute; empty: the homes of the system
	preserveHome bool
	journald     bool
	verbose      bool
	spoolDir     string // relative to the configuration directory
	grace        time.Duration
}

func newStartSubsysCommand() *cobra.Command {
	var (
		where configFlags
		flags subsystemFlags
	)
	cmd := &cobra.Command{
		Use:   "startsubsys",
		Short: "Serve SFTP as a subsystem of OpenSSH's sshd",
		Long: "Speaks SFTP on standard input and output with the client that sshd has logged in,\n" +
			"as the user of this process. For the configuration of sshd:\n\n" +
			"  Subsystem sftp /usr/bin/sftpgo startsubsys -c /etc/sftpgo -j",
		Args: noArgument,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return startSubsystem(cmd.Context(), where, flags, cmd.ErrOrStderr())
		},
	}
	where.register(cmd.Flags())
	f := cmd.Flags()
	f.StringVarP(&flags.baseHomeDir, "base-home-dir", "d", "", "absolute directory with a home for each user, named after the user, instead of the homes of the system")
	f.BoolVarP(&flags.preserveHome, "preserve-home", "p", false, "a user of the data provider keeps the home directory of its record")
	f.BoolVarP(&flags.journald, "log-to-journald", "j", false, "log to the journal of systemd, else to standard error")
	f.BoolVarP(&flags.verbose, "log-verbose", "v", true, "log at level debug, else info")
	f.StringVar(&flags.spoolDir, "spool-dir", "subsystem", "where events wait that a hook has not taken yet, relative to the configuration directory")
	f.DurationVar(&flags.grace, "grace-time", 5*time.Second, "how long the end waits for hooks to take events; the rest stays in the spool directory")
	bindEnvironment(f, "log-verbose", "SFTPGO_LOG_VERBOSE")
	return cmd
}

func (f subsystemFlags) validate() error {
	if f.baseHomeDir != "" && !filepath.IsAbs(f.baseHomeDir) {
		return fmt.Errorf("--base-home-dir: %q is not an absolute path", f.baseHomeDir)
	}
	if f.grace < 0 {
		return fmt.Errorf("--grace-time: %v is negative", f.grace)
	}
	return nil
}

// startSubsystem serves one client to its end. The protocol has standard output
// for itself.
func startSubsystem(ctx context.Context, where configFlags, flags subsystemFlags, stderr io.Writer) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	defer keepClosedPipes()()
	if err := flags.validate(); err != nil {
		return err
	}
	cfg, report, err := where.load()
	if err != nil {
		return err
	}
	log, closeLog, err := newSubsystemLogger(flags, stderr)
	if err != nil {
		return err
	}
	defer closeLog()
	for _, w := range report.Warnings {
		log.Warn(w)
	}
	if !filepath.IsAbs(flags.spoolDir) {
		flags.spoolDir = filepath.Join(report.Dir, flags.spoolDir)
	}
	s, err := newSubsystem(ctx, cfg, report, flags, log)
	if err == nil {
		err = errors.Join(s.run(ctx, newStdio()), s.close(context.WithoutCancel(ctx), flags.grace))
	}
	if err != nil {
		log.Error(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return err
}

// newSubsystem puts the parts together. Users live in the memory of this process:
// the database of a running server is not ours to open.
func newSubsystem(ctx context.Context, cfg config.Config, report config.Report, flags subsystemFlags, log *slog.Logger) (*subsystem, error) {
	owner, err := user.Current()
	if err != nil {
		return nil, fmt.Errorf("user of this process: %w", err)
	}
	cfg.Common.IdleTimeout = 0 // sshd has its own
	users := memstore.New(memstore.Config{})
	account := subsystemAccount{name: owner.Username, home: owner.HomeDir, preserve: flags.preserveHome}
	if flags.baseHomeDir != "" {
		account.home = filepath.Join(flags.baseHomeDir, owner.Username)
	}
	if cfg.DataProvider.Driver == dataprovider.DriverMemory {
		account.dump = cfg.DataProvider.Name
	} else {
		log.Info("subsystem mode does not read the users of the data provider " + cfg.DataProvider.Driver)
	}
	record, err := account.record(ctx)
	if err != nil {
		return nil, fmt.Errorf("user %q: %w", owner.Username, err)
	}
	if _, err := users.Users().Put(ctx, record, 0); err != nil {
		return nil, fmt.Errorf("user %q: %w", owner.Username, err)
	}
	build := func(store dataprovider.Store) (*server, error) { return newCore(cfg, report.Dir, store, log) }
	s := &subsystem{username: owner.Username, log: log.With("sender", "startsubsys")}
	if !hasHook(cfg) {
		core, err := build(users)
		if err != nil {
			return nil, err
		}
		s.spools = []*spool{{server: core}}
		return s, nil
	}
	dir, err := privateDir(flags.spoolDir, owner.Username)
	if err != nil {
		return nil, fmt.Errorf("spool directory for events: %w", err)
	}
	s.spools, err = openSpools(ctx, dir, users, build, s.log)
	return s, err
}

// hasHook reports whether there may be events to deliver.
func hasHook(cfg config.Config) bool {
	return cfg.Common.Actions.Hook != "" && len(cfg.Common.Actions.ExecuteOn) > 0
}

// newSubsystemLogger logs with full timestamps, unlike the server: who reads
// these lines reads them among those of other programs.
func newSubsystemLogger(flags subsystemFlags, stderr io.Writer) (*slog.Logger, func(), error) {
	level := slog.LevelInfo
	if flags.verbose {
		level = slog.LevelDebug
	}
	if flags.journald {
		j, err := openJournal(journalSocket)
		if err != nil {
			return nil, nil, fmt.Errorf("--log-to-journald: %w", err)
		}
		return slog.New(newJournalHandler(j, level)), j.close, nil
	}
	h := newLogHandler(stderr, level)
	h.clock = time.RFC3339
	return slog.New(h), func() {}, nil
}

// keepClosedPipes lets a write to a client that has gone fail, instead of killing
// this process before its events are recorded, until the function that it returns
// is called. The programs that hooks run get the default back, as they would not if
// the signal were ignored.
func keepClosedPipes() (restore func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGPIPE)
	return func() { signal.Stop(c) }
}
