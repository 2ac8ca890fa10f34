package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sftpgo/dataprovider"
)

// maxRecord bounds what is read from a file or standard input.
const maxRecord = 1 << 20

// userFlags are the parts of a record that have a flag. Only flags that are
// given touch the record.
type userFlags struct {
	fromJSON        string
	publicKeys      []string
	home            string
	permissions     []string
	quotaSize       string
	quotaFiles      int
	maxSessions     int
	upload          int64
	download        int64
	expires         string
	status          string
	uid, gid        int
	deniedProtocols []string
	deniedMethods   []string
	allowedIP       []string
	deniedIP        []string
	maxFileSize     string
	description     string
}

func (f *userFlags) register(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.fromJSON, "from-json", "", "read a record from this JSON `FILE`; - is standard input")
	fs.StringArrayVar(&f.publicKeys, "public-key", nil, "public key: a `FILE` or the line itself (repeatable)")
	fs.StringVar(&f.home, "home", "", "home `DIR` (default: data_provider.users_base_dir/NAME)")
	fs.StringArrayVar(&f.permissions, "permissions", nil, "`DIR=PERM,...` (repeatable): "+strings.Join(dataprovider.Permissions(), " "))
	fs.StringVar(&f.quotaSize, "quota-size", "", "`SIZE` of all files, such as 10GiB; 0 is no limit")
	fs.IntVar(&f.quotaFiles, "quota-files", 0, "number of files; 0 is no limit")
	fs.IntVar(&f.maxSessions, "max-sessions", 0, "sessions at a time; 0 is no limit")
	fs.Int64Var(&f.upload, "upload-bandwidth", 0, "KiB per second; 0 is no limit")
	fs.Int64Var(&f.download, "download-bandwidth", 0, "KiB per second; 0 is no limit")
	fs.StringVar(&f.expires, "expires", "", "`WHEN` logins end: a time as in RFC 3339, the last day as YYYY-MM-DD (local time), or never")
	fs.StringVar(&f.status, "status", "", "1 or enabled, 0 or disabled")
	fs.IntVar(&f.uid, "uid", 0, "owner of new files, when the server runs as root")
	fs.IntVar(&f.gid, "gid", 0, "group of new files, when the server runs as root")
	fs.StringSliceVar(&f.deniedMethods, "denied-login-methods", nil, "some of the login methods, such as password,publickey")
	fs.StringSliceVar(&f.deniedProtocols, "denied-protocols", nil, "some of SSH,FTP,DAV")
	fs.StringSliceVar(&f.allowedIP, "allowed-ip", nil, "only these networks, as `CIDR` (repeatable)")
	fs.StringSliceVar(&f.deniedIP, "denied-ip", nil, "not these networks, as `CIDR` (repeatable)")
	fs.StringVar(&f.maxFileSize, "max-upload-file-size", "", "`SIZE` of one file; 0 is no limit")
	fs.StringVar(&f.description, "description", "", "free text")
}

// apply puts the record from JSON, if there is one, and then the flags over u.
func (f *userFlags) apply(cmd *cobra.Command, u *dataprovider.User) error {
	if f.fromJSON != "" {
		data, err := readInput(cmd, f.fromJSON)
		if err != nil {
			return fmt.Errorf("--from-json: %w", err)
		}
		if *u, err = u.Patched(data); err != nil {
			return fmt.Errorf("--from-json: %w", err)
		}
	}
	var errs []error
	setters := f.setters(u)
	for _, name := range slices.Sorted(maps.Keys(setters)) {
		if !cmd.Flags().Changed(name) {
			continue
		}
		if err := setters[name](); err != nil {
			errs = append(errs, fmt.Errorf("--%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func (f *userFlags) setters(u *dataprovider.User) map[string]func() error {
	return map[string]func() error{
		"public-key":           func() (err error) { u.PublicKeys, err = readKeys(f.publicKeys); return err },
		"home":                 func() (err error) { u.HomeDir, err = filepath.Abs(f.home); return err },
		"permissions":          func() (err error) { u.Permissions, err = parsePermissions(f.permissions); return err },
		"quota-size":           func() (err error) { u.QuotaSize, err = parseSize(f.quotaSize); return err },
		"quota-files":          func() error { u.QuotaFiles = f.quotaFiles; return nil },
		"max-sessions":         func() error { u.MaxSessions = f.maxSessions; return nil },
		"upload-bandwidth":     func() error { u.UploadBandwidth = f.upload; return nil },
		"download-bandwidth":   func() error { u.DownloadBandwidth = f.download; return nil },
		"expires":              func() (err error) { u.ExpirationDate, err = parseExpires(f.expires); return err },
		"status":               func() (err error) { u.Status, err = parseStatus(f.status); return err },
		"uid":                  func() error { u.UID = f.uid; return nil },
		"gid":                  func() error { u.GID = f.gid; return nil },
		"denied-login-methods": func() error { u.Filters.DeniedLoginMethods = f.deniedMethods; return nil },
		"denied-protocols":     func() error { u.Filters.DeniedProtocols = f.deniedProtocols; return nil },
		"allowed-ip":           func() error { u.Filters.AllowedIP = f.allowedIP; return nil },
		"denied-ip":            func() error { u.Filters.DeniedIP = f.deniedIP; return nil },
		"max-upload-file-size": func() (err error) { u.Filters.MaxUploadFileSize, err = parseSize(f.maxFileSize); return err },
		"description":          func() error { u.Description = f.description; return nil },
	}
}

func readInput(cmd *cobra.Command, name string) ([]byte, error) {
	in := cmd.InOrStdin()
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, maxRecord+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxRecord {
		return nil, fmt.Errorf("%s is larger than %s", name, formatSize(maxRecord))
	}
	return data, nil
}

// readKeys takes lines, and files of lines. One empty value is no key.
func readKeys(values []string) ([]string, error) {
	var keys []string
	for _, value := range values {
		if value == "" {
			continue
		}
		if _, err := dataprovider.ParseAuthorizedKey(value); err == nil {
			keys = append(keys, value)
			continue
		}
		fromFile, err := readKeyFile(value)
		if err != nil {
			return nil, err
		}
		keys = append(keys, fromFile...)
	}
	return keys, nil
}

func readKeyFile(name string) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxRecord {
		return nil, fmt.Errorf("%q is neither a public key nor a file of public keys", name)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if strings.Contains(string(data), "PRIVATE KEY-----") {
		return nil, fmt.Errorf("%s is a private key; give the public one, usually %s.pub", name, name)
	}
	var keys []string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if _, err := dataprovider.ParseAuthorizedKey(line); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		keys = append(keys, line)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s has no public key", name)
	}
	return keys, nil
}

// parsePermissions reads DIR=PERM,PERM; nothing after the sign allows nothing.
func parsePermissions(values []string) (map[string][]string, error) {
	permissions := map[string][]string{}
	for _, value := range values {
		sign := strings.LastIndexByte(value, '=')
		if sign < 0 {
			return nil, fmt.Errorf(`%q is not DIR=PERM,PERM, such as "/=*" or "/in=list,upload"`, value)
		}
		dir, list := value[:sign], []string{}
		for perm := range strings.SplitSeq(value[sign+1:], ",") {
			if perm = strings.TrimSpace(perm); perm != "" {
				list = append(list, perm)
			}
		}
		if _, twice := permissions[dir]; twice {
			return nil, fmt.Errorf("%q is given twice", dir)
		}
		permissions[dir] = list
	}
	return permissions, nil
}

// parseExpires returns Unix milliseconds. An account is good for the whole of
// the day that is given.
func parseExpires(s string) (int64, error) {
	if s == "never" || s == "0" || s == "" {
		return 0, nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, s, time.Local); err == nil {
		return day.AddDate(0, 0, 1).UnixMilli(), nil
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return 0, fmt.Errorf("%q is neither YYYY-MM-DD, nor as 2006-01-02T15:04:05Z, nor never", s)
	}
	return at.UnixMilli(), nil
}

func parseStatus(s string) (int, error) {
	switch s {
	case "enabled", strconv.Itoa(dataprovider.StatusEnabled):
		return dataprovider.StatusEnabled, nil
	case "disabled", strconv.Itoa(dataprovider.StatusDisabled):
		return dataprovider.StatusDisabled, nil
	}
	return 0, fmt.Errorf("%q is not 1, 0, enabled or disabled", s)
}
