package main

import (
	"context"
	"database/sql"
	"errors"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdDatabase is another process that works on the data store of the server:
//
//	database exclusive	nobody else can use it
//	database write	nobody else can change it
//	database unlock	both end
func cmdDatabase(ts *testscript.TestScript, neg bool, args []string) {
	r := rigOf(ts)
	if len(args) != 1 {
		ts.Fatalf("usage: database exclusive|write|unlock")
	}
	switch args[0] {
	case "exclusive":
		ts.Check(r.lockDatabase(ts.MkAbs("conf/sftpgo.db"), "PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE"))
	case "write":
		ts.Check(r.lockDatabase(ts.MkAbs("conf/sftpgo.db"), "BEGIN IMMEDIATE"))
	case "unlock":
		ts.Check(r.unlockDatabase())
	default:
		ts.Fatalf("unknown lock %q", args[0])
	}
}

// lockDatabase holds what the statements take until unlockDatabase.
func (r *rig) lockDatabase(path string, statements ...string) error {
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	r.database = db
	r.env.Defer(func() { _ = r.unlockDatabase() }) // the script may have done it
	conn, err := db.Conn(context.Background())
	if err != nil {
		return err
	}
	for _, s := range statements {
		if _, err := conn.ExecContext(context.Background(), s); err != nil {
			return err
		}
	}
	r.lock = conn
	return nil
}

func (r *rig) unlockDatabase() error {
	if r.database == nil {
		return nil
	}
	var err error
	if r.lock != nil {
		_, err = r.lock.ExecContext(context.Background(), "ROLLBACK")
		err = errors.Join(err, r.lock.Close())
	}
	err = errors.Join(err, r.database.Close())
	r.database, r.lock = nil, nil
	return err
}
