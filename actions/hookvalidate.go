package actions

import (
	"encoding/base64"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

const (
	maxTimeout = 24 * 60 * 60 // seconds
	maxPause   = 7 * maxTimeout
	maxTries   = 1000
)

// ValidateHooks returns all faults of the list, with the index in front.
func ValidateHooks(hooks []Hook) error {
	var errs []error
	first := map[string]int{}
	for i, h := range hooks {
		for _, err := range h.faults() {
			errs = append(errs, fmt.Errorf("%d.%w", i, err))
		}
		if at, twice := first[h.Name]; twice && h.Name != "" {
			errs = append(errs, fmt.Errorf("%d.name: %q is the name of hook %d, too", i, h.Name, at))
		} else {
			first[h.Name] = i
		}
	}
	return errors.Join(errs...)
}

// faults says what is wrong with one entry. It does not look at the file system.
func (h Hook) faults() []error {
	var errs []error
	add := func(key string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", key, err))
		}
	}
	add("name", checkHookName(h.Name))
	if h.Target == "" {
		add("target", errors.New("the path of a program or a URL is missing"))
	} else if !h.IsBroker() {
		add("target", Config{Hook: h.Target}.checkHook())
	}
	formats := []string{FormatRustus, FormatRustusV2, FormatTusd, FormatTusdV2, FormatSFTPGo, FormatCloudEvents}
	formatErr := checkWord("format", h.Dialect(), formats)
	add("format", formatErr)
	if formatErr == nil {
		for i, name := range h.Events {
			add(fmt.Sprintf("events.%d", i), h.checkEvent(name))
		}
	}
	errs = append(errs, h.Filters.faults()...)
	errs = append(errs, h.gateFaults()...)
	add("timeout", between(h.Timeout, maxTimeout))
	add("retry.pause", between(h.Retry.Pause, maxPause))
	add("retry.longest_pause", between(h.Retry.LongestPause, maxPause))
	add("retry.tries", between(h.Retry.Tries, maxTries))
	if err := h.HighWater.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("high_water.%w", err))
	}
	errs = append(errs, h.brokerFaults()...)
	if h.Environment != "" {
		add("environment", checkWord("environment", h.Environment, []string{"inherit", EnvironmentClean}))
	}
	if (h.IsURL() || h.IsBroker()) && h.Environment != "" {
		add("environment", errors.New("a URL has none; it is for programs"))
	}
	for i, secret := range h.Secrets {
		if _, err := DecodeSecret(secret); err != nil {
			add(fmt.Sprintf("secrets.%d", i), err)
		}
	}
	if !h.IsURL() && len(h.Secrets) > 0 {
		add("secrets", errors.New("they sign requests to an http or https URL; programs and brokers need none"))
	}
	return errs
}

func (f HookFilters) faults() []error {
	var errs []error
	for i, p := range f.Protocols {
		if err := checkWord("protocol", p, []string{"SFTP", "SCP", "SSH", "FTP", "DAV", protocolHTTP}); err != nil {
			errs = append(errs, fmt.Errorf("filters.protocols.%d: %w", i, err))
		}
	}
	errs = append(errs, checkPatterns("filters.users", f.Users)...)
	errs = append(errs, checkPatterns("filters.paths", f.Paths)...)
	if f.MinSize < 0 {
		errs = append(errs, fmt.Errorf("filters.min_size: %d is negative", f.MinSize))
	}
	return errs
}

func checkPatterns(key string, patterns []string) []error {
	var errs []error
	for i, p := range patterns {
		if _, err := path.Match(p, ""); err != nil || p == "" {
			errs = append(errs, fmt.Errorf("%s.%d: %q is not a pattern", key, i, p))
		}
	}
	return errs
}

func between(n, most int) error {
	if n < 0 || n > most {
		return fmt.Errorf("%d is not between 0 and %d", n, most)
	}
	return nil
}

func checkHookName(name string) error {
	switch {
	case name == "":
		return errors.New("every hook needs one")
	case len(name) > 64 || !regexp.MustCompile(`^[A-Za-z0-9_-]+$`).MatchString(name):
		return fmt.Errorf("%q is not of letters, digits, \"-\" and \"_\", at most 64", name)
	}
	return nil
}

func checkWord(what, word string, known []string) error {
	switch {
	case slices.Contains(known, word):
		return nil
	case closest(word, lower(known)) != "":
		s := closest(word, lower(known))
		for _, k := range known {
			if strings.EqualFold(k, s) {
				s = k
			}
		}
		return fmt.Errorf("unknown %s %q; did you mean %q?", what, word, s)
	}
	return fmt.Errorf("unknown %s %q; known are %s", what, word, strings.Join(known, ", "))
}

func lower(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = strings.ToLower(w)
	}
	return out
}

// DecodeSecret returns the key of a Standard Webhooks secret. Errors have nothing
// of the secret in them.
func DecodeSecret(secret string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		key, err = base64.RawStdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	}
	switch {
	case err != nil:
		return nil, errors.New("not base64; make one with: printf 'whsec_%s\\n' \"$(openssl rand -base64 32)\"")
	case len(key) < 24 || len(key) > 64:
		return nil, fmt.Errorf("%d bytes; a secret has 24 to 64 bytes in base64", len(key))
	}
	return key, nil
}
