package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/crypto/ssh"

	"sftpgo/dataprovider"
	"sftpgo/protocols/waiting"
)

// Passwords verifies passwords against stored hashes. Any error is a denial.
type Passwords interface {
	Verify(ctx context.Context, stored, plain string) (bool, error)
	// VerifyDummy does the work of a Verify that fails.
	VerifyDummy(ctx context.Context, plain string) error
}

// Rehasher brings stored hashes up to date.
type Rehasher interface {
	// Stale reports whether the stored hash is weaker than, or of another scheme
	// than, what Hash returns.
	Stale(stored string) bool
	Hash(ctx context.Context, plain string) (string, error)
}

// Config is what a Provider may go without.
type Config struct {
	// Authorities let users in with certificates; nil: only those that records name.
	Authorities *Authorities
	// Interviewer asks the questions of a Dialogue; nil: the server asks for the
	// password.
	Interviewer Interviewer
	// Rehasher renews stale hashes of who logs in; nil: they stay. The store must
	// keep what is written: with one that is filled from a file, leave it out.
	Rehasher Rehasher
}

// Limits that no peer can change.
const (
	maxWaitingHashes = 256 // passwords that wait to be checked
	// maxDialogues and maxPeerDialogues cap the dialogues of an Interviewer: each
	// may be a process.
	maxDialogues     = 100
	maxPeerDialogues = 10
)

// Provider is the Authenticator over a data store. Every attempt reads the
// record of the user anew, so a change takes effect at once. It is safe for
// concurrent use.
//
// The answers to an unknown user, a wrong password and an account that may not
// log in cost the same work: whatever happens, one password hash is computed
// before the conditions of the account are looked at. They also take the same
// time: each denial lasts as long as the slowest check of late, because a stored
// hash may be of a scheme that takes longer than others.
type Provider struct {
	cfg       Config
	users     dataprovider.Collection[dataprovider.User]
	passwords Passwords
	verified  *verifiedCache
	hashing   *queue
	slowest   *slowest
	dialogues *waiting.Room
	record    *recorder
}

var (
	_ Authenticator = (*Provider)(nil)
	_ Recorder      = (*Provider)(nil)
	_ Rechecker     = (*Provider)(nil)
)

// New returns a Provider over store, which the caller closes.
func New(cfg Config, store dataprovider.Store, passwords Passwords, metrics Metrics, log *slog.Logger) *Provider {
	return &Provider{
		cfg:       cfg,
		users:     store.Users(),
		passwords: passwords,
		verified:  newVerifiedCache(),
		hashing:   newQueue(runtime.GOMAXPROCS(0), maxWaitingHashes),
		slowest:   &slowest{},
		dialogues: waiting.NewRoom(maxDialogues, maxPeerDialogues),
		record:    newRecorder(store.Usage(), metrics, log),
	}
}

// Authenticate implements Authenticator.
func (p *Provider) Authenticate(ctx context.Context, a Attempt) (Identity, error) {
	var (
		id    Identity
		noted bool
		err   error
	)
	switch c := a.Credential.(type) {
	case PublicKey:
		return p.byPublicKey(ctx, a, c)
	case Certificate:
		return p.byCertificate(ctx, a)
	case Password:
		id, noted, err = p.byPassword(ctx, a, string(c))
	case Dialogue:
		id, err = p.byDialogue(ctx, a, c)
	default:
		return Identity{}, reject(errors.New("no credential"))
	}
	switch {
	case err != nil:
		p.record.LoginFailed(ctx, a, err)
	case !noted:
		p.record.LoggedIn(ctx, a, id)
	}
	return id, err
}

// Recheck implements Rechecker.
func (p *Provider) Recheck(ctx context.Context, protocol string, remote netip.Addr, id Identity) error {
	u, _, err := p.user(ctx, id.User.Username)
	if err != nil {
		return err
	}
	if u.ID != id.User.ID {
		return reject(errOtherAccount)
	}
	if err := u.LoginAllowed(protocol, id.Method, remote, time.Now()); err != nil {
		return reject(err)
	}
	return nil
}

// LoggedIn implements Recorder.
func (p *Provider) LoggedIn(ctx context.Context, a Attempt, id Identity) {
	p.record.LoggedIn(ctx, a, id)
}

// LoginFailed implements Recorder.
func (p *Provider) LoginFailed(ctx context.Context, a Attempt, err error) {
	p.record.LoginFailed(ctx, a, err)
}

var (
	errUnknownUser   = errors.New("unknown user")
	errOtherAccount  = errors.New("another account of the same name")
	errWrongPassword = errors.New("wrong password")
	errNoPassword    = errors.New("the account has no password")
)

func reject(reason error) error { return fmt.Errorf("%w: %w", ErrRejected, reason) }

func (p *Provider) byPublicKey(ctx context.Context, a Attempt, blob PublicKey) (Identity, error) {
	u, rev, err := p.user(ctx, a.User)
	if err != nil {
		return Identity{}, err
	}
	if a.First != nil {
		return Identity{}, reject(errors.New("a key is no second step"))
	}
	pr, err := p.prove(ctx, u, blob, a.Remote)
	if err != nil {
		return Identity{}, reject(err)
	}
	now := time.Now()
	if err := u.LoginAllowed(a.Protocol, a.Method(), a.Remote, now); err != nil {
		var next []string
		for _, method := range u.SecondSteps() {
			if err = u.LoginAllowed(a.Protocol, method, a.Remote, now); err == nil {
				next = append(next, secondStep(method))
			}
		}
		if len(next) > 0 {
			return Identity{}, &Incomplete{Next: next, user: u.Username, id: u.ID, key: blob}
		}
		return Identity{}, reject(err)
	}
	return Identity{User: u, Revision: rev, Method: a.Method(), Key: pr.name, ForceCommand: pr.forceCommand}, nil
}

// secondStep is what follows the key in a method of two steps.
func secondStep(method string) string {
	if method == dataprovider.LoginKeyAndPassword {
		return dataprovider.LoginPassword
	}
	return dataprovider.LoginKeyboardInteractive
}

// prove tells what the key amounts to for the account.
func (p *Provider) prove(ctx context.Context, u dataprovider.User, blob PublicKey, remote netip.Addr) (proof, error) {
	offered, err := ssh.ParsePublicKey(blob)
	if err != nil {
		return proof{}, errors.New("unreadable public key")
	}
	pr, err := p.cfg.Authorities.trust().prove(u, offered, remote, time.Now())
	if err == nil && pr.line != nil {
		p.record.ignoredOptions(ctx, u, *pr.line)
	}
	return pr, err
}

// admit looks at everything but the credential of the attempt, and at the first
// step again, by the record of now.
func (p *Provider) admit(ctx context.Context, a Attempt, u dataprovider.User, rev dataprovider.Revision) (Identity, error) {
	id := Identity{User: u, Revision: rev, Method: a.Method()}
	if a.CommonName != "" && u.Filters.TLSUsername == dataprovider.TLSUsernameCommonName {
		if a.CommonName != u.Username {
			return Identity{}, reject(errOtherCertificate)
		}
		id.Method = dataprovider.LoginTLSAndPassword
	}
	if first := a.First; first != nil {
		if first.user != u.Username || first.id != u.ID {
			return Identity{}, reject(errOtherAccount)
		}
		pr, err := p.prove(ctx, u, first.key, a.Remote)
		if err != nil {
			return Identity{}, reject(fmt.Errorf("first step: %w", err))
		}
		id.Key, id.ForceCommand = pr.name, pr.forceCommand
	}
	if err := u.LoginAllowed(a.Protocol, id.Method, a.Remote, time.Now()); err != nil {
		return Identity{}, reject(err)
	}
	return id, nil
}

// user reads the record. A name that no account can have is not looked up.
func (p *Provider) user(ctx context.Context, name string) (dataprovider.User, dataprovider.Revision, error) {
	if dataprovider.CheckUsername(name) != nil {
		return dataprovider.User{}, 0, reject(errUnknownUser)
	}
	u, rev, err := p.users.Get(ctx, name)
	switch {
	case errors.Is(err, dataprovider.ErrNotFound):
		return dataprovider.User{}, 0, reject(errUnknownUser)
	case errors.Is(err, dataprovider.ErrUnavailable):
		return dataprovider.User{}, 0, err
	case err != nil:
		return dataprovider.User{}, 0, fmt.Errorf("%w: %w", dataprovider.ErrUnavailable, err)
	}
	return u, rev, nil
}
