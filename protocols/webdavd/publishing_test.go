package webdavd

import (
	"testing"
	"testing/synctest"

	"sftpgo/dataprovider"
)

// A lock is not told to anybody while an upload that may not have seen it ends.
func TestLockWaitsForPublishing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		locks, _ := newLocks()
		first, second := locks.publishing.enter("/d/f"), locks.publishing.enter("/d/f")
		other := locks.publishing.enter("/other")
		defer other()
		granted := false
		go func() {
			if _, err := locks.acquire(t.Context(), dataprovider.Lock{Path: "/d", Deep: true, Holder: "u"}, maxLockTime); err != nil {
				t.Error(err)
			}
			granted = true
		}()
		synctest.Wait()
		if len(locks.covering("/d/f")) == 0 {
			t.Error("the lock is not seen")
		}
		first()
		synctest.Wait()
		if granted {
			t.Error("the lock does not wait")
		}
		second()
		synctest.Wait()
		if !granted {
			t.Error("the lock waits for ever")
		}
		if len(locks.publishing.paths) != 1 {
			t.Errorf("left: %v", locks.publishing.paths)
		}
	})
}
