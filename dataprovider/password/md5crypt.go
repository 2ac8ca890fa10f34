package password

import (
	"crypto/md5"
	"crypto/subtle"
	"strings"
)

// parseMD5Crypt reads $1$salt$key, the md5-crypt of FreeBSD, and $apr1$salt$key,
// the same with another magic string, which Apache's htpasswd writes.
func parseMD5Crypt(stored string, _ limits) (check, error) {
	parts := strings.Split(stored, "$") // "", 1 or apr1, salt, key
	if len(parts) != 4 || len(parts[2]) > 8 || len(parts[3]) != 22 {
		return check{}, errMalformed
	}
	magic := "$" + parts[1] + "$"
	match := func(plain string) bool {
		return subtle.ConstantTimeCompare([]byte(parts[3]), md5Crypt(magic, parts[2], plain)) == 1
	}
	return check{match: match, cheap: true}, nil
}

const md5Rounds = 1000

func md5Crypt(magic, salt, plain string) []byte {
	inner := md5.Sum([]byte(plain + salt + plain))
	first := []byte(plain + magic + salt)
	for n := len(plain); n > 0; n -= md5.Size {
		first = append(first, inner[:min(n, md5.Size)]...)
	}
	for n := len(plain); n > 0; n >>= 1 {
		if n&1 == 1 {
			first = append(first, 0)
		} else {
			first = append(first, plain[0])
		}
	}
	sum := md5.Sum(first)
	var buf []byte
	for i := range md5Rounds {
		buf = md5Round(buf[:0], i, sum[:], salt, plain)
		sum = md5.Sum(buf)
	}
	return encodeMD5(sum)
}

// md5Round is what round i hashes.
func md5Round(buf []byte, i int, sum []byte, salt, plain string) []byte {
	if i%2 == 1 {
		buf = append(buf, plain...)
	} else {
		buf = append(buf, sum...)
	}
	if i%3 != 0 {
		buf = append(buf, salt...)
	}
	if i%7 != 0 {
		buf = append(buf, plain...)
	}
	if i%2 == 1 {
		return append(buf, sum...)
	}
	return append(buf, plain...)
}

// encodeMD5 writes the sum in the order and the alphabet of crypt(3): groups of
// three bytes, the lowest six bits first.
func encodeMD5(sum [md5.Size]byte) []byte {
	const alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	out := make([]byte, 0, 22)
	put := func(v uint, chars int) {
		for range chars {
			out = append(out, alphabet[v&63])
			v >>= 6
		}
	}
	for _, g := range [][3]int{{0, 6, 12}, {1, 7, 13}, {2, 8, 14}, {3, 9, 15}, {4, 10, 5}} {
		put(uint(sum[g[0]])<<16|uint(sum[g[1]])<<8|uint(sum[g[2]]), 4)
	}
	put(uint(sum[11]), 2)
	return out
}
