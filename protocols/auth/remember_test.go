package auth_test

import (
	"testing"
	"testing/synctest"
	"time"

	"sftpgo/dataprovider"
)

func TestVerifiedPasswordIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.put(t, "alice", nil)
		want := 1
		for range 2 {
			for range 3 { // use does not prolong
				work := f.work(func() {
					if _, err := f.password(t, "alice", "right"); err != nil {
						t.Error(err)
					}
				})
				if work != want {
					t.Errorf("%d hashes, want %d", work, want)
				}
				want = 0
				time.Sleep(100 * time.Second)
			}
			want = 1
		}
	})
}

func TestLastLoginIsWrittenSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.put(t, "alice", nil)
		f.put(t, "bob", func(u *dataprovider.User) { u.Password = "right" })
		for range 7 { // at 0, 6, 12 ... 36 minutes, remembered for 5
			for _, user := range []string{"alice", "bob"} {
				if _, err := f.password(t, user, "right"); err != nil {
					t.Error(err)
				}
			}
			time.Sleep(6 * time.Minute)
		}
		if n := len(f.store.logins); n != 2*4 { // at 0, 12, 24 and 36 minutes
			t.Errorf("%d writes: %q", n, f.store.logins)
		}
	})
}

func TestExpiryWithoutChangeOfRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.put(t, "alice", func(u *dataprovider.User) { u.ExpirationDate = time.Now().Add(time.Minute).UnixMilli() })
		if _, err := f.password(t, "alice", "right"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		id, err := f.password(t, "alice", "right")
		wantRejected(t, id, err, "expired")
	})
}
