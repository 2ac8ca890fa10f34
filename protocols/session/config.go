package session

import (
	"errors"
	"fmt"
)

// Config is the part of the "common" section that rules sessions.
type Config struct {
	// IdleTimeout, in minutes, disconnects clients that do nothing; 0 is never.
	// A transfer that moves bytes is never idle.
	IdleTimeout int `json:"idle_timeout"`
	// UploadMode: 0 writes in place; 1 writes beside the target and renames when
	// complete, a failed upload leaves nothing; 2 is as 1, but what arrived of a
	// failed upload is kept under the final name, so that it can be resumed.
	UploadMode int `json:"upload_mode"`
	// SetstatMode: 0 applies chmod, chown and chtimes; 1 accepts and ignores
	// them; 2 ignores them on storage other than local and SFTP.
	SetstatMode int `json:"setstat_mode"`
	// MaxTotalConnections caps the sessions of all protocols; 0 is no limit.
	MaxTotalConnections int `json:"max_total_connections"`
}

// DefaultConfig returns the built-in values.
func DefaultConfig() Config { return Config{IdleTimeout: 15} }

// Validate returns all faults.
func (c Config) Validate() error {
	var errs []error
	if c.IdleTimeout < 0 {
		errs = append(errs, fmt.Errorf("idle_timeout: %d is negative; use 0 for never", c.IdleTimeout))
	}
	if c.UploadMode < 0 || c.UploadMode > 2 {
		errs = append(errs, fmt.Errorf("upload_mode: %d is not 0 (in place), 1 (atomic) or 2 (atomic, partial files kept)", c.UploadMode))
	}
	if c.SetstatMode < 0 || c.SetstatMode > 2 {
		errs = append(errs, fmt.Errorf("setstat_mode: %d is not 0, 1 or 2", c.SetstatMode))
	}
	if c.MaxTotalConnections < 0 {
		errs = append(errs, fmt.Errorf("max_total_connections: %d is negative; use 0 for no limit", c.MaxTotalConnections))
	}
	return errors.Join(errs...)
}
