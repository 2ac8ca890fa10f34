package password

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"sftpgo/dataprovider"
)

// With all slots taken a caller waits, until one is free or its ctx ends.
func TestSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHasher(dataprovider.Argon2Options{Memory: 64, Iterations: 1, Parallelism: 1})
		var release []func()
		for range runtime.GOMAXPROCS(0) {
			r, err := h.acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			release = append(release, r)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := h.Hash(ctx, "x"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Hash with no free slot: %v", err)
		}
		done := make(chan error)
		go func() {
			_, err := h.Hash(t.Context(), "x")
			done <- err
		}()
		synctest.Wait()
		select {
		case <-done:
			t.Error("Hash ran without a slot")
		default:
		}
		release[0]()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
