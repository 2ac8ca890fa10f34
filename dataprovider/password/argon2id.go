package password

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	"sftpgo/dataprovider"
)

const (
	argon2Prefix = "$argon2id$"
	keyLength    = 32
)

// argon2id is a hash with its parameters; String gives the PHC form.
type argon2id struct {
	options   dataprovider.Argon2Options
	salt, key []byte
}

func newArgon2id(o dataprovider.Argon2Options, salt []byte, plain string) argon2id {
	return argon2id{options: o, salt: salt, key: argon2Key(o, plain, salt, keyLength)}
}

func argon2Key(o dataprovider.Argon2Options, plain string, salt []byte, length int) []byte {
	return argon2.IDKey([]byte(plain), salt, o.Iterations, o.Memory, o.Parallelism, uint32(length))
}

func (a argon2id) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		a.options.Memory, a.options.Iterations, a.options.Parallelism, b64.EncodeToString(a.salt), b64.EncodeToString(a.key))
}

func parseArgon2id(stored string, l limits) (check, error) {
	parts := strings.Split(stored, "$") // "", argon2id, v=, m=, salt, key
	if len(parts) != 6 {
		return check{}, errMalformed
	}
	var version int
	if err := scanAll(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return check{}, fmt.Errorf("%w: version %q", errMalformed, parts[2])
	}
	var a argon2id
	o := &a.options
	if err := scanAll(parts[3], "m=%d,t=%d,p=%d", &o.Memory, &o.Iterations, &o.Parallelism); err != nil {
		return check{}, fmt.Errorf("%w: parameters %q", errMalformed, parts[3])
	}
	if o.Iterations < 1 || o.Parallelism < 1 || o.Memory < 8*uint32(o.Parallelism) {
		return check{}, fmt.Errorf("%w: parameters %q", errMalformed, parts[3])
	}
	if o.Memory > l.argon2Memory || uint64(o.Memory)*uint64(o.Iterations) > l.argon2Work {
		return check{}, tooCostly("parameters", parts[3])
	}
	var err error
	if a.salt, err = decodeBase64(parts[4]); err != nil {
		return check{}, fmt.Errorf("%w: salt", errMalformed)
	}
	if a.key, err = decodeBase64(parts[5]); err != nil || len(a.key) < 16 || len(a.key) > 128 {
		return check{}, fmt.Errorf("%w: key", errMalformed)
	}
	match := func(plain string) bool {
		return subtle.ConstantTimeCompare(a.key, argon2Key(a.options, plain, a.salt, len(a.key))) == 1
	}
	work := uint64(o.Memory) * uint64(o.Iterations)
	return check{match: match, cheap: work < l.argon2Own/2, weaker: work < l.argon2Own}, nil
}

// scanAll is Sscanf that wants s in exactly the form it would print.
func scanAll(s, format string, into ...any) error {
	if _, err := fmt.Sscanf(s, format, into...); err != nil {
		return err
	}
	values := make([]any, len(into))
	for i, p := range into {
		switch p := p.(type) {
		case *int:
			values[i] = *p
		case *uint32:
			values[i] = *p
		case *uint8:
			values[i] = *p
		}
	}
	if fmt.Sprintf(format, values...) != s {
		return errMalformed
	}
	return nil
}

// decodeBase64 takes the standard alphabet with and without padding.
func decodeBase64(s string) ([]byte, error) {
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
}
