package auth

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/ssh"
)

// Authorities are the keys whose certificates let users in, and the keys and
// certificates that do so no more. It is safe for concurrent use.
type Authorities struct {
	trustedFiles []string
	revokedFile  string
	now          atomic.Pointer[trust]
}

// trust is what the files said when they were last read.
type trust struct {
	authorities map[string]struct{} // blobs of keys
	revoked     revocations
}

// LoadAuthorities reads files with keys of authorities, one to a line in
// authorized_keys form, and the file of what is revoked, "" for none: see
// docs/logins.md for its forms. Names are relative to dir. A file that cannot be
// read or understood is an error.
func LoadAuthorities(dir string, trusted []string, revoked string) (*Authorities, error) {
	inside := func(name string) string {
		if name == "" || filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(dir, name)
	}
	a := &Authorities{revokedFile: inside(revoked)}
	for _, name := range trusted {
		a.trustedFiles = append(a.trustedFiles, inside(name))
	}
	if err := a.Reload(); err != nil {
		return nil, err
	}
	return a, nil
}

// Reload reads the files again. If one of them is at fault all stays as it was.
func (a *Authorities) Reload() error {
	next := &trust{authorities: map[string]struct{}{}}
	for _, name := range a.trustedFiles {
		if err := next.readAuthorities(name); err != nil {
			return fmt.Errorf("trusted_user_ca_keys: %w", err)
		}
	}
	if a.revokedFile != "" {
		data, err := readFile(a.revokedFile)
		if err == nil {
			next.revoked, err = parseRevocations(data)
		}
		if err != nil {
			return fmt.Errorf("revoked_user_certs_file: %s: %w", a.revokedFile, err)
		}
	}
	a.now.Store(next)
	return nil
}

// trust returns what holds now. A nil Authorities trusts nobody and revokes nothing.
func (a *Authorities) trust() *trust {
	if a == nil {
		return &trust{}
	}
	return a.now.Load()
}

func (t *trust) readAuthorities(name string) error {
	data, err := readFile(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	n := 0
	for line := range authorizedLines(data) {
		key, _, options, _, err := ssh.ParseAuthorizedKey([]byte(line.text))
		_, isCert := key.(*ssh.Certificate)
		switch {
		case err != nil || isCert:
			return fmt.Errorf("%s:%d: not a public key in authorized_keys form", name, line.number)
		case len(options) > 0 && !(len(options) == 1 && strings.EqualFold(options[0], "cert-authority")):
			// Restrictions that are not enforced must not look as if they were.
			return fmt.Errorf("%s:%d: options have no effect here; for a restricted authority use a cert-authority line "+
				"in the public_keys of accounts", name, line.number)
		}
		t.authorities[string(key.Marshal())] = struct{}{}
		n++
	}
	if n == 0 {
		return fmt.Errorf("%s: has no key", name)
	}
	return nil
}

func (t *trust) trusts(authority ssh.PublicKey) bool {
	_, ok := t.authorities[string(authority.Marshal())]
	return ok
}

type numberedLine struct {
	number int
	text   string
}

// authorizedLines yields the lines that are neither empty nor comments.
func authorizedLines(data []byte) func(yield func(numberedLine) bool) {
	return func(yield func(numberedLine) bool) {
		lines := bufio.NewScanner(bytes.NewReader(data))
		lines.Buffer(nil, maxTrustFile)
		for n := 1; lines.Scan(); n++ {
			text := strings.TrimSpace(lines.Text())
			if text == "" || strings.HasPrefix(text, "#") {
				continue
			}
			if !yield(numberedLine{n, text}) {
				return
			}
		}
	}
}

// maxTrustFile keeps a wrong file name from filling the memory.
const maxTrustFile = 16 << 20

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, errors.Unwrap(err) // the caller names the file
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxTrustFile+1))
	if err == nil && len(data) > maxTrustFile {
		err = fmt.Errorf("larger than %d bytes", maxTrustFile)
	}
	return data, err
}
