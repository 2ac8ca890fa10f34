// Package config is the configuration of the server: the sum of the Config of
// each package, read from one file and the environment.
package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"sftpgo/actions"
	"sftpgo/actions/httpsink"
	"sftpgo/dataprovider"
	"sftpgo/protocols/ftpd"
	"sftpgo/protocols/proxied"
	"sftpgo/protocols/session"
	"sftpgo/protocols/sshd"
	"sftpgo/protocols/telemetry"
	"sftpgo/protocols/tus"
	"sftpgo/protocols/webdavd"
)

// Config is everything that can be configured. The JSON names are the keys of
// the file, and with SFTPGO_ in front and __ between levels those of the
// environment. A value of this type that came from Load has been validated.
type Config struct {
	// Common rules sessions of all protocols.
	Common Common `json:"common"`
	// SFTPD is the SSH server: SFTP and SCP.
	SFTPD sshd.Config `json:"sftpd"`
	// FTPD is the FTP server.
	FTPD ftpd.Config `json:"ftpd"`
	// WebDAVD is the WebDAV server.
	WebDAVD webdavd.Config `json:"webdavd"`
	// Tus is the server of resumable uploads over HTTP.
	Tus tus.Config `json:"tus"`
	// DataProvider says where users are stored.
	DataProvider DataProvider `json:"data_provider"`
	// Telemetry is the listener for health checks, metrics and profiles.
	Telemetry telemetry.Config `json:"telemetry"`
	// HTTP is the client of hooks that are URLs.
	HTTP httpsink.Config `json:"http"`
	// Hooks are programs and URLs that are told of what happens, in addition to
	// common.actions: see hooks.md.
	Hooks []actions.Hook `json:"hooks"`
	// Events is what counts for the events of all hooks: how long delivered ones are
	// kept, and what happens when too many wait.
	Events actions.EventsConfig `json:"events"`
}

// DataProvider is the "data_provider" section.
type DataProvider struct {
	dataprovider.Config
	// Actions is the hook that hears of changes of accounts.
	Actions actions.UserConfig `json:"actions"`
}

// Common is the "common" section.
type Common struct {
	session.Config
	Proxy
	// Actions is the hook that hears of file actions.
	Actions actions.Config `json:"actions"`
}

// Proxy are the keys about proxies of TCP connections.
type Proxy = proxied.Config

// Default returns the built-in values: what is served when there is no file.
func Default() Config {
	c := Config{
		Common:       Common{Config: session.DefaultConfig(), Proxy: proxied.DefaultConfig(), Actions: actions.DefaultConfig()},
		SFTPD:        sshd.DefaultConfig(),
		FTPD:         ftpd.DefaultConfig(),
		WebDAVD:      webdavd.DefaultConfig(),
		Tus:          tus.DefaultConfig(),
		DataProvider: DataProvider{Config: dataprovider.DefaultConfig(), Actions: actions.DefaultUserConfig()},
		Telemetry:    telemetry.DefaultConfig(),
		HTTP:         httpsink.DefaultConfig(),
		Events:       actions.DefaultEventsConfig(),
	}
	fillLists(reflect.ValueOf(&c).Elem())
	return c
}

// fillLists replaces nil lists by empty ones, which JSON shows as [] and not as
// null.
func fillLists(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fillLists(v.Field(i))
		}
	case reflect.Slice:
		if v.IsNil() {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		}
		for i := range v.Len() {
			fillLists(v.Index(i))
		}
	}
}

// Validate returns all faults, each with the path of its key in front.
func (c Config) Validate() error {
	return errors.Join(
		within("common", c.Common.Config.Validate()),
		within("common", c.Common.Proxy.Validate()),
		within("common.actions", c.Common.Actions.Validate()),
		within("sftpd", c.SFTPD.Validate()),
		within("ftpd", c.FTPD.Validate()),
		within("webdavd", c.WebDAVD.Validate()),
		within("tus", c.Tus.Validate()),
		within("data_provider", c.DataProvider.Config.Validate()),
		within("data_provider.actions", c.DataProvider.Actions.Validate()),
		within("telemetry", c.Telemetry.Validate()),
		within("http", c.HTTP.Validate()),
		within("hooks", actions.ValidateHooks(c.Hooks)),
		within("events", c.Events.Validate()),
	)
}

// within puts the name of a section in front of each fault of err.
func within(section string, err error) error {
	var errs []error
	for _, e := range split(err) {
		errs = append(errs, fmt.Errorf("%s.%w", section, e))
	}
	return errors.Join(errs...)
}

// split returns the errors that were joined to err.
func split(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var errs []error
	for _, e := range joined.Unwrap() {
		errs = append(errs, split(e)...)
	}
	return errs
}

// JSON returns c as a configuration file.
func (c Config) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return append(text, '\n'), nil
}
