package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/password"
)

// subsystemAccount finds the record under which the user of the process works.
type subsystemAccount struct {
	name     string
	home     string
	preserve bool   // the home of a known user stays that of the record
	dump     string // of the memory driver; empty: nobody is known
}

// record returns the record of the dump, or a new one that may do everything in
// its home. Nothing is saved.
func (a subsystemAccount) record(ctx context.Context) (dataprovider.User, error) {
	u, err := a.known()
	if err != nil {
		return u, err
	}
	if u.Username == "" {
		u = dataprovider.User{
			Username: a.name, Status: dataprovider.StatusEnabled,
			Permissions: map[string][]string{"/": {dataprovider.PermAny}},
		}
	}
	if u.HomeDir == "" || !a.preserve {
		u.HomeDir = filepath.Clean(a.home)
	}
	if !filepath.IsAbs(u.HomeDir) {
		return u, fmt.Errorf("home directory %q is not absolute", u.HomeDir)
	}
	// Nobody logs in here, but a record has a password. To hash it costs nothing.
	u.ID, u.PublicKeys = 0, nil
	if u.Password, err = generatePassword(); err != nil {
		return u, err
	}
	cheap := password.NewHasher(dataprovider.Argon2Options{Memory: 8, Iterations: 1, Parallelism: 1})
	return u.Prepared(ctx, "", cheap)
}

// known looks the user up in the dump; without a name it is not there.
func (a subsystemAccount) known() (dataprovider.User, error) {
	if a.dump == "" {
		return dataprovider.User{}, nil
	}
	dump, err := dataprovider.ReadDumpFile(a.dump)
	if err != nil {
		return dataprovider.User{}, fmt.Errorf("data_provider.name: %w", err)
	}
	for _, broken := range dump.Broken {
		// To give everything to whom the administrator meant to restrict is no way out.
		if broken.Name == a.name {
			return dataprovider.User{}, fmt.Errorf("data_provider.name: %w", broken.Err)
		}
	}
	i := slices.IndexFunc(dump.Users, func(u dataprovider.User) bool { return u.Username == a.name })
	if i < 0 {
		return dataprovider.User{}, nil
	}
	return dump.Users[i], nil
}

// sshClient returns the address of the client, as sshd passes it on; the zero
// address when something else has started this process.
func sshClient(getenv func(string) string) netip.Addr {
	for _, name := range []string{"SSH_CONNECTION", "SSH_CLIENT"} {
		address, _, _ := strings.Cut(getenv(name), " ")
		if ip, err := netip.ParseAddr(address); err == nil {
			return ip.Unmap()
		}
	}
	return netip.Addr{}
}

// sshMethod returns how the client has logged in, if sshd tells (ExposeAuthInfo in
// its configuration); else it is empty, for this process does not know.
func sshMethod(getenv func(string) string) (string, error) {
	path := getenv("SSH_USER_AUTH")
	if path == "" {
		return "", nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("SSH_USER_AUTH: %w", err)
	}
	var methods []string
	for line := range strings.Lines(string(text)) {
		method, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		method, _, _ = strings.Cut(method, "/") // keyboard-interactive/pam
		methods = append(methods, method)
	}
	return strings.Join(methods, "+"), nil
}
