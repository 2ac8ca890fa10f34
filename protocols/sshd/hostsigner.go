package sshd

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// hostSigners returns what the server proves its identity with: the keys, and
// the certificates for them, each limited to algorithms, in their order. What no
// algorithm is left for is not among them.
func hostSigners(keys []ssh.Signer, certificates []*ssh.Certificate, algorithms []string, log *slog.Logger) ([]ssh.Signer, error) {
	type ranked struct {
		rank   int
		signer ssh.Signer
	}
	var list []ranked
	add := func(key ssh.Signer, certificate *ssh.Certificate) error {
		signer, rank, err := limit(key, certificate, algorithms)
		switch {
		case err != nil:
			return err
		case signer == nil:
			log.Warn("host key is not used: none of its algorithms is in host_key_algorithms",
				"fingerprint", ssh.FingerprintSHA256(key.PublicKey()), "certificate", certificate != nil)
		default:
			list = append(list, ranked{rank, signer})
		}
		return nil
	}
	for _, key := range keys {
		for _, c := range certificates {
			if !sameKey(c.Key, key.PublicKey()) {
				continue
			}
			if err := add(key, c); err != nil {
				return nil, err
			}
		}
		if err := add(key, nil); err != nil {
			return nil, err
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("no host key fits host_key_algorithms: %s", strings.Join(algorithms, ", "))
	}
	slices.SortStableFunc(list, func(a, b ranked) int { return a.rank - b.rank })
	signers := make([]ssh.Signer, len(list))
	for i, r := range list {
		signers[i] = r.signer
	}
	return signers, nil
}

// limit returns the key, or the certificate for it, for use with algorithms only,
// and the place of the first that it is used with. The signer is nil if there is
// none.
func limit(key ssh.Signer, certificate *ssh.Certificate, algorithms []string) (ssh.Signer, int, error) {
	format := key.PublicKey().Type()
	names := map[string]string{format: format} // in the offer to that of the signature
	if format == ssh.KeyAlgoRSA {
		names[ssh.KeyAlgoRSASHA256], names[ssh.KeyAlgoRSASHA512] = ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512
	}
	var used []string
	rank := 0
	for i, name := range algorithms {
		signature, ok := names[strings.Replace(name, "-cert-v01@openssh.com", "", 1)]
		if !ok || strings.Contains(name, "-cert-") != (certificate != nil) {
			continue
		}
		if len(used) == 0 {
			rank = i
		}
		used = append(used, signature)
	}
	if len(used) == 0 {
		return nil, 0, nil
	}
	signer := key
	if format == ssh.KeyAlgoRSA {
		algorithmSigner, ok := key.(ssh.AlgorithmSigner)
		if !ok {
			return nil, 0, fmt.Errorf("host key: %T cannot choose the algorithm of its signatures", key)
		}
		limited, err := ssh.NewSignerWithAlgorithms(algorithmSigner, used)
		if err != nil {
			return nil, 0, fmt.Errorf("host key: %w", err)
		}
		signer = limited
	}
	if certificate != nil {
		var err error
		if signer, err = ssh.NewCertSigner(certificate, signer); err != nil {
			return nil, 0, fmt.Errorf("host certificate: %w", err)
		}
	}
	return signer, rank, nil
}

// hostCertificates loads the files, which are relative to dir. Each must be a
// certificate of a host, for one of the keys.
func hostCertificates(dir string, files []string, keys []ssh.Signer, log *slog.Logger) ([]*ssh.Certificate, error) {
	var list []*ssh.Certificate
	for _, file := range files {
		if !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		c, err := hostCertificate(file)
		if err != nil {
			return nil, fmt.Errorf("host certificate %s: %w", file, err)
		}
		if !slices.ContainsFunc(keys, func(k ssh.Signer) bool { return sameKey(c.Key, k.PublicKey()) }) {
			return nil, fmt.Errorf("host certificate %s: is for the key %s, which is not among the host keys", file, ssh.FingerprintSHA256(c.Key))
		}
		if now := uint64(time.Now().Unix()); now < c.ValidAfter || now >= c.ValidBefore {
			log.Warn("host certificate is not valid at this time; clients will refuse it", "path", file)
		}
		list = append(list, c)
	}
	return list, nil
}

func hostCertificate(path string) (*ssh.Certificate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(text)
	if err != nil {
		return nil, err
	}
	c, ok := key.(*ssh.Certificate)
	if !ok {
		return nil, fmt.Errorf("is a key, not a certificate")
	}
	if c.CertType != ssh.HostCert {
		return nil, fmt.Errorf("is not the certificate of a host (ssh-keygen -s CA -h)")
	}
	return c, nil
}

func sameKey(a, b ssh.PublicKey) bool { return string(a.Marshal()) == string(b.Marshal()) }
