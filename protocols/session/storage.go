package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/vfs"
)

// localConfig is what the "local" backend reads.
type localConfig struct {
	Root     string `json:"root"`
	UID      int    `json:"uid,omitempty"`
	GID      int    `json:"gid,omitempty"`
	Existing bool   `json:"existing,omitempty"`
}

// purpose is why storage is opened.
type purpose int

const (
	toUse     purpose = iota // a home that is missing is made
	toInspect                // a home that is missing is vfs.ErrNotExist: its disk may not be mounted
)

// specOf says which backend a user wants.
func specOf(u *dataprovider.User, why purpose) (vfs.Spec, error) {
	if u.Filesystem.Provider != dataprovider.ProviderLocal {
		return vfs.Spec{}, fmt.Errorf("storage provider %d: %w", u.Filesystem.Provider, vfs.ErrUnsupported)
	}
	cfg, err := json.Marshal(localConfig{Root: u.HomeDir, UID: u.UID, GID: u.GID, Existing: why == toInspect})
	return vfs.Spec{Kind: "local", Config: cfg}, err
}

func (m *Manager) openStorage(ctx context.Context, u *dataprovider.User, why purpose) (vfs.FS, error) {
	spec, err := specOf(u, why)
	if err != nil {
		return nil, err
	}
	f, ok := m.storage[spec.Kind]
	if !ok {
		return nil, fmt.Errorf("storage %q: %w", spec.Kind, vfs.ErrUnsupported)
	}
	return f.Open(ctx, spec.Config)
}

// accountClosed tells why the sessions of a user must end, or "".
func (m *Manager) accountClosed(ctx context.Context, name string, now time.Time) string {
	u, _, err := m.store.Users().Get(ctx, name)
	switch {
	case errors.Is(err, dataprovider.ErrNotFound):
		return "account deleted"
	case err != nil:
		return "" // the store will be back
	case u.Status != 1:
		return "account disabled"
	case u.ExpirationDate > 0 && now.UnixMilli() > u.ExpirationDate:
		return "account expired"
	}
	return ""
}
