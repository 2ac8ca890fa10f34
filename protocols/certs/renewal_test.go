package certs

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A certificate of our own is replaced before it expires.
func TestRenewal(t *testing.T) {
	for age, made := range map[time.Duration]bool{0: false, validity - renewal - time.Hour: false, validity - renewal + time.Hour: true, 2 * validity: true} {
		file := filepath.Join(t.TempDir(), "own.pem")
		data, err := makeSelfSigned(time.Now().Add(-age))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := loadSelfSigned(file)
		if err != nil || s.Made != made {
			t.Errorf("after %v: made %v, %v", age, s.Made, err)
		}
	}
}
