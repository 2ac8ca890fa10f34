//go:build unix

package sqlstore_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/pgtest"
	"sftpgo/dataprovider/sqlstore"
)

// The settings of the configuration lead to the database, with a password that
// needs quotes. What is in the way is one line without it.
func TestOpenPostgres(t *testing.T) {
	server := pgtest.Start(t)
	good := sqlstore.Postgres{
		Host: "127.0.0.1", Port: server.Port, Database: pgtest.Database, Username: pgtest.User, Password: pgtest.Password,
	}
	openPostgres(t, good)
	newer, foreign, empty := server.Schema(t), server.Schema(t), server.Schema(t)
	openPostgres(t, sqlstore.Postgres{ConnectionString: newer})
	server.Exec(t, newer, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, true)")
	server.Exec(t, foreign, "CREATE TABLE users (id integer)")
	tests := map[string]struct {
		change  func(c *sqlstore.Postgres)
		want    string
		mayPass bool
	}{
		"password":  {func(c *sqlstore.Postgres) { c.Password = "wrong-secret" }, "password authentication failed", false},
		"database":  {func(c *sqlstore.Postgres) { c.Database = "missing" }, `database "missing" does not exist`, false},
		"port":      {func(c *sqlstore.Postgres) { c.Port = 1 }, "connection refused", true},
		"host":      {func(c *sqlstore.Postgres) { c.Host = "host.invalid" }, "host.invalid", true},
		"authority": {func(c *sqlstore.Postgres) { c.SSLMode = sqlstore.SSLVerifyCA }, "unknown authority", true},
		"mode":      {func(c *sqlstore.Postgres) { c.SSLMode = 7 }, "sslmode 7", false},
		"string":    {func(c *sqlstore.Postgres) { c.ConnectionString = "host=x password=wrong-secret port=many" }, "port", false},
		"newer":     {func(c *sqlstore.Postgres) { c.ConnectionString = newer }, "newer version of sftpgo (schema 999", false},
		"foreign":   {func(c *sqlstore.Postgres) { c.ConnectionString = foreign }, "of another program", false},
		"schema": {func(c *sqlstore.Postgres) {
			c.ConnectionString = server.URL(pgtest.Database, map[string]string{"search_path": "missing"})
		}, "search path", false},
		"not to be migrated": {func(c *sqlstore.Postgres) { c.ConnectionString, c.UpdateMode = empty, 1 }, "sftpgo initprovider", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := good
			tt.change(&cfg)
			s, err := sqlstore.OpenPostgres(t.Context(), cfg)
			if err == nil {
				t.Fatal("opened", s.Close())
			}
			text := err.Error()
			if !strings.Contains(text, tt.want) || strings.Contains(text, "\n") || strings.Contains(text, "secret") {
				t.Errorf("%q, want one line with %q and no password", text, tt.want)
			}
			if got := errors.Is(err, dataprovider.ErrUnavailable); got != tt.mayPass {
				t.Errorf("%q: may pass: %v, want %v", text, got, tt.mayPass)
			}
		})
	}
}

// Processes that start at the same time do not migrate at the same time.
func TestPostgresMigratedOnce(t *testing.T) {
	server := pgtest.Start(t)
	url := server.Schema(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			s, err := sqlstore.OpenPostgres(t.Context(), sqlstore.Postgres{ConnectionString: url})
			if err == nil {
				err = errors.Join(s.Ping(t.Context()), s.Close())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	openPostgres(t, sqlstore.Postgres{ConnectionString: url, UpdateMode: 1})
}

// Each mode of TLS is that of libpq.
func TestPostgresTLS(t *testing.T) {
	server := pgtest.Start(t)
	clear := pgtest.Start(t, "ssl=off")
	for _, tt := range []struct {
		name      string
		server    *pgtest.Server
		host      string
		mode      sqlstore.SSLMode
		authority string
		encrypted bool
		fault     string
	}{
		{"disable", server, "127.0.0.1", sqlstore.SSLDisable, "", false, ""},
		{"require", server, "127.0.0.1", sqlstore.SSLRequire, "", true, ""},
		{"require of who has none", clear, "127.0.0.1", sqlstore.SSLRequire, "", false, "TLS"},
		{"authority", server, "127.0.0.1", sqlstore.SSLVerifyCA, server.Authority(), true, ""},
		{"other authority", server, "127.0.0.1", sqlstore.SSLVerifyCA, clear.Authority(), false, "certificate"},
		{"name", server, "localhost", sqlstore.SSLVerifyFull, server.Authority(), true, ""},
		{"other name", server, "127.0.0.1", sqlstore.SSLVerifyFull, server.Authority(), false, "certificate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("PGSSLROOTCERT", tt.authority)
			s, err := sqlstore.OpenPostgres(t.Context(), sqlstore.Postgres{
				Host: tt.host, Port: tt.server.Port, Database: pgtest.Database, Username: pgtest.User, Password: pgtest.Password, SSLMode: tt.mode,
			})
			if tt.fault != "" {
				if err == nil {
					t.Fatal("opened", s.Close())
				}
				if !strings.Contains(err.Error(), tt.fault) {
					t.Errorf("%v, want %q", err, tt.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var encrypted bool
			query := "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'sftpgo'"
			tt.server.Query(t, tt.server.URL(pgtest.Database, nil), query, &encrypted)
			if encrypted != tt.encrypted {
				t.Errorf("encrypted: %v", encrypted)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
