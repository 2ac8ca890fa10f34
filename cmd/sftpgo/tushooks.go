package main

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"sftpgo/actions"
)

// chain is the hooks in the order of Rustus: file, directory, URLs, NATS, RabbitMQ.
// That is the order of questions; of events each gets all, whatever becomes of those
// before it.
func (f *tusHookFlags) chain() ([]actions.Hook, error) {
	if len(f.events.values) == 0 {
		return nil, nil
	}
	var hooks []actions.Hook
	var errs []error
	add := func(flag, name, target string, h actions.Hook) {
		h.Name, h.Target, h.Format, h.Events = name, target, f.dialect(), f.events.values
		hooks = append(hooks, h)
		if err := actions.ValidateHooks([]actions.Hook{h}); err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				errs = append(errs, flagError(flag, "%s", strings.TrimPrefix(line, "0.")))
			}
		}
	}
	if f.file != "" {
		path, err := programPath(f.file)
		if err != nil {
			return nil, flagError("hooks-file", "%w", err)
		}
		add("hooks-file", "file", path, actions.Hook{Timeout: f.timeout})
	}
	if f.dir != "" {
		path, err := filepath.Abs(f.dir)
		if err != nil {
			return nil, flagError("hooks-dir", "%w", err)
		}
		add("hooks-dir", "dir", path, actions.Hook{Timeout: f.timeout, Missing: f.dirMissing})
	}
	for i, address := range f.urls.values {
		name := "http"
		if i > 0 {
			name = fmt.Sprintf("http-%d", i+1)
		}
		add("hooks-http-urls", name, address, actions.Hook{Timeout: f.httpTimeout, ProxyHeaders: f.proxyHeaders.values})
	}
	if len(f.natsURLs.values) > 0 {
		nats := f.nats
		nats.WaitForReplies, nats.Core = bool(f.natsReplies), true
		for _, address := range f.natsURLs.values[1:] {
			nats.URLs = append(nats.URLs, natsAddress(address))
		}
		onError := actions.OnErrorAllow
		if nats.WaitForReplies {
			onError = actions.OnErrorDeny
		}
		add("hooks-nats-urls", "nats", natsAddress(f.natsURLs.values[0]), actions.Hook{NATS: nats, OnError: onError})
	}
	if f.amqpURL != "" {
		amqp := f.amqp
		amqp.DeclareExchange, amqp.DurableExchange = bool(f.amqpDeclareExchange), bool(f.amqpDurableExchange)
		amqp.DeclareQueues, amqp.DurableQueues = bool(f.amqpDeclareQueues), bool(f.amqpDurableQueues)
		amqp.AutoDelete, amqp.Celery = bool(f.amqpAutoDelete), bool(f.amqpCelery)
		add("hooks-amqp-url", "amqp", f.amqpURL, actions.Hook{AMQP: amqp, OnError: actions.OnErrorAllow})
	}
	return hooks, errors.Join(errs...)
}

// natsAddress lets a host stand for a URL, as the clients of NATS do.
func natsAddress(address string) string {
	if strings.Contains(address, "://") {
		return address
	}
	return "nats://" + address
}

// dialect is the format by our name; validate knows the words.
func (f *tusHookFlags) dialect() string {
	switch f.format {
	case "v2":
		return actions.FormatRustusV2
	case "tusd":
		return actions.FormatTusd
	}
	return actions.FormatRustus
}

// programPath finds a name without a slash in PATH, anything else in the working
// directory.
func programPath(name string) (string, error) {
	if !strings.ContainsRune(filepath.ToSlash(name), '/') {
		found, err := exec.LookPath(name)
		if err != nil && !errors.Is(err, exec.ErrDot) {
			return "", fmt.Errorf("%q is not in PATH; write ./%s for the working directory", name, name)
		}
		name = found
	}
	return filepath.Abs(name)
}

func (f *tusHookFlags) validate() error {
	var errs []error
	add := func(name, format string, args ...any) { errs = append(errs, flagError(name, format, args...)) }
	for _, word := range f.events.values {
		if !slices.Contains(tusEvents(), word) {
			add("hooks", "unknown event %q; known are %s", word, strings.Join(tusEvents(), ", "))
		}
	}
	if !slices.Contains([]string{"default", "v2", "tusd"}, f.format) {
		add("hooks-format", "%q is not default, v2 or tusd", f.format)
	}
	if !slices.Contains([]string{actions.MissingError, actions.MissingIgnore}, f.dirMissing) {
		add("hooks-dir-missing", "%q is not error or ignore", f.dirMissing)
	}
	for name, seconds := range map[string]int{"hooks-timeout": f.timeout, "http-hook-timeout": f.httpTimeout} {
		if seconds <= 0 {
			add(name, "%d is not a positive number of seconds", seconds)
		}
	}
	return errors.Join(errs...)
}
