package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/oklog/ulid/v2"

	"sftpgo/actions"
	"sftpgo/dataprovider"
)

// ofAccount makes the event of a change of an account.
func (s sample) ofAccount() (*actions.Event, error) {
	if s.event == "" {
		s.event = "add"
	}
	if s.failed {
		return nil, errors.New("--failed: changes of accounts are told when they are done")
	}
	kinds := actions.UserConfig{Hook: "/", ExecuteOn: []string{s.event}}.Kinds()
	if len(kinds) == 0 {
		return nil, fmt.Errorf("--event: %q is no change of an account; there are add, update, delete", s.event)
	}
	u := dataprovider.User{
		ID: 1, Username: s.user, Status: 1, HomeDir: filepath.Join(s.file, s.user),
		Permissions: map[string][]string{"/": {"*"}},
	}
	record, err := json.Marshal(u.Redacted())
	if err != nil {
		return nil, fmt.Errorf("encode user %q: %w", u.Username, err)
	}
	return &actions.Event{
		ID: ulid.Make().String(), Kind: kinds[0], Time: time.Now().UTC(),
		Session: actions.Session{User: u.Username},
		Account: &actions.Account{ID: u.ID, Status: u.Status, Home: u.HomeDir, Record: record},
	}, nil
}
