package tus

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"io"
	"net/http"
	"strings"

	"sftpgo/protocols"
	"sftpgo/protocols/session"
)

// checksums are the names of the algorithms, the one that tus demands first.
func checksums() []string {
	return []string{"sha1", "md5", "sha256", "sha512", "crc32", "crc32c"}
}

func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case "sha1":
		return sha1.New()
	case "md5":
		return md5.New()
	case "sha256":
		return sha256.New()
	case "sha512":
		return sha512.New()
	case "crc32":
		return crc32.NewIEEE()
	case "crc32c":
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	}
	return nil
}

// digest is the checksum that a request claims for its body. It stands in the header,
// or, with checksum-trailer, behind the body.
type digest struct {
	hash hash.Hash // nil: the checksum follows
	want []byte
}

// checksum reads the claim; nil is none.
func (q *request) checksum() (*digest, error) {
	values := q.Header.Values("Upload-Checksum")
	if len(values) == 0 {
		if _, follows := q.Trailer["Upload-Checksum"]; !follows || !q.h.protocol.on(Trailer) {
			return nil, nil
		}
		return &digest{}, nil
	}
	if !q.h.protocol.on(Checksum) {
		return nil, refuse(http.StatusBadRequest, "checksums are not supported")
	}
	name, want, err := parseChecksum(values)
	if err != nil {
		return nil, err
	}
	return &digest{hash: newHash(name), want: want}, nil
}

// parseChecksum reads an algorithm and a digest in base64.
func parseChecksum(values []string) (name string, want []byte, err error) {
	name, encoded, _ := strings.Cut(strings.TrimSpace(values[0]), " ")
	h := newHash(name)
	if h == nil {
		return "", nil, refuse(http.StatusBadRequest, "unknown algorithm in Upload-Checksum")
	}
	want, err = base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil || len(want) != h.Size() || len(values) > 1 {
		return "", nil, refuse(http.StatusBadRequest, "malformed Upload-Checksum")
	}
	return name, want, nil
}

// writer sees the body; nil when nothing is known of it yet.
func (d *digest) writer() io.Writer {
	if d == nil || d.hash == nil {
		return nil
	}
	return d.hash
}

// verify compares, after the body was read. Of what follows in the trailer the
// algorithm is known only then, so the data are read once more.
func (d *digest) verify(u *session.Resumable, trailer http.Header) error {
	h, want := d.hash, d.want
	if h == nil {
		values := trailer.Values("Upload-Checksum")
		if len(values) == 0 {
			return refuse(http.StatusBadRequest, "the trailer has no Upload-Checksum")
		}
		name, sum, err := parseChecksum(values)
		if err != nil {
			return err
		}
		h, want = newHash(name), sum
		if err := u.Written(h); err != nil {
			return err
		}
	}
	if !bytes.Equal(h.Sum(nil), want) {
		return refuse(protocols.StatusChecksumMismatch, "the data do not have this checksum")
	}
	return nil
}
