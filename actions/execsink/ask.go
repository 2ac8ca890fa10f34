package execsink

import (
	"context"
	"errors"
	"fmt"

	"sftpgo/actions"
)

var _ actions.Asker = (*Sink)(nil)

// Ask runs the program. Status 0 agrees, another one refuses; the body of the answer
// is the standard output. A program that was killed, or could not be started, has
// not answered.
func (s *Sink) Ask(ctx context.Context, e *actions.Event) (actions.Answer, error) {
	call, err := s.format.Render(e)
	if err != nil {
		return actions.Answer{}, err
	}
	said, err := s.newOutput(theStart)
	if err != nil {
		return actions.Answer{}, fmt.Errorf("%s: not started: %w", s, err)
	}
	err = s.run(ctx, call, said)
	if err != nil && !errors.Is(err, actions.ErrRejected) {
		return actions.Answer{}, fmt.Errorf("%s: %w", s, err)
	}
	a := actions.Answer{Accepted: err == nil, Exact: err == nil}
	a.Body, a.Cut = said.bytes()
	var out *actions.OutputError
	switch {
	case errors.As(err, &out):
		a.Output = out.Output
	case err != nil:
		a.Output = err.Error() // there is no program for it
	}
	return a, nil
}
