package auth

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// revocations are keys and certificates that let nobody in any more. A key may
// be given by itself or by its hash, and stands for all certificates of it and,
// if it is that of an authority, by it.
type revocations struct {
	keys         map[string]struct{} // blobs
	sha256       map[[sha256.Size]byte]struct{}
	sha1         map[[sha1.Size]byte]struct{}
	certificates []revokedCertificates
}

// parseRevocations reads a KRL of OpenSSH, a JSON list of fingerprints, or lines
// with a fingerprint or a key or certificate in authorized_keys form each.
func parseRevocations(data []byte) (revocations, error) {
	r := revocations{
		keys:   map[string]struct{}{},
		sha256: map[[sha256.Size]byte]struct{}{},
		sha1:   map[[sha1.Size]byte]struct{}{},
	}
	switch {
	case bytes.HasPrefix(data, []byte(krlMagic)):
		err := r.addKRL(data)
		return r, err
	case bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")):
		var fingerprints []string
		if err := json.Unmarshal(data, &fingerprints); err != nil {
			return revocations{}, fmt.Errorf("not a list of fingerprints: %w", err)
		}
		for i, text := range fingerprints {
			if err := r.addFingerprint(strings.TrimSpace(text)); err != nil {
				return revocations{}, fmt.Errorf("element %d: %w", i, err)
			}
		}
		return r, nil
	}
	for line := range authorizedLines(data) {
		if err := r.addLine(line.text); err != nil {
			return revocations{}, fmt.Errorf("line %d: %w", line.number, err)
		}
	}
	return r, nil
}

const fingerprintPrefix = "SHA256:"

func (r *revocations) addLine(text string) error {
	if strings.HasPrefix(text, fingerprintPrefix) {
		return r.addFingerprint(strings.Fields(text)[0]) // a comment may follow
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil {
		return errors.New("neither a fingerprint (SHA256:…) nor a public key")
	}
	r.keys[string(key.Marshal())] = struct{}{}
	return nil
}

func (r *revocations) addFingerprint(text string) error {
	encoded, ok := strings.CutPrefix(text, fingerprintPrefix)
	sum, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded, "="))
	if !ok || err != nil || len(sum) != sha256.Size {
		return fmt.Errorf("%q is no fingerprint of the form SHA256:…", text)
	}
	r.sha256[[sha256.Size]byte(sum)] = struct{}{}
	return nil
}

// hasKey reports whether a key, or exactly this certificate, is revoked.
func (r *revocations) hasKey(key ssh.PublicKey) bool {
	blob := key.Marshal()
	if _, ok := r.keys[string(blob)]; ok {
		return true
	}
	if _, ok := r.sha256[sha256.Sum256(blob)]; ok {
		return true
	}
	_, ok := r.sha1[sha1.Sum(blob)] // what OpenSSH may write, not what it protects
	return ok
}

// has reports whether a key that a client offers is revoked: for a certificate
// also the key in it, its authority, its serial number or its id.
func (r *revocations) has(offered ssh.PublicKey) bool {
	if r.hasKey(offered) {
		return true
	}
	cert, ok := offered.(*ssh.Certificate)
	if !ok {
		return false
	}
	if r.hasKey(cert.Key) || r.hasKey(cert.SignatureKey) {
		return true
	}
	for _, c := range r.certificates {
		if c.has(cert) {
			return true
		}
	}
	return false
}
