package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
)

// Report tells where a configuration came from and what is odd about it.
type Report struct {
	// Dir is the configuration directory, absolute.
	Dir string
	// File is the file that was read, absolute; empty if there is none.
	File string
	// Ignored are the keys that are known but have no effect in this version; a
	// section of which nothing has an effect is named as a whole.
	Ignored []string
	// Warnings are lines for the log. What Ignored holds is one of them.
	Warnings []string
}

// Resolve returns an absolute path; a relative one starts at the configuration
// directory.
func (r Report) Resolve(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(r.Dir, path)
}

// Load reads the configuration: built-in values, replaced by the file, replaced
// by the environment (entries of the form KEY=value). dir is where the search
// for the file starts and relative paths begin; file, if not empty, names the
// file and disables the search.
//
// Paths in the result are absolute. The error joins all faults, each with the
// path of its key or the name of its variable; no file at all is no fault.
func Load(dir, file string, environ []string) (Config, Report, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Config{}, Report{}, fmt.Errorf("configuration directory: %w", err)
	}
	report := Report{Dir: dir}
	report.File, err = locate(dir, file, searchDirs(dir, home(environ)))
	if err != nil {
		return Config{}, report, err
	}
	raw := map[string]any{}
	if report.File != "" {
		if raw, err = read(report.File); err != nil {
			return Config{}, report, err
		}
	}

	r := &reader{root: schema(), ignored: map[string]bool{}}
	values := r.section(r.root, raw, "")
	set := map[string]string{}
	r.override(r.root, values, variables(environ), "", set)
	cfg, err := decode(values)
	if err != nil {
		return Config{}, report, err
	}
	r.faults = append(r.faults, split(cfg.Validate())...)
	r.faults = append(r.faults, cfg.resolve(report)...)

	report.Warnings = r.nearVariables(environ)
	if len(r.ignored) > 0 {
		report.Ignored = sortedKeys(r.ignored)
		report.Warnings = append(report.Warnings, "settings that are known but have no effect in this version: "+
			strings.Join(report.Ignored, ", "))
	}
	if len(r.faults) > 0 {
		return Config{}, report, explain(r.faults, set)
	}
	return cfg, report, nil
}

func home(environ []string) string {
	for _, entry := range environ {
		if home, ok := strings.CutPrefix(entry, "HOME="); ok {
			return home
		}
	}
	return ""
}

func read(path string) (map[string]any, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	raw, err := parse(extension(path), data)
	if err != nil {
		return nil, fmt.Errorf("configuration file %s: %w", path, err)
	}
	return raw, nil
}

// decode puts values on top of the defaults. They have the right types already
// and hold no key that Config has not.
func decode(values map[string]any) (Config, error) {
	v := viper.New()
	cfg := Default()
	if err := v.MergeConfigMap(values); err != nil {
		return cfg, fmt.Errorf("configuration: %w", err)
	}
	err := v.UnmarshalExact(&cfg, func(d *mapstructure.DecoderConfig) {
		d.TagName = "json"
		d.Squash = true
		d.ZeroFields = true // lists are replaced, not merged by index
		d.WeaklyTypedInput = false
		d.DecodeHook = nil
	})
	if err != nil {
		return cfg, fmt.Errorf("configuration: %w", err)
	}
	return cfg, nil
}

// explain makes one error of all faults, one line each, and adds the variable
// that gave a value to what is wrong with it.
func explain(faults []error, set map[string]string) error {
	var errs []error
	for _, fault := range faults {
		key, _, _ := strings.Cut(fault.Error(), ": ")
		if name := set[key]; name != "" {
			fault = fmt.Errorf("%w (from %s)", fault, name)
		}
		errs = append(errs, fmt.Errorf("configuration: %w", fault))
	}
	return errors.Join(errs...)
}
