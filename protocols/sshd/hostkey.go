package sshd

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/errgroup"
)

// rsaBits is the size of a new RSA host key.
const rsaBits = 4096

// hostKeys loads the files, which are relative to dir. With no files it takes
// id_rsa and id_ed25519 of dir, which are made when they are missing, and
// id_ecdsa, if it is there. Absolute files of these three names are made, too.
func hostKeys(dir string, files []string, minRSABits int, log *slog.Logger) ([]ssh.Signer, error) {
	make := len(files) == 0
	if make {
		files = []string{"id_rsa", "id_ed25519"}
		if _, err := os.Lstat(filepath.Join(dir, "id_ecdsa")); !errors.Is(err, fs.ErrNotExist) {
			// Of an older installation. Clients may know the server by it.
			files = append(files, "id_ecdsa")
		}
	}
	signers := []ssh.Signer{}
	paths := []string{}
	var group errgroup.Group
	for _, file := range files {
		absolute := filepath.IsAbs(file)
		if !absolute {
			file = filepath.Join(dir, file)
		}
		paths = append(paths, file)
		generate := generator(filepath.Base(file))
		if generate == nil || !make && !absolute {
			continue
		}
		group.Go(func() error { return makeHostKey(file, generate, log) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, path := range paths {
		signer, err := loadHostKey(path, minRSABits, log)
		if err != nil {
			return nil, err
		}
		signers = append(signers, signer)
	}
	return signers, nil
}

func loadHostKey(path string, minRSABits int, log *slog.Logger) (ssh.Signer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("host key: %w", err)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		log.Warn("host key can be read by others; chmod 600 it", "path", path)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("host key %s: %w", path, err)
	}
	if bits := rsaSize(signer.PublicKey()); bits > 0 && bits < minRSABits {
		return nil, fmt.Errorf("host key %s: RSA with %d bits is too short, %d are needed; make a new one", path, bits, minRSABits)
	}
	return signer, nil
}

// rsaSize returns the bits of an RSA key, and 0 for another.
func rsaSize(key ssh.PublicKey) int {
	if k, ok := key.(ssh.CryptoPublicKey); ok {
		if public, ok := k.CryptoPublicKey().(*rsa.PublicKey); ok {
			return public.N.BitLen()
		}
	}
	return 0
}

// generator returns what makes a key for a file of that name, or nil.
func generator(base string) func() (crypto.Signer, *pem.Block, error) {
	switch base {
	case "id_rsa":
		return generateRSA
	case "id_ecdsa":
		return generateECDSA
	case "id_ed25519":
		return generateEd25519
	}
	return nil
}

func generateRSA() (crypto.Signer, *pem.Block, error) {
	key, err := rsa.GenerateKey(rand.Reader, rsaBits)
	if err != nil {
		return nil, nil, err
	}
	return key, &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}, nil
}

func generateECDSA() (crypto.Signer, *pem.Block, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	return key, &pem.Block{Type: "EC PRIVATE KEY", Bytes: der}, err
}

func generateEd25519() (crypto.Signer, *pem.Block, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	return key, block, err
}

// makeHostKey makes the key file and its .pub when there is none. An existing
// file is left alone, whatever is in it.
func makeHostKey(path string, generate func() (crypto.Signer, *pem.Block, error), log *slog.Logger) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil // loading it will tell what is wrong with it
	}
	key, block, err := generate()
	if err != nil {
		return fmt.Errorf("make host key %s: %w", path, err)
	}
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("make host key %s: %w", path, err)
	}
	if err := writeFile(path+".pub", ssh.MarshalAuthorizedKey(public), 0o644); err != nil {
		return fmt.Errorf("make host key %s: %w", path, err)
	}
	if err := writeFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		return fmt.Errorf("make host key %s: %w", path, err)
	}
	log.Info("host key made", "path", path, "fingerprint", ssh.FingerprintSHA256(public))
	return nil
}

// writeFile makes a file that is either complete or not there.
func writeFile(path string, text []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".hostkey-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone after the rename
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
