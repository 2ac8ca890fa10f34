package keyboard_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/protocols/auth"
)

var errWrong = errors.New("wrong password")

// candidate is alice, whose password is "right".
func candidate() auth.Candidate {
	return auth.Candidate{
		User: "alice", Remote: netip.MustParseAddr("203.0.113.9"), PasswordHash: "$argon2id$v=19$x",
		Check: func(_ context.Context, plain string) error {
			if plain != "right" {
				return errWrong
			}
			return nil
		},
	}
}

// client answers what it is asked, and notes it.
type client struct {
	answers []string
	asked   []string // instruction, then questions; "!" marks those with echo
}

func (c *client) ask(_ context.Context, instruction string, questions []auth.Question) ([]string, error) {
	c.asked = append(c.asked, instruction)
	for _, q := range questions {
		mark := ""
		if q.Echo {
			mark = "!"
		}
		c.asked = append(c.asked, q.Text+mark)
	}
	if len(c.answers) == 0 {
		return nil, errors.New("gone")
	}
	n := min(len(questions), len(c.answers))
	given := c.answers[:n]
	c.answers = c.answers[n:]
	return given, nil
}

// wantOutcome: an empty reason is acceptance.
func wantOutcome(t *testing.T, err error, reason string) {
	t.Helper()
	switch {
	case reason == "" && err != nil:
		t.Errorf("refused: %v", err)
	case reason != "" && (err == nil || !strings.Contains(err.Error(), reason)):
		t.Errorf("got %v, want %q", err, reason)
	}
}

func wantAsked(t *testing.T, c *client, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, c.asked); diff != "" {
		t.Errorf("the client saw (-want +got):\n%s", diff)
	}
}
