package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"sftpgo/config"
	"sftpgo/dataprovider"
	"sftpgo/dataprovider/password"
)

// loadFlags say which dump is loaded at start.
type loadFlags struct {
	from  string
	mode  int
	scan  int
	clean bool
}

// The values of --loaddata-scan.
const (
	scanNone = iota
	scanAll
	scanLimited // users with a quota
)

func (f *loadFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.from, "loaddata-from", "", "absolute path of a dump to load before the start, at most 10 MiB")
	flags.IntVar(&f.mode, "loaddata-mode", int(dataprovider.LoadAdd), "0 adds and updates users, 1 only adds")
	flags.IntVar(&f.scan, "loaddata-scan", scanNone, "count the files of loaded users: 0 no, 1 of all, 2 of those with a quota")
	flags.BoolVar(&f.clean, "loaddata-clean", false, "delete the dump when it has been loaded")
	bindEnvironment(flags, "loaddata-from", "SFTPGO_LOADDATA_FROM")
	bindEnvironment(flags, "loaddata-mode", "SFTPGO_LOADDATA_MODE")
	bindEnvironment(flags, "loaddata-scan", "SFTPGO_LOADDATA_QUOTA_SCAN")
	bindEnvironment(flags, "loaddata-clean", "SFTPGO_LOADDATA_CLEAN")
}

// loader puts the users of dumps into the store.
type loader struct {
	store     dataprovider.Store
	recorded  dataprovider.Store // the same; hooks hear of what is done to users through it
	usersBase string
	passwords dataprovider.PasswordHasher
	log       *slog.Logger
	loaded    []string // added or updated by the dump of the flags
	refusals  []string // a line for each dump of which users were refused
}

func newLoader(cfg config.Config, store dataprovider.Store, log *slog.Logger) *loader {
	return &loader{
		store: store, recorded: recordUsers(store, cfg), usersBase: cfg.DataProvider.UsersBaseDir,
		passwords: password.NewHasher(cfg.DataProvider.PasswordHashing.Argon2Options),
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
	report, err := dataprovider.Load(ctx, l.recorded, dump, mode, l.prepare)
	l.tell(path, dump, report)
	l.loaded = append(report.Added, report.Updated...)
	return err
}

// scan counts the files of the users that were loaded. One that cannot be counted
// is a line in the log.
func (l *loader) scan(ctx context.Context, which int, count func(context.Context, string) (dataprovider.Amount, error)) error {
	if which == scanNone {
		return nil
	}
	for _, name := range l.loaded {
		u, _, err := l.store.Users().Get(ctx, name)
		if err != nil {
			return fmt.Errorf("--loaddata-scan: %w", err)
		}
		if which == scanLimited && u.QuotaFiles == 0 && u.QuotaSize == 0 {
			continue
		}
		used, err := count(ctx, name)
		if err != nil {
			l.log.Error("files cannot be counted", "username", name, "error", err)
			continue
		}
		l.log.Info("files counted", "username", name, "files", used.Files, "bytes", used.Bytes)
	}
	return nil
}

// tell logs what became of the users; one that was refused gets a line of its
// own.
func (l *loader) tell(path string, dump dataprovider.Dump, r dataprovider.LoadReport) {
	for _, f := range r.Failed {
		l.log.Error("user of the dump is not loaded", "dump", path, "username", f.Name, "error", f.Err)
	}
	if n := len(r.Failed); n > 0 {
		l.refusals = append(l.refusals, fmt.Sprintf("%s: %d of %d users are not loaded, the log says why",
			path, n, n+len(r.Added)+len(r.Updated)+len(r.Kept)))
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
	if f.scan < scanNone || f.scan > scanLimited {
		return fmt.Errorf("--loaddata-scan: %d is not 0 (no), 1 (all) or 2 (users with a quota)", f.scan)
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
