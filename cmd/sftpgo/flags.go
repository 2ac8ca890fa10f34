package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sftpgo/config"
)

// fromEnvironment is the annotation of a flag that names its variable.
const fromEnvironment = "environment variable"

// bindEnvironment lets a variable stand in for a flag that is not given.
func bindEnvironment(flags *pflag.FlagSet, flag, variable string) {
	f := flags.Lookup(flag)
	f.Usage += " (" + variable + ")"
	if f.Annotations == nil {
		f.Annotations = map[string][]string{}
	}
	f.Annotations[fromEnvironment] = []string{variable}
}

// setFromEnvironment gives flags that are not on the command line the values of
// their variables. One that is set to nothing counts.
func setFromEnvironment(cmd *cobra.Command) error {
	var errs []error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		names := f.Annotations[fromEnvironment]
		if f.Changed || len(names) == 0 {
			return
		}
		value, set := os.LookupEnv(names[0])
		if !set {
			return
		}
		if err := f.Value.Set(value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %q is not a value for --%s", names[0], value, f.Name))
		}
	})
	return errors.Join(errs...)
}

// configFlags say where the configuration is.
type configFlags struct {
	dir  string
	file string
}

func (c *configFlags) register(flags *pflag.FlagSet) {
	flags.StringVarP(&c.dir, "config-dir", "c", ".", "where the configuration file is searched and relative paths begin")
	flags.StringVar(&c.file, "config-file", "", "configuration file, absolute or relative to the configuration directory")
	bindEnvironment(flags, "config-dir", "SFTPGO_CONFIG_DIR")
	bindEnvironment(flags, "config-file", "SFTPGO_CONFIG_FILE")
}

// load reads the configuration.
func (c *configFlags) load() (config.Config, config.Report, error) {
	return config.Load(c.dir, c.file, os.Environ())
}

// logFlags say where the log goes.
type logFlags struct {
	path       string // relative to the configuration directory; empty: stdout
	maxSize    int    // MB before rotation
	maxBackups int
	maxAge     int // days
	compress   bool
	verbose    bool // debug
}

func (l *logFlags) register(flags *pflag.FlagSet) {
	flags.StringVarP(&l.path, "log-file-path", "l", "sftpgo.log", "log file, relative to the configuration directory; empty is standard output")
	flags.IntVarP(&l.maxSize, "log-max-size", "s", 10, "size in megabytes at which the log file is rotated")
	flags.IntVarP(&l.maxBackups, "log-max-backups", "b", 5, "number of rotated log files to keep; 0 is all")
	flags.IntVarP(&l.maxAge, "log-max-age", "a", 28, "days to keep rotated log files; 0 is forever")
	flags.BoolVarP(&l.compress, "log-compress", "z", false, "compress rotated log files with gzip")
	flags.BoolVarP(&l.verbose, "log-verbose", "v", true, "log at level debug, else info")
	for flag, variable := range map[string]string{
		"log-file-path":   "SFTPGO_LOG_FILE_PATH",
		"log-max-size":    "SFTPGO_LOG_MAX_SIZE",
		"log-max-backups": "SFTPGO_LOG_MAX_BACKUPS",
		"log-max-age":     "SFTPGO_LOG_MAX_AGE",
		"log-compress":    "SFTPGO_LOG_COMPRESS",
		"log-verbose":     "SFTPGO_LOG_VERBOSE",
	} {
		bindEnvironment(flags, flag, variable)
	}
}

// validate returns all faults.
func (l *logFlags) validate() error {
	var errs []error
	if l.maxSize < 1 {
		errs = append(errs, fmt.Errorf("--log-max-size: %d is less than one megabyte", l.maxSize))
	}
	if l.maxBackups < 0 {
		errs = append(errs, fmt.Errorf("--log-max-backups: %d is negative", l.maxBackups))
	}
	if l.maxAge < 0 {
		errs = append(errs, fmt.Errorf("--log-max-age: %d is negative", l.maxAge))
	}
	return errors.Join(errs...)
}
