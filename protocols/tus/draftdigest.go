package tus

import (
	"net/http"

	"sftpgo/protocols/session"
)

// contentDigest is the claim of Content-Digest (RFC 9530) about the body; nil is none,
// or none that can be verified.
func (q *request) contentDigest() (*digest, error) {
	for _, member := range sfBytes(q.Header.Values("Content-Digest")) {
		if h, want, ok := session.Digest(member); ok {
			return &digest{hash: h, want: want}, nil
		}
	}
	return nil, malformed(q.Header.Values("Content-Digest"))
}

// malformed refuses a digest of an algorithm that we know that cannot be one.
func malformed(values []string) error {
	for _, member := range sfBytes(values) {
		for _, name := range []string{"sha-256=", "sha-512="} {
			if len(member) >= len(name) && member[:len(name)] == name {
				return refuse(http.StatusBadRequest, "malformed digest")
			}
		}
	}
	return nil
}

// reprDigest is the first claim of Repr-Digest about all the data that can be verified;
// empty is none.
func (q *request) reprDigest() string {
	for _, member := range sfBytes(q.Header.Values("Repr-Digest")) {
		if _, _, ok := session.Digest(member); ok {
			return member
		}
	}
	return ""
}
