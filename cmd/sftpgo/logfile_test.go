package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// defaultLog are the flags as they are without a command line.
func defaultLog(t *testing.T, args ...string) logFlags {
	t.Helper()
	var flags logFlags
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	flags.register(set)
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	return flags
}

func TestLogFile(t *testing.T) {
	dir := t.TempDir()
	var stdout bytes.Buffer
	log, out, err := newLogger(defaultLog(t, "-l", "logs/server.log"), dir, &stdout)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "logs", "server.log")
	mode := func() {
		t.Helper()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != logMode {
			t.Errorf("mode %v", info.Mode())
		}
	}
	lines := func(path string, want ...string) {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), "\n"); n != len(want) {
			t.Errorf("%s has %d lines, want %d", path, n, len(want))
		}
		for _, w := range want {
			if !strings.Contains(string(text), `"message":"`+w+`"`) {
				t.Errorf("%s has no %q", path, w)
			}
		}
	}
	mode()
	log.Debug("one")
	lines(path, "one")
	if err := out.Rotate(); err != nil {
		t.Fatal(err)
	}
	log.Info("two")
	lines(path, "two")
	mode()
	old, err := filepath.Glob(filepath.Join(dir, "logs", "server-*.log"))
	if err != nil || len(old) != 1 {
		t.Fatalf("%v %v", old, err)
	}
	lines(old[0], "one")

	if err := os.Rename(path, path+".moved"); err != nil { // by logrotate
		t.Fatal(err)
	}
	if err := out.Rotate(); err != nil {
		t.Fatal(err)
	}
	log.Info("three")
	lines(path, "three")
	mode()
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}

	log, out, err = newLogger(defaultLog(t, "-l", path, "-v=false"), "/nowhere", &stdout)
	if err != nil {
		t.Fatal(err)
	}
	log.Debug("quiet")
	log.Info("four")
	lines(path, "three", "four")
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if stdout.Len() > 0 {
		t.Errorf("standard output: %s", &stdout)
	}
}

func TestLogToStandardOutput(t *testing.T) {
	var stdout bytes.Buffer
	log, out, err := newLogger(defaultLog(t, "-l", ""), t.TempDir(), &stdout)
	if err != nil {
		t.Fatal(err)
	}
	log.Info("hello")
	if !strings.Contains(stdout.String(), `"message":"hello"`) {
		t.Errorf("%s", &stdout)
	}
	if err := out.Rotate(); err == nil {
		t.Error("standard output is rotated")
	}
	if err := out.Close(); err != nil {
		t.Error(err)
	}
}

func TestLogToDevice(t *testing.T) {
	_, out, err := newLogger(defaultLog(t, "-l", os.DevNull), t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Rotate(); err == nil {
		t.Error("a device is rotated")
	}
	if err := out.Close(); err != nil {
		t.Error(err)
	}
}

func TestLogThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"-l", "file/log"}, "log file: "},
		{[]string{"-l", "."}, "log file: "},
		{[]string{"-s", "0", "-b", "-1", "-a", "-2"}, "--log-max-size: 0 is less than one megabyte\n--log-max-backups: -1 is negative\n--log-max-age: -2 is negative"},
	} {
		if _, _, err := newLogger(defaultLog(t, tt.args...), dir, nil); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%q: %v", tt.args, err)
		}
	}
}
