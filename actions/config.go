package actions

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// Config is the "common.actions" section: one hook for file actions.
type Config struct {
	// ExecuteOn lists the events that call the hook: download, upload,
	// pre-delete, delete, rename, mkdir, rmdir, copy, ssh_cmd, pre-upload, pre-download.
	// Empty is off.
	ExecuteOn []string `json:"execute_on"`
	// Hook is the absolute path of a program or an HTTP(S) URL. What begins with
	// "http" is a URL.
	Hook string `json:"hook"`
	// ExecuteSync lists those of ExecuteOn for which the client waits until the hook has
	// got them. When that fails for an upload, the upload fails and the file is removed.
	// Questions (pre-delete, pre-upload, pre-download) are in line anyway.
	ExecuteSync []string `json:"execute_sync"`
	// Extended adds what later versions of the contract tell: virtual_path, ip,
	// session_id, timestamp and more, see hooks.md.
	Extended bool `json:"extended"`
}

// DefaultConfig returns the built-in values: no hook.
func DefaultConfig() Config { return Config{ExecuteOn: []string{}, ExecuteSync: []string{}} }

// configNames are the words of execute_on, in the order of the documentation,
// and the kinds that each stands for.
var configNames = []struct {
	name  string
	kinds []Kind
}{
	{"download", []Kind{DownloadDone}},
	{"upload", []Kind{UploadDone, UploadFailed, UploadPart}},
	{"pre-delete", []Kind{DeleteCheck}},
	{"delete", []Kind{DeleteDone}},
	{"rename", []Kind{RenameDone}},
	{"mkdir", []Kind{MkdirDone}},
	{"rmdir", []Kind{RmdirDone}},
	{"copy", []Kind{CopyDone}},
	{"ssh_cmd", []Kind{SSHCommand}},
	{"pre-upload", []Kind{UploadCheck}},
	{"pre-download", []Kind{DownloadCheck}},
}

// Kinds returns the kinds that ExecuteOn names; words that it does not know are
// left to Validate.
func (c Config) Kinds() []Kind { return kindsOf(c.ExecuteOn) }

// SyncKinds returns the kinds that ExecuteSync names, questions left out.
func (c Config) SyncKinds() []Kind {
	return slices.DeleteFunc(kindsOf(c.ExecuteSync), Kind.Question)
}

func kindsOf(names []string) []Kind {
	var kinds []Kind
	for _, n := range configNames {
		if slices.Contains(names, n.name) {
			kinds = append(kinds, n.kinds...)
		}
	}
	return kinds
}

// HookIsURL reports whether Hook is a URL; the first four letters decide.
func (c Config) HookIsURL() bool { return strings.HasPrefix(c.Hook, "http") }

// Validate returns all faults. It does not look at the file system: whether the
// program exists is the business of the sink that would run it.
func (c Config) Validate() error {
	var errs []error
	known := make([]string, 0, len(configNames))
	for _, n := range configNames {
		known = append(known, n.name)
	}
	for i, name := range c.ExecuteOn {
		if err := checkName(name, known); err != nil {
			errs = append(errs, fmt.Errorf("execute_on.%d: %w", i, err))
		}
	}
	if err := c.checkHook(); err != nil {
		errs = append(errs, fmt.Errorf("hook: %w", err))
	}
	for i, name := range c.ExecuteSync {
		switch err := checkName(name, known); {
		case err != nil:
			errs = append(errs, fmt.Errorf("execute_sync.%d: %w", i, err))
		case !slices.Contains(c.ExecuteOn, name):
			errs = append(errs, fmt.Errorf("execute_sync.%d: %q is not in execute_on, so that the hook would not hear of it", i, name))
		}
	}
	return errors.Join(errs...)
}

func (c Config) checkHook() error {
	switch {
	case c.Hook == "":
		return nil
	case c.HookIsURL():
		u, err := url.Parse(c.Hook)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return fmt.Errorf("%q begins with \"http\" but is not a URL like http://host/path or https://host/path", RedactURL(c.Hook))
		}
		return nil
	case filepath.IsAbs(c.Hook):
		return nil
	}
	if lower := strings.ToLower(c.Hook); strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://") {
		return fmt.Errorf("%q: write the scheme in lower case", RedactURL(c.Hook))
	}
	return fmt.Errorf("%q is neither an absolute path nor an http(s) URL", RedactURL(c.Hook))
}

func checkName(name string, known []string) error {
	for _, k := range known {
		if name == k {
			return nil
		}
	}
	if s := closest(name, known); s != "" {
		return fmt.Errorf("unknown event %q; did you mean %q?", name, s)
	}
	return fmt.Errorf("unknown event %q; the events are %s", name, strings.Join(known, ", "))
}
