//go:build unix

package main

import (
	"strconv"
	"strings"
	"testing"

	"sftpgo/dataprovider/pgtest"
)

// The keys of the configuration lead every command to PostgreSQL, and a fault is
// one line that has no password.
func TestPostgresCommands(t *testing.T) {
	t.Parallel()
	database := pgtest.Start(t)
	p := newRealServer(t,
		"SFTPGO_DATA_PROVIDER__DRIVER=postgresql", "SFTPGO_DATA_PROVIDER__HOST=127.0.0.1",
		"SFTPGO_DATA_PROVIDER__PORT="+strconv.Itoa(database.Port), "SFTPGO_DATA_PROVIDER__NAME="+pgtest.Database,
		"SFTPGO_DATA_PROVIDER__USERNAME="+pgtest.User, "SFTPGO_DATA_PROVIDER__PASSWORD="+pgtest.Password,
		"SFTPGO_DATA_PROVIDER__SSLMODE=1", "SFTPGO_DATA_PROVIDER__POOL_SIZE=3", "SFTPGO_DATA_PROVIDER__UPDATE_MODE=1",
	)
	fails := func(what, want string, args ...string) {
		t.Helper()
		err := p.run("", args...)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want an error with %q", what, err, want)
		}
	}
	fails("before initprovider", "sftpgo initprovider", "serve")
	for range 2 {
		if err := p.run("", "initprovider"); err != nil {
			t.Fatal(err)
		}
	}
	p.addUser(t, siegeUser)
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	a, err := newSFTPActor(p.sftp, siegeUser)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	if err := a.put("/file", []byte("content")); err != nil {
		t.Error(err)
	}
	if err := p.run("", "user", "delete", siegeUser); err != nil {
		t.Error(err)
	}
	if !eventually(patience, func() bool { return a.put("/again", nil) != nil }) {
		t.Error("the session goes on although another process has deleted its account")
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
	p.env = append(p.env, "SFTPGO_DATA_PROVIDER__PASSWORD=wrong-secret")
	fails("wrong password", "password authentication failed", "serve")
	database.Down(t)
	fails("no PostgreSQL", "data store unavailable", "serve")
}
