package sshd_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"sftpgo/dataprovider"
	"sftpgo/dataprovider/memstore"
	hasher "sftpgo/dataprovider/password"
	"sftpgo/protocols/auth"
	"sftpgo/protocols/session"
	"sftpgo/protocols/sshd"
	"sftpgo/vfs"
	"sftpgo/vfs/localfs"
)

// startWithAccounts is a server with the true checks of logins. The authority ca
// may sign certificates; records are put with put.
func startWithAccounts(t *testing.T, ca ssh.Signer, change func(*sshd.Config, *auth.Config)) *rig {
	t.Helper()
	r := &rig{t: t, home: t.TempDir(), conf: t.TempDir(), log: &syncBuffer{}}
	r.writeHostKey()
	r.key, r.keyFile = newKey(t)
	log := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	store := memstore.New(memstore.Config{})
	t.Cleanup(func() { store.Close() })
	r.store = store
	r.manager = session.NewManager(store, hooks{}, []vfs.Factory{localfs.NewFactory(log)}, noMetrics{}, log, 1, session.DefaultConfig())

	must(t, os.WriteFile(filepath.Join(r.conf, "ca.pub"), ssh.MarshalAuthorizedKey(ca.PublicKey()), 0o600))
	trust, err := auth.LoadAuthorities(r.conf, []string{"ca.pub"}, "")
	must(t, err)
	accounts := auth.Config{Authorities: trust}
	cfg := sshd.DefaultConfig()
	cfg.HostKeys = []string{"hostkey"}
	cfg.KeyboardInteractiveAuthentication = true
	if change != nil {
		change(&cfg, &accounts)
	}
	logins := auth.New(accounts, store, newHasher(), noLogins{}, log)
	srv, err := sshd.New(cfg, logins, r.manager, 0, "1.2.3", r.conf, log)
	must(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	r.addr = l.Addr().String()
	r.serve(srv, l)
	return r
}

func newHasher() *hasher.Hasher {
	return hasher.NewHasher(dataprovider.Argon2Options{Memory: 64, Iterations: 1, Parallelism: 1})
}

// put stores an account with the password of the tests, after change.
func (r *rig) put(name string, change func(*dataprovider.User)) {
	r.t.Helper()
	u := dataprovider.User{
		Username: name, Status: 1, HomeDir: r.home, Password: password,
		Permissions: map[string][]string{"/": {"*"}},
	}
	if change != nil {
		change(&u)
	}
	u, err := u.Prepared(context.Background(), "", newHasher())
	must(r.t, err)
	_, rev, _ := r.store.Users().Get(context.Background(), name) // revision 0 if it is new
	_, err = r.store.Users().Put(context.Background(), u, rev)
	must(r.t, err)
}

// certificate signs one for alice with ca, after change, and returns what logs in
// with it.
func certificate(t *testing.T, ca, key ssh.Signer, change func(*ssh.Certificate)) ssh.Signer {
	t.Helper()
	c := &ssh.Certificate{
		Key: key.PublicKey(), KeyId: "test", Serial: 1, CertType: ssh.UserCert, ValidPrincipals: []string{username},
		ValidBefore: uint64(time.Now().Add(time.Hour).Unix()),
		Permissions: ssh.Permissions{CriticalOptions: map[string]string{}},
	}
	if change != nil {
		change(c)
	}
	must(t, c.SignCert(rand.Reader, ca))
	signer, err := ssh.NewCertSigner(c, key)
	must(t, err)
	return signer
}

func authorizedLine(s ssh.Signer) string { return string(ssh.MarshalAuthorizedKey(s.PublicKey())) }

type noLogins struct{}

func (noLogins) LoginDone(string, error) {}
