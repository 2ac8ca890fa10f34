package password_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/password"
)

var cheap = dataprovider.Argon2Options{Memory: 64, Iterations: 1, Parallelism: 1}

// vectors come from openssl passwd, crypt(3) of Debian, hashlib of Python and
// the test file of the argon2 reference implementation.
var vectors = []struct{ name, hash, plain string }{
	{"argon2id reference", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "password"},
	{"argon2id reference 64 MiB", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password"},
	{"bcrypt a", "$2a$04$abcdefghijklmnopqrstuuoBpIrM0OnplXjsOI8DWYJTHUhJDuUv.", "s3cret pass"},
	{"bcrypt b", "$2b$04$abcdefghijklmnopqrstuuoBpIrM0OnplXjsOI8DWYJTHUhJDuUv.", "s3cret pass"},
	{"bcrypt y", "$2y$04$abcdefghijklmnopqrstuuoBpIrM0OnplXjsOI8DWYJTHUhJDuUv.", "s3cret pass"},
	{"pbkdf2 sha1", "$pbkdf2-sha1$1000$some.salt$M3Zp7vESD0thJOEfh+FYq32fTMI=", "s3cret pass"},
	{"pbkdf2 sha256", "$pbkdf2-sha256$1000$some.salt$TU4lKJwCAKpXJUb1NVSmWH/j3ZDLFgtcDEikzSVvoHs=", "s3cret pass"},
	{"pbkdf2 sha512", "$pbkdf2-sha512$1000$some.salt$uiSd+DchZ332C0l2RBuEc/3OFJPzgrCoDMIAHyEx/uGt9SsrXasbdmnF1sefvVrUnoO5fBjWISP9C6Az/OWCgA==", "s3cret pass"},
	{"pbkdf2 base64 salt", "$pbkdf2-b64salt-sha256$1000$AAECAwQFBgcICQoL$1+fMgsCX2PdK/2t6Gy1zWzK6uWacSqiURQXVfeeY/Ew=", "s3cret pass"},
	{"md5-crypt openssl", "$1$saltsalt$5lF22gyv5RCQWSRkctJIT0", "s3cret pass"},
	{"md5-crypt libcrypt", "$1$abcdefgh$yUi22Wh0AmKpErdRTSZwv1", "s3cret pass"},
	{"md5-crypt long", "$1$abcdefgh$hrDbr1kiyfxniRQePyjXx1", strings.Repeat("p", 100)},
	{"apr1 openssl", "$apr1$saltsalt$lmcRj2F1SKs6o4B9yte9F/", "s3cret pass"},
	{"apr1 long", "$apr1$abcdefgh$1OENX1ecVvWqwlsTs.yET/", strings.Repeat("p", 100)},
	{"sha256-crypt openssl", "$5$saltsalt$PSOaQ1.uAjoqVUkrZPH7nqXa/TZbB4/.vAbfkDlIjN2", "s3cret pass"},
	{"sha512-crypt openssl", "$6$saltsalt$osX/3U830g/zrFjlLO4TCL7anTNnqPEtGZkQlCTVqQ4pIrvUWJgcB5qXW3Wio7X4AzYGVHZaxr6U8FI7Xf77C/", "s3cret pass"},
	{"sha512-crypt rounds", "$6$rounds=1234$abcdefgh$9IJUDxVavmGZCV5L4x0IRO0xYhy4X00kGTi2fuF6mhnZ.NBLS7Rsm94dhOZcHty9M7BG8Wi3RPPst5wm41yV..", "s3cret pass"},
	{"sha512-crypt long", "$6$abcdefgh$kpTLTt/vdfwQAAW51hVcdXw8nIOfbLIwdWN/FhBOXAzMRLsxtw20rZc6eI..ngQem.nNTtMks9wxwrLOEyWcR0", strings.Repeat("p", 100)},
}

func TestVerifyVectors(t *testing.T) {
	h := password.NewHasher(cheap)
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			if hashed, err := h.IsHash(v.hash); !hashed || err != nil {
				t.Errorf("IsHash = %v, %v", hashed, err)
			}
			for plain, want := range map[string]bool{v.plain: true, v.plain + "x": false, v.plain[1:]: false, "": false} {
				ok, err := h.Verify(t.Context(), v.hash, plain)
				if err != nil || ok != want {
					t.Errorf("Verify(%q) = %v, %v; want %v", plain, ok, err, want)
				}
			}
		})
	}
}

func TestHashRoundTrip(t *testing.T) {
	h := password.NewHasher(dataprovider.Argon2Options{Memory: 128, Iterations: 2, Parallelism: 3})
	a, err := h.Hash(t.Context(), "pâss wörd")
	if err != nil {
		t.Fatal(err)
	}
	b, err := h.Hash(t.Context(), "pâss wörd")
	if err != nil {
		t.Fatal(err)
	}
	if a == b {
		t.Error("two hashes share a salt")
	}
	if want := "$argon2id$v=19$m=128,t=2,p=3$"; !strings.HasPrefix(a, want) {
		t.Errorf("hash %q does not begin with %q", a, want)
	}
	// Another process with other options verifies it as well.
	other := password.NewHasher(cheap)
	if ok, err := other.Verify(t.Context(), a, "pâss wörd"); !ok || err != nil {
		t.Errorf("Verify = %v, %v", ok, err)
	}
	if ok, err := other.Verify(t.Context(), a, "pass word"); ok || err != nil {
		t.Errorf("Verify of another password = %v, %v", ok, err)
	}
}

func TestHashRefuses(t *testing.T) {
	h := password.NewHasher(cheap)
	for name, plain := range map[string]string{"empty": "", "too long": strings.Repeat("a", password.MaxLength+1)} {
		if _, err := h.Hash(t.Context(), plain); !errors.Is(err, dataprovider.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	longest := strings.Repeat("a", password.MaxLength)
	stored, err := h.Hash(t.Context(), longest)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := h.Verify(t.Context(), stored, longest); !ok || err != nil {
		t.Errorf("longest password: %v, %v", ok, err)
	}
	if ok, err := h.Verify(t.Context(), stored, longest+"a"); ok || err == nil {
		t.Errorf("overlong password: %v, %v", ok, err)
	}
}

func TestVerifyBadRecords(t *testing.T) {
	h := password.NewHasher(cheap)
	for _, stored := range []string{
		"", "plain", "$", "$y$j9T$abc$def", "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu",
		"$argon2id$", "$argon2id$v=18$m=64,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=64,t=0,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=64,t=1,p=0$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=64,t=1,p=1,x=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$", "$argon2id$v=19$m=64,t=1,p=1$!$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu",
		"$2a$", "$2a$04$short", "$2x$04$abcdefghijklmnopqrstuuoBpIrM0OnplXjsOI8DWYJTHUhJDuUv.",
		"$pbkdf2-sha256$1000$salt", "$pbkdf2-sha256$x$salt$TU4lKJwCAKpXJUb1NVSmWA", "$pbkdf2-sha256$0$salt$TU4lKJwCAKpXJUb1NVSmWA",
		"$pbkdf2-sha256$10$salt$", "$pbkdf2-b64salt-sha256$10$!!$TU4lKJwCAKpXJUb1NVSmWA",
		"$1$salt", "$1$salt$short", "$apr1$saltsaltsalt$lmcRj2F1SKs6o4B9yte9F/",
		"$6$", "$6$salt$", "$6$rounds=x$salt$" + strings.Repeat("a", 86), "$6$rounds=10$salt$" + strings.Repeat("a", 86),
		"$6$" + strings.Repeat("s", 17) + "$" + strings.Repeat("a", 86), "$5$salt$" + strings.Repeat("a", 86),
	} {
		for _, plain := range []string{"password", ""} {
			if ok, err := h.Verify(t.Context(), stored, plain); ok || err == nil {
				t.Errorf("Verify(%q, %q) = %v, %v; want false and an error", stored, plain, ok, err)
			}
		}
	}
}

// A record must not be able to eat the machine; each of these would take
// gigabytes, or hours.
func TestVerifyHostileCosts(t *testing.T) {
	h := password.NewHasher(cheap)
	for _, stored := range []string{
		"$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=65536,t=4294967295,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$2a$31$abcdefghijklmnopqrstuuoBpIrM0OnplXjsOI8DWYJTHUhJDuUv.",
		"$pbkdf2-sha1$2147483647$some.salt$M3Zp7vESD0thJOEfh+FYq32fTMI=",
		"$6$rounds=999999999$abcdefgh$" + strings.Repeat("a", 86),
	} {
		start := time.Now()
		ok, err := h.Verify(t.Context(), stored, "password")
		if ok || err == nil || !strings.Contains(err.Error(), "costs beyond the limits") {
			t.Errorf("Verify(%q) = %v, %v", stored, ok, err)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("Verify(%q) took %v", stored, d)
		}
	}
}

func TestIsHash(t *testing.T) {
	h := password.NewHasher(cheap)
	for _, plain := range []string{"", "secret", "$", "$$", "$5", "5$6$", "pa$$word$", "$ecret word$", "{SSHA}abc"} {
		if hashed, err := h.IsHash(plain); hashed || err != nil {
			t.Errorf("IsHash(%q) = %v, %v; want plain", plain, hashed, err)
		}
	}
	for _, unknown := range []string{"$y$j9T$x$y", "$argon2i$v=19$x", "$2x$04$abc", "$scrypt$ln=16,r=8,p=1$x", "$md5,rounds=904$x", "$7$x"} {
		if hashed, err := h.IsHash(unknown); hashed || !errors.Is(err, dataprovider.ErrInvalid) {
			t.Errorf("IsHash(%q) = %v, %v; want ErrInvalid", unknown, hashed, err)
		}
	}
}

func TestStale(t *testing.T) {
	h := password.NewHasher(dataprovider.Argon2Options{Memory: 512, Iterations: 2, Parallelism: 1})
	own, err := h.Hash(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	for stored, want := range map[string]bool{
		own: false,
		"":  false, "plain": false, "$y$j9T$a$b": false, "$argon2id$broken": false,
		strings.Replace(own, "t=2", "t=3", 1):   false,
		strings.Replace(own, "t=2", "t=1", 1):   true,
		strings.Replace(own, "m=512", "m=8", 1): true,
	} {
		if got := h.Stale(stored); got != want {
			t.Errorf("Stale(%q) = %v", stored, got)
		}
	}
	for _, v := range vectors[2:] { // of other schemes
		if !h.Stale(v.hash) {
			t.Errorf("%s is not stale", v.name)
		}
	}
}

func TestCancelledContext(t *testing.T) {
	h := password.NewHasher(cheap)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if ok, err := h.Verify(ctx, vectors[0].hash, vectors[0].plain); ok || !errors.Is(err, context.Canceled) {
		t.Errorf("Verify = %v, %v", ok, err)
	}
	if _, err := h.Hash(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("Hash: %v", err)
	}
	if err := h.VerifyDummy(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("VerifyDummy: %v", err)
	}
}

func TestConcurrentUse(t *testing.T) {
	h := password.NewHasher(cheap)
	stored, err := h.Hash(t.Context(), "secret")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 * runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			if ok, err := h.Verify(t.Context(), stored, "secret"); !ok || err != nil {
				t.Errorf("Verify = %v, %v", ok, err)
			}
			if err := h.VerifyDummy(t.Context(), "secret"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
