package actions

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The kinds of changes of accounts. Only "data_provider.actions" is told of them.
const (
	UserAdded   Kind = "user.add"
	UserUpdated Kind = "user.update"
	UserDeleted Kind = "user.delete"
)

// Account is what an event of these kinds tells of the account.
type Account struct {
	ID         int64  `json:"id"`
	Status     int    `json:"status"`
	Expiration int64  `json:"expiration"` // Unix milliseconds, 0: never
	Home       string `json:"home"`
	UID        int    `json:"uid"`
	GID        int    `json:"gid"`
	// Record is the account as users are exchanged, without secrets.
	Record json.RawMessage `json:"record"`
}

// UserConfig is the "data_provider.actions" section: one hook for changes of
// accounts.
type UserConfig struct {
	// ExecuteOn lists the changes that call the hook: add, update, delete. Empty is
	// off.
	ExecuteOn []string `json:"execute_on"`
	// Hook is the absolute path of a program or an HTTP(S) URL. What begins with
	// "http" is a URL.
	Hook string `json:"hook"`
}

// userNames are the words of execute_on.
func userNames() []string { return []string{"add", "update", "delete"} }

// DefaultUserConfig returns the built-in values: no hook.
func DefaultUserConfig() UserConfig { return UserConfig{ExecuteOn: []string{}} }

// Kinds returns the kinds that ExecuteOn names; none without a hook.
func (c UserConfig) Kinds() []Kind {
	var kinds []Kind
	for _, name := range userNames() {
		if c.Hook != "" && slices.Contains(c.ExecuteOn, name) {
			kinds = append(kinds, Kind("user."+name))
		}
	}
	return kinds
}

// HookIsURL reports whether Hook is a URL; the first four letters decide.
func (c UserConfig) HookIsURL() bool { return strings.HasPrefix(c.Hook, "http") }

// Validate returns all faults. It does not look at the file system.
func (c UserConfig) Validate() error {
	var errs []error
	for i, name := range c.ExecuteOn {
		if err := checkName(name, userNames()); err != nil {
			errs = append(errs, fmt.Errorf("execute_on.%d: %w", i, err))
		}
	}
	if err := (Config{Hook: c.Hook}).checkHook(); err != nil {
		errs = append(errs, fmt.Errorf("hook: %w", err))
	}
	return errors.Join(errs...)
}

// UserActionName returns the word for a kind; false: it is no change of an account.
func UserActionName(k Kind) (string, bool) {
	name, ok := strings.CutPrefix(string(k), "user.")
	return name, ok && slices.Contains(userNames(), name)
}
