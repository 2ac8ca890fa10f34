package dataprovider

import (
	"errors"
	"fmt"
	"slices"
)

// Config is the "data_provider" section.
type Config struct {
	// Driver is "sqlite", "postgresql", which several servers share, or "memory".
	Driver string `json:"driver"`
	// Name is the database file of sqlite, relative to the configuration
	// directory, the database of postgresql, or a dump that the memory driver loads
	// at start and on SIGHUP.
	Name string `json:"name"`
	// Host of postgresql: a name, an address, or the directory of a socket.
	Host string `json:"host"`
	// Port of postgresql; 0 is 5432.
	Port int `json:"port"`
	// Username at postgresql.
	Username string `json:"username"`
	// Password at postgresql; best in the environment variable
	// SFTPGO_DATA_PROVIDER__PASSWORD, which hooks do not inherit.
	Password string `json:"password"`
	// SSLMode of postgresql: 0 no TLS, 1 TLS with whoever answers, 2 with a certificate
	// of a trusted authority, 3 and for that host. The authorities are those of the
	// system, or sslrootcert in connection_string.
	SSLMode int `json:"sslmode"`
	// ConnectionString takes the place of the keys above for postgresql: a URL, or the
	// keywords of libpq. search_path names a schema other than public.
	ConnectionString string `json:"connection_string"`
	// PoolSize bounds the connections of this process to postgresql, at least 3; 0 is
	// twice the processors, at least 8, and 2 more.
	PoolSize int `json:"pool_size"`
	// TrackQuota: 0 counts nothing and enforces no quota, 1 counts for all users,
	// 2 counts only for users with a limit.
	TrackQuota int `json:"track_quota"`
	// UsersBaseDir holds the homes of users that are added without one.
	UsersBaseDir string `json:"users_base_dir"`
	// PasswordHashing says how new passwords are hashed.
	PasswordHashing PasswordHashing `json:"password_hashing"`
	// UpdateMode: 0 creates and migrates the store at start, 1 leaves that to
	// `sftpgo initprovider`.
	UpdateMode int `json:"update_mode"`
}

// PasswordHashing says how new passwords are hashed.
type PasswordHashing struct {
	Argon2Options Argon2Options `json:"argon2_options"`
}

// Argon2Options are the costs of argon2id.
type Argon2Options struct {
	Memory      uint32 `json:"memory"` // KiB
	Iterations  uint32 `json:"iterations"`
	Parallelism uint8  `json:"parallelism"`
}

// The drivers.
const (
	DriverSQLite   = "sqlite"
	DriverPostgres = "postgresql"
	DriverMemory   = "memory"
)

// DefaultConfig returns the built-in values.
func DefaultConfig() Config {
	return Config{
		Driver:     DriverSQLite,
		Name:       "sftpgo.db",
		TrackQuota: 2,
		PasswordHashing: PasswordHashing{
			Argon2Options: Argon2Options{Memory: 65536, Iterations: 1, Parallelism: 2},
		},
	}
}

// Validate returns all faults.
func (c Config) Validate() error {
	var errs []error
	if !slices.Contains([]string{DriverSQLite, DriverPostgres, DriverMemory}, c.Driver) {
		hint := "use sqlite, postgresql or memory"
		if slices.Contains([]string{"mysql", "bolt"}, c.Driver) {
			hint = "not available in this version; " + hint
		}
		errs = append(errs, fmt.Errorf("driver: %q: %s", c.Driver, hint))
	}
	if c.Driver == DriverPostgres {
		errs = append(errs, c.validatePostgres())
	} else if c.ConnectionString != "" {
		errs = append(errs, fmt.Errorf("connection_string: only postgresql has one; driver is %q", c.Driver))
	}
	if c.Driver == DriverSQLite && c.Name == "" {
		errs = append(errs, errors.New("name: sqlite needs a database file"))
	}
	if c.TrackQuota < 0 || c.TrackQuota > 2 {
		errs = append(errs, fmt.Errorf("track_quota: %d is not 0, 1 or 2", c.TrackQuota))
	}
	if c.UpdateMode < 0 || c.UpdateMode > 1 {
		errs = append(errs, fmt.Errorf("update_mode: %d is not 0 or 1", c.UpdateMode))
	}
	a := c.PasswordHashing.Argon2Options
	if a.Memory < 8*uint32(a.Parallelism) || a.Iterations < 1 || a.Parallelism < 1 {
		errs = append(errs, fmt.Errorf("password_hashing.argon2_options: memory %d KiB, iterations %d, parallelism %d: "+
			"all at least 1 and memory at least 8 KiB per thread", a.Memory, a.Iterations, a.Parallelism))
	}
	return errors.Join(errs...)
}

func (c Config) validatePostgres() error {
	var errs []error
	if c.ConnectionString == "" && c.Name == "" {
		errs = append(errs, errors.New("name: postgresql needs the name of a database"))
	}
	if c.ConnectionString == "" && (c.Name == "sftpgo.db") {
		errs = append(errs, fmt.Errorf("name: %q is a file of sqlite; postgresql needs the name of a database", c.Name))
	}
	if c.Port < 0 || c.Port > 65535 {
		errs = append(errs, fmt.Errorf("port: %d is not a port", c.Port))
	}
	if c.SSLMode < 0 || c.SSLMode > 3 {
		errs = append(errs, fmt.Errorf("sslmode: %d is not 0, 1, 2 or 3", c.SSLMode))
	}
	if c.PoolSize < 0 {
		errs = append(errs, fmt.Errorf("pool_size: %d is negative", c.PoolSize))
	}
	return errors.Join(errs...)
}
