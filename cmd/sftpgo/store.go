package main

import (
	"context"
	"fmt"

	"sftpgo/actions/outbox"
	"sftpgo/actions/useraction"
	"sftpgo/config"
	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
	"sftpgo/dataprovider/sqlstore"
)

// storeUse says who opens a store.
type storeUse int

const (
	shared    storeUse = iota // a command, which works beside a server
	exclusive                 // a server: of a database file there is one
)

// openStore opens the data store. A memory store is empty: what fills it is the
// business of the server.
func openStore(ctx context.Context, cfg config.Config, use storeUse) (dataprovider.Store, error) {
	p := cfg.DataProvider
	switch p.Driver {
	case dataprovider.DriverSQLite:
		return sqlstore.Open(ctx, sqlstore.Config{Path: p.Name, UpdateMode: p.UpdateMode, Exclusive: use == exclusive})
	case dataprovider.DriverPostgres:
		return sqlstore.OpenPostgres(ctx, sqlstore.Postgres{
			Host: p.Host, Port: p.Port, Database: p.Name, Username: p.Username, Password: p.Password,
			SSLMode: sqlstore.SSLMode(p.SSLMode), ConnectionString: p.ConnectionString, Connections: p.PoolSize,
			UpdateMode: p.UpdateMode, Server: use == exclusive,
		})
	case dataprovider.DriverMemory:
		return memstore.New(memstore.Config{}), nil
	default:
		return nil, fmt.Errorf("data_provider.driver: %q is not available", p.Driver)
	}
}

// open is the storeOpener of commands with these flags.
func (c *configFlags) open(ctx context.Context) (dataprovider.Store, dataprovider.Config, error) {
	cfg, _, err := c.load()
	if err != nil {
		return nil, dataprovider.Config{}, err
	}
	store, err := openStore(ctx, cfg, shared)
	if err == nil {
		store = recordUsers(store, cfg)
	}
	return store, cfg.DataProvider.Config, err
}

// recordUsers makes a store of which data_provider.actions hears what is done to
// accounts: from a server that runs, or from the next one.
func recordUsers(store dataprovider.Store, cfg config.Config) dataprovider.Store {
	return useraction.Record(store, outbox.UsersTarget, cfg.DataProvider.Actions.Kinds())
}

var _ storeOpener = (*configFlags)(nil).open
