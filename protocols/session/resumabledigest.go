package session

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"hash"
	"io"
	"strings"

	"sftpgo/vfs"
)

// ErrDigest: the data of an upload do not have the digest that its client told.
var ErrDigest = errors.New("the data do not have the digest")

// Digest reads a member of Repr-Digest or Content-Digest (RFC 9530): the hash of its
// algorithm, and what it must be. false is for algorithms other than sha-256 and
// sha-512, and for what is malformed.
func Digest(member string) (h hash.Hash, want []byte, ok bool) {
	name, value, _ := strings.Cut(member, "=")
	switch name {
	case "sha-256":
		h = sha256.New()
	case "sha-512":
		h = sha512.New()
	default:
		return nil, nil, false
	}
	encoded, colons := strings.CutPrefix(value, ":")
	encoded, ends := strings.CutSuffix(encoded, ":")
	want, err := base64.StdEncoding.DecodeString(encoded)
	return h, want, colons && ends && err == nil && len(want) == h.Size()
}

// Demand tells the digest that all the data must have, as Digest reads it, when the
// upload is complete: else End gives it up with ErrDigest. One that was told before
// stays; another one is ErrDigest at once.
func (u *Resumable) Demand(ctx context.Context, member string) error {
	switch u.rec.Digest {
	case member:
		return nil
	case "":
	default:
		return refuse("upload", u.rec.ID, ErrDigest)
	}
	u.rec.Digest = member
	return u.rs.store.Save(ctx, u.rec)
}

// inspectDigest compares all the data with what was demanded.
func (u *Resumable) inspectDigest(ctx context.Context) error {
	if u.rec.Digest == "" {
		return nil
	}
	h, want, ok := Digest(u.rec.Digest)
	if !ok {
		return refuse("upload", u.rec.ID, ErrDigest)
	}
	f, err := u.s.fs.Open(ctx, u.rec.Data, vfs.Read)
	if err != nil {
		return err
	}
	_, err = io.Copy(h, io.NewSectionReader(f, 0, u.size))
	ctx, cancel := detached(ctx) // it may have taken long
	defer cancel()
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if bytes.Equal(h.Sum(nil), want) {
		return nil
	}
	return u.spoil(ctx, refuse("upload", u.rec.ID, ErrDigest))
}
