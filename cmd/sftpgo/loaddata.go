package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/password"
)

// loadFlags say which dump is loaded at start.
type loadFlags struct {
	from  string
	mode  int
	clean bool
}

func (f *loadFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.from, "loaddata-from", "", "absolute path of a dump to load before the start, at most 10 MiB")
	flags.IntVar(&f.mode, "loaddata-mode", int(dataprovider.LoadAdd), "0 adds and updates users, 1 only adds")
	flags.BoolVar(&f.clean, "loaddata-clean", false, "delete the dump when it has been loaded")
	bindEnvironment(flags, "loaddata-from", "SFTPGO_LOADDATA_FROM")
	bindEnvironment(flags, "loaddata-mode", "SFTPGO_LOADDATA_MODE")
	bindEnvironment(flags, "loaddata-clean", "SFTPGO_LOADDATA_CLEAN")
}

// loader puts the users of dumps into the store.
type loader struct {
	store     dataprovider.Store
	usersBase string
	passwords dataprovider.PasswordHasher
	log       *slog.Logger
}

func newLoader(cfg dataprovider.Config, store dataprovider.Store, log *slog.Logger) *loader {
	return &loader{
		store: store, usersBase: cfg.UsersBaseDir,
		passwords: password.NewHasher(cfg.PasswordHashing.Argon2Options),
		log:       log.With("sender", "loaddata"),
	}
}

func (l *loader) prepare(ctx context.Context, u dataprovider.User) (dataprovider.User, error) {
	return u.Prepared(ctx, l.usersBase, l.passwords)
}

// mirror makes the store a copy of the dump, for the memory driver.
func (l *loader) mirror(ctx context.Context, path string) error {
	dump, err := dataprovider.ReadDumpFile(path)
	if err != nil {
		return err
	}
	report, err := dataprovider.Mirror(ctx, l.store, dump, l.prepare)
	l.tell(path, dump, report)
	return err
}

func (l *loader) load(ctx context.Context, path string, mode dataprovider.LoadMode) error {
	dump, err := dataprovider.ReadDumpFile(path)
	if err != nil {
		return err
	}
	report, err := dataprovider.Load(ctx, l.store, dump, mode, l.prepare)
	l.tell(path, dump, report)
	return err
}

// tell logs what became of the users; one that was refused gets a line of its
// own.
func (l *loader) tell(path string, dump dataprovider.Dump, r dataprovider.LoadReport) {
	for _, f := range r.Failed {
		l.log.Error("user of the dump is not loaded", "dump", path, "username", f.Name, "error", f.Err)
	}
	for section, n := range dump.Skipped {
		l.log.Warn("records of a kind that this version does not have are not loaded", "dump", path, "section", section, "records", n)
	}
	if len(dump.Ignored) > 0 {
		l.log.Warn("keys of users that this version does not know have no effect", "dump", path, "keys", dump.Ignored)
	}
	l.log.Info("dump loaded", "dump", path, "added", len(r.Added), "updated", len(r.Updated),
		"kept", len(r.Kept), "removed", len(r.Removed), "refused", len(r.Failed))
}

// atStart loads the dump of the memory driver and the one of the flags.
func (l *loader) atStart(ctx context.Context, cfg dataprovider.Config, f loadFlags) error {
	if cfg.Driver == dataprovider.DriverMemory && cfg.Name != "" {
		if err := l.mirror(ctx, cfg.Name); err != nil {
			return fmt.Errorf("data_provider.name: %w", err)
		}
	}
	if f.from == "" {
		return nil
	}
	if !filepath.IsAbs(f.from) {
		return fmt.Errorf("--loaddata-from: %q is not an absolute path", f.from)
	}
	mode := dataprovider.LoadMode(f.mode)
	if mode != dataprovider.LoadUpdate && mode != dataprovider.LoadAdd {
		return fmt.Errorf("--loaddata-mode: %d is not 0 (add and update) or 1 (add only)", f.mode)
	}
	if err := l.load(ctx, f.from, mode); err != nil {
		return fmt.Errorf("--loaddata-from: %w", err)
	}
	if f.clean {
		if err := os.Remove(f.from); err != nil {
			return fmt.Errorf("--loaddata-clean: %w", err)
		}
	}
	return nil
}
