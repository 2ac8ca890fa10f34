package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sftpgo/protocols/tus"
)

// validate returns all faults, one line for each.
func (f *tusFlags) validate() error {
	return errors.Join(f.absent.refusal(), f.server.validate(), f.data.validate(), f.hooks.validate())
}

// flagError names the flag in front.
func flagError(name, format string, args ...any) error {
	return fmt.Errorf("--%s: %w", name, fmt.Errorf(format, args...))
}

func (f *tusServerFlags) validate() error {
	var errs []error
	add := func(name, format string, args ...any) { errs = append(errs, flagError(name, format, args...)) }
	if f.port < 0 || f.port > 65535 {
		add("port", "%d is not a port", f.port)
	}
	for name, n := range map[string]int64{
		"workers": int64(f.workers), "max-body-size": f.maxBodySize, "max-file-size": f.maxFileSize,
		"expire-after": int64(f.expireAfter), "grace-time": int64(f.graceTime),
	} {
		if n < 0 {
			add(name, "%d is negative", n)
		}
	}
	for _, word := range f.extensions.values {
		if !slices.Contains(tusExtensions(), word) {
			add("tus-extensions", "unknown extension %q; known are %s", word, strings.Join(tusExtensions(), ", "))
		}
	}
	if _, err := tus.ParseDrafts(f.ietfDrafts.values); err != nil {
		add("ietf-drafts", "%w", err)
	}
	if _, ok := tusLogLevel(f.logLevel); !ok {
		add("log-level", "%q is not OFF, ERROR, WARN, INFO, DEBUG or TRACE", f.logLevel)
	}
	if len(f.trustedProxies.values) > 0 && !f.behindProxy {
		add("trusted-proxies", "it is for a server with --behind-proxy")
	}
	if _, err := newForwarding(bool(f.behindProxy), f.trustedProxies.values); err != nil {
		add("trusted-proxies", "%w", err)
	}
	errs = append(errs, f.originFaults()...)
	if f.externalURL != "" {
		u, err := url.Parse(f.externalURL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
			add("external-url", "it is not of the form https://host")
		}
	}
	if f.prefix() != "" {
		if err := checkPrefix(f.prefix()); err != nil {
			add("url", "%w", err)
		}
	}
	return errors.Join(errs...)
}

// originFaults are those of --cors.
func (f *tusServerFlags) originFaults() []error {
	var errs []error
	for _, origin := range f.cors.values {
		if strings.Count(origin, "*") > 1 {
			errs = append(errs, flagError("cors", "%q has more than one *", origin))
		}
	}
	return errs
}

// prefix is the path of the collection with a slash in front and none behind; empty
// is the root.
func (f *tusServerFlags) prefix() string {
	trimmed := strings.TrimSuffix(strings.TrimPrefix(f.url, "/"), "/")
	if trimmed == "" {
		return ""
	}
	return "/" + trimmed
}

func checkPrefix(prefix string) error {
	u, err := url.Parse(prefix)
	switch {
	case err != nil || u.Path != prefix || u.EscapedPath() != prefix:
		return fmt.Errorf("%q is not the path of a URL", prefix)
	case slices.Contains([]string{"/health", "/metrics", "/page"}, prefix):
		return fmt.Errorf("%q is taken by the server itself", prefix)
	}
	for part := range strings.SplitSeq(prefix[1:], "/") {
		if part == "" || part == "." || part == ".." {
			return fmt.Errorf("%q has a part that is empty or of dots", prefix)
		}
	}
	return nil
}

// tusLogLevel is the level of the word; false: there is no such word.
func tusLogLevel(word string) (slog.Level, bool) {
	switch strings.ToUpper(word) {
	case "OFF":
		return slog.LevelError + 4, true
	case "ERROR":
		return slog.LevelError, true
	case "WARN":
		return slog.LevelWarn, true
	case "INFO":
		return slog.LevelInfo, true
	case "DEBUG", "TRACE":
		return slog.LevelDebug, true
	}
	return 0, false
}

const (
	infoFiles = "file-info-storage"
	infoRedis = "redis-info-storage"
)

func (f *tusDataFlags) validate() error {
	var errs []error
	add := func(name, format string, args ...any) { errs = append(errs, flagError(name, format, args...)) }
	switch f.storage {
	case "file-storage":
	case "hybrid-s3", "s3":
		add("storage", "%s is not available in this version; use file-storage", f.storage)
	default:
		add("storage", "unknown %q; it is file-storage", f.storage)
	}
	switch f.infoStorage {
	case infoFiles:
		if f.infoDSN != "" {
			add("info-db-dsn", "it is for --info-storage %s", infoRedis)
		}
		if f.redisLifetime != 0 {
			add("redis-info-expiration", "it is for --info-storage %s", infoRedis)
		}
	case infoRedis:
		if f.infoDSN == "" {
			add("info-db-dsn", "--info-storage %s needs it, as redis://host:6379/0", infoRedis)
		}
	case "db-info-storage":
		add("info-storage", "a database is not available in this version; use %s or %s", infoFiles, infoRedis)
	default:
		add("info-storage", "unknown %q; it is %s or %s", f.infoStorage, infoFiles, infoRedis)
	}
	if f.redisLifetime < 0 || f.redisLifetime > int64((100*365*24*time.Hour).Seconds()) {
		add("redis-info-expiration", "%d is not a number of seconds", f.redisLifetime)
	}
	for name, dir := range map[string]string{"data-dir": f.dataDir, "info-dir": f.infoDir} {
		if dir == "" {
			add(name, "it is empty")
		}
	}
	for part := range strings.SplitSeq(f.dirStructure, "/") {
		if strings.HasPrefix(part, ".") {
			add("dir-structure", "%q has a part that begins with a dot", f.dirStructure)
		}
	}
	return errors.Join(errs...)
}

// directory is where an upload of the time lies, relative to the data directory:
// empty, or with slashes between its parts only. Numbers have no zeros in front, as
// those of Rustus.
func (f *tusDataFlags) directory(created time.Time) string {
	at := created.UTC()
	expanded := strings.NewReplacer(
		"{year}", strconv.Itoa(at.Year()), "{month}", strconv.Itoa(int(at.Month())), "{day}", strconv.Itoa(at.Day()),
		"{hour}", strconv.Itoa(at.Hour()), "{minute}", strconv.Itoa(at.Minute()),
	).Replace(f.dirStructure)
	parts := strings.FieldsFunc(expanded, func(r rune) bool { return r == '/' })
	return strings.Join(parts, "/")
}
