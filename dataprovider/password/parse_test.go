package password

import (
	"testing"
	"time"

	"sftpgo/dataprovider"
)

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$2b$04$abcdefghijklmnopqrstuuoBpIrM0OnplXjsOI8DWYJTHUhJDuUv.",
		"$pbkdf2-b64salt-sha256$1000$AAECAwQFBgcICQoL$1+fMgsCX2PdK/2t6Gy1zWzK6uWacSqiURQXVfeeY/Ew=",
		"$apr1$saltsalt$lmcRj2F1SKs6o4B9yte9F/",
		"$6$rounds=1234$abcdefgh$9IJUDxVavmGZCV5L4x0IRO0xYhy4X00kGTi2fuF6mhnZ.NBLS7Rsm94dhOZcHty9M7BG8Wi3RPPst5wm41yV..",
	} {
		f.Add(s)
	}
	h := NewHasher(dataprovider.Argon2Options{Memory: 64, Iterations: 1, Parallelism: 1})
	// Small enough that what is accepted can be run.
	h.limits = limits{argon2Memory: 1 << 10, argon2Work: 1 << 11, bcryptCost: 4, pbkdf2Work: 2000, shaRounds: 2000}
	f.Fuzz(func(t *testing.T, stored string) {
		c, err := h.parse(stored)
		if err != nil {
			return
		}
		if hashed, err := h.IsHash(stored); !hashed || err != nil {
			t.Errorf("can be verified and is no hash: %v", err)
		}
		if c.match("not the password") {
			t.Error("matches")
		}
	})
}

// A wrong password of an account with an old, fast hash must not be told from an
// unknown account by the time.
func TestFastHashesCostMoreWhenDenied(t *testing.T) {
	h := NewHasher(dataprovider.Argon2Options{Memory: 32 << 10, Iterations: 2, Parallelism: 1})
	for _, stored := range []string{
		"$1$saltsalt$5lF22gyv5RCQWSRkctJIT0",
		"$6$saltsalt$osX/3U830g/zrFjlLO4TCL7anTNnqPEtGZkQlCTVqQ4pIrvUWJgcB5qXW3Wio7X4AzYGVHZaxr6U8FI7Xf77C/",
		"$5$broken",
		"$2b$04$abcdefghijklmnopqrstuuoBpIrM0OnplXjsOI8DWYJTHUhJDuUv.",
		"$pbkdf2-sha256$1000$salt$1+fMgsCX2PdK/2t6Gy1zWzK6uWacSqiURQXVfeeY/Ew=",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
	} {
		// Others use the machine as well: one pair that was not disturbed is enough, and
		// a hash that costs nothing never has one.
		var took, dummy time.Duration
		for range 20 {
			dummy = timeOf(func() { h.dummy("wrong") })
			took = timeOf(func() {
				if ok, _ := h.Verify(t.Context(), stored, "wrong"); ok {
					t.Error("verified")
				}
			})
			if took >= dummy/4 {
				break
			}
		}
		if took < dummy/4 {
			t.Errorf("%s is denied in %v, a dummy takes %v", stored, took, dummy)
		}
	}
}

func timeOf(do func()) time.Duration {
	start := time.Now()
	do()
	return time.Since(start)
}
