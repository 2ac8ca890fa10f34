package dataprovider

import (
	"errors"
	"fmt"
	"slices"
)

// Config is the "data_provider" section.
type Config struct {
	// Driver is "sqlite" or "memory".
	Driver string `json:"driver"`
	// Name is the database file of sqlite, relative to the configuration
	// directory, or a dump that the memory driver loads at start and on SIGHUP.
	Name string `json:"name"`
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
	DriverSQLite = "sqlite"
	DriverMemory = "memory"
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
	if !slices.Contains([]string{DriverSQLite, DriverMemory}, c.Driver) {
		hint := "use sqlite or memory"
		if slices.Contains([]string{"mysql", "postgresql", "bolt"}, c.Driver) {
			hint = "not available in this version; use sqlite or memory"
		}
		errs = append(errs, fmt.Errorf("driver: %q: %s", c.Driver, hint))
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
