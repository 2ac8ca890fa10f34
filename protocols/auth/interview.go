package auth

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"sftpgo/dataprovider"
)

// Interviewer conducts the dialogue of a keyboard-interactive login for somebody
// other than this server. It is safe for concurrent use.
type Interviewer interface {
	// Interview puts questions with ask until it knows. nil lets the candidate in,
	// as far as the interviewer is concerned; any error refuses and says why, for
	// the log. It returns soon after ctx is done.
	Interview(ctx context.Context, c Candidate, ask Dialogue) error
}

// Candidate is whom an Interviewer is asked about. That there is such an account
// is not said.
type Candidate struct {
	User         string
	Remote       netip.Addr
	PasswordHash string // as stored; empty if there is none
	// Check tells whether plain is the password of the account; an error says no.
	// It may be called once.
	Check func(ctx context.Context, plain string) error
}

// interviewTime is the longest that a dialogue may take, the client included.
const interviewTime = time.Minute

var errCheckedTwice = errors.New("the password was asked for twice")

// byDialogue looks at the conditions of the account after the dialogue, so that
// the questions tell nothing about it. For the same reason a name that no account
// has is asked them, too.
func (p *Provider) byDialogue(ctx context.Context, a Attempt, ask Dialogue) (Identity, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, interviewTime, fmt.Errorf("the dialogue took longer than %v", interviewTime))
	defer cancel()
	if p.cfg.Interviewer == nil {
		answers, err := ask(ctx, "", []Question{{Text: "Password: "}})
		switch {
		case err != nil:
			return Identity{}, reject(ended(ctx, err))
		case len(answers) != 1:
			return Identity{}, reject(errors.New("not one answer to one question"))
		}
		id, _, err := p.byPassword(ctx, a, answers[0])
		return id, err
	}
	u, rev, userErr := p.user(ctx, a.User)
	if userErr != nil && !errors.Is(userErr, ErrRejected) {
		return Identity{}, userErr
	}
	if dataprovider.CheckUsername(a.User) != nil {
		// No account can have the name, and it would go to a hook.
		return Identity{}, p.secret(a, "").deny(ctx, userErr)
	}
	var s *secret
	check := func(ctx context.Context, plain string) error {
		if s != nil {
			return errCheckedTwice
		}
		s = p.secret(a, plain)
		return s.check(ctx, u, rev, userErr)
	}
	if err := p.interview(ctx, a, u, ask, check); err != nil {
		return Identity{}, err
	}
	if userErr != nil {
		return Identity{}, late(ctx, s, userErr)
	}
	id, err := p.admit(ctx, a, u, rev)
	if err != nil {
		return Identity{}, late(ctx, s, err)
	}
	if s != nil {
		id = s.accepted(ctx, id)
	}
	return id, nil
}

// interview runs the dialogue. When too many run, the one that has been at it for
// longest ends.
func (p *Provider) interview(ctx context.Context, a Attempt, u dataprovider.User, ask Dialogue,
	check func(context.Context, string) error,
) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out := p.dialogues.Enter(a.Remote, func() { cancel(ErrBusy) })
	defer out()
	err := p.cfg.Interviewer.Interview(ctx, Candidate{
		User: a.User, Remote: a.Remote.Unmap(), PasswordHash: u.Password, Check: check,
	}, ask)
	switch {
	case err == nil:
		return nil
	case errors.Is(context.Cause(ctx), ErrBusy):
		return ErrBusy
	case errors.Is(err, ErrRejected), errors.Is(err, dataprovider.ErrUnavailable):
		return err
	}
	return reject(ended(ctx, err))
}

// ended prefers the reason why the dialogue was broken off to what that led to.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return err
}

// late denies after a dialogue: an account that may not log in costs what a wrong
// password does if there was one to check.
func late(ctx context.Context, s *secret, why error) error {
	if s != nil {
		return s.deny(ctx, why)
	}
	return why
}
