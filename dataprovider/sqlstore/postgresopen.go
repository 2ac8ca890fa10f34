package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// Postgres says which PostgreSQL database to open, and how.
type Postgres struct {
	// Host is a name, an address or the directory of a socket; empty is what libpq
	// makes of that.
	Host     string
	Port     int // 0 is 5432
	Database string
	Username string
	Password string
	SSLMode  SSLMode
	// ConnectionString takes the place of all above: a URL, or keywords and values
	// as libpq has them.
	ConnectionString string
	// Connections bounds those of this process: at least three, and 0 is what the
	// machine has use for. One writes, and one of a server shows that it lives.
	Connections int
	// Server makes the process one of the servers that share the database, each of
	// which takes care of what those leave that have gone. Others only read and write.
	Server bool
	// UpdateMode is that of data_provider: 0 creates and migrates, 1 refuses a
	// store that is not up to date.
	UpdateMode int
	// Now is the clock; nil means that of the database.
	Now func() time.Time
}

// SSLMode says how far TLS is to be trusted; its values are those of
// data_provider.sslmode.
type SSLMode int

// The modes.
const (
	SSLDisable    SSLMode = iota
	SSLRequire            // encrypted, to whoever answers
	SSLVerifyCA           // the certificate is from an authority that is trusted
	SSLVerifyFull         // and has the name of the host
)

func (m SSLMode) String() string {
	return [...]string{"disable", "require", "verify-ca", "verify-full"}[m]
}

// The parameters of our connections: no lock is held by who has gone, and nobody
// waits for ever.
const (
	connectTimeout      = 5 * time.Second
	lockTimeout         = 10 * time.Second
	statementTimeout    = 25 * time.Second
	idleTransactionTime = 6 * time.Second // less than others wait for the lock of who was frozen
)

// OpenPostgres opens a PostgreSQL database, and creates or migrates its tables if
// cfg says so. They are in the schema that is first in the search path. One clear
// error tells what is in the way (dataprovider.ErrUnavailable if that may pass).
// Any number of processes may have it open. The caller closes the store.
func OpenPostgres(ctx context.Context, cfg Postgres) (*Store, error) {
	c, err := cfg.connection()
	if err != nil {
		return nil, fmt.Errorf("open database: %w", line{err})
	}
	s, err := openPostgres(ctx, cfg, c)
	if err != nil {
		where := fmt.Sprintf("%s on %s", c.Database, net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port))))
		return nil, fmt.Errorf("open database %s: %w", where, line{err})
	}
	return s, nil
}

func openPostgres(ctx context.Context, cfg Postgres, c *pgx.ConnConfig) (_ *Store, err error) {
	whole := ctx
	ctx, cancel := bounded(ctx)
	defer cancel()
	w, r := stdlib.OpenDB(*c), stdlib.OpenDB(*c)
	defer func() {
		if err != nil {
			_, _ = w.Close(), r.Close() // the reason is err
		}
	}()
	w.SetMaxOpenConns(2) // the second is for the lock of a migration
	w.SetMaxIdleConns(1)
	readers := max(1, cfg.Connections-2)
	if cfg.Connections <= 0 {
		readers = max(8, 2*runtime.GOMAXPROCS(0))
	}
	r.SetMaxOpenConns(readers)
	r.SetMaxIdleConns(readers)
	r.SetConnMaxIdleTime(5 * time.Minute)

	locks, err := postgresSchema(ctx, r)
	if err != nil {
		return nil, err
	}
	s := &Store{dialect: postgresDialect(locks), now: cfg.Now}
	if cfg.Now == nil {
		s.now = s.sharedTime
	}
	if err := s.dialect.prepare(ctx, r, w, cfg.UpdateMode, postgresMigrating(w, locks)); err != nil {
		return nil, postgresClassify(err)
	}
	s.reader = newReader(r, s.dialect)
	s.writer = newWriter(w, s.dialect)
	s.users = userTable(s)
	if cfg.Server {
		db := stdlib.OpenDB(*c)
		db.SetMaxOpenConns(1)
		db.SetMaxIdleConns(-1) // its locks end with a connection
		if s.node, err = joinNodes(ctx, s, db, locks); err != nil {
			s.writer.close()
			return nil, errors.Join(postgresClassify(err), db.Close())
		}
		if err := s.node.waitForGone(whole); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// sharedTime is the clock of the database, so that the leases of all processes end
// by one.
func (s *Store) sharedTime() time.Time {
	now := time.Now()
	if s.node == nil {
		return now
	}
	return now.Add(time.Duration(s.node.skew.Load()) * time.Microsecond)
}

// postgresSchema looks at what is behind the connection.
func postgresSchema(ctx context.Context, db *sql.DB) (lockSpace, error) {
	var schema sql.NullString
	var encoding, version string
	const query = "SELECT current_schema(), current_setting('server_encoding'), current_setting('server_version_num')"
	err := db.QueryRowContext(ctx, query).Scan(&schema, &encoding, &version)
	switch number, _ := strconv.Atoi(version); {
	case err != nil && ctx.Err() != nil:
		return 0, ended(ctx)
	case err != nil:
		return 0, postgresClassify(err)
	case !schema.Valid:
		return 0, errors.New("the schema of its search path does not exist, or may not be used")
	case encoding != "UTF8":
		return 0, fmt.Errorf("its encoding is %s, not UTF8", encoding)
	case number < 120000:
		return 0, fmt.Errorf("it is PostgreSQL %d, and 12 is the oldest that will do", number/10000)
	}
	return newLockSpace(schema.String), nil
}

// connection is what the settings mean to the driver. Errors do not have the
// password.
func (p Postgres) connection() (*pgx.ConnConfig, error) {
	text := p.ConnectionString
	if text == "" {
		if p.SSLMode < SSLDisable || p.SSLMode > SSLVerifyFull {
			return nil, fmt.Errorf("sslmode %d is not 0 to 3", p.SSLMode)
		}
		text = keywords("host", p.Host, "dbname", p.Database, "user", p.Username, "password", p.Password, "sslmode", p.SSLMode.String())
		if p.Port != 0 {
			text += " port=" + strconv.Itoa(p.Port)
		}
	}
	c, err := pgx.ParseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("connection: %w", err)
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTimeout
	}
	for key, value := range map[string]string{
		"application_name":                    "sftpgo",
		"lock_timeout":                        milliseconds(lockTimeout),
		"statement_timeout":                   milliseconds(statementTimeout),
		"idle_in_transaction_session_timeout": milliseconds(idleTransactionTime),
		"tcp_keepalives_idle":                 "15",
		"tcp_keepalives_interval":             "5",
		"tcp_keepalives_count":                "3",
		"tcp_user_timeout":                    milliseconds(postgresLimit),
		"client_min_messages":                 "warning",
	} {
		if _, set := c.RuntimeParams[key]; !set {
			c.RuntimeParams[key] = value
		}
	}
	return c, nil
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// keywords writes pairs as libpq reads them; what is empty is left out.
func keywords(pairs ...string) string {
	quote := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(&b, "%s='%s' ", pairs[i], quote.Replace(pairs[i+1]))
		}
	}
	return b.String()
}
