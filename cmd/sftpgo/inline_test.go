package main

import (
	"strings"
	"testing"

	"sftpgo/actions"
	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
)

// sharedStore says that there may be other servers.
type sharedStore struct{ dataprovider.Store }

func (sharedStore) Orphans() <-chan struct{} { return make(chan struct{}) }

// Another server could deliver what a client of this one waits for.
func TestInLineNeedsOneServer(t *testing.T) {
	s := &server{store: sharedStore{memstore.New(memstore.Config{})}}
	s.cfg.Common.Actions = actions.Config{Hook: "/bin/true", ExecuteOn: []string{"upload"}, ExecuteSync: []string{"upload"}}
	if err := s.addHooks(t.TempDir()); err == nil || !strings.Contains(err.Error(), "common.actions.execute_sync") {
		t.Errorf("err = %v", err)
	}
}
