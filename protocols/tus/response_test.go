package tus

import (
	"fmt"
	"net/http"
	"testing"

	"sftpgo/actions"
	"sftpgo/protocols"
	"sftpgo/protocols/session"
)

// What tus answers otherwise than the table of failures.
func TestAnswerTo(t *testing.T) {
	for err, want := range map[error]int{
		actions.ErrOverloaded:               http.StatusServiceUnavailable, // the table: 507
		&actions.Denial{}:                   http.StatusBadRequest,         // the table: 403
		&actions.Denial{Status: 451}:        451,
		refuse(http.StatusConflict, "text"): http.StatusConflict,
		session.ErrGone:                     protocols.StatusOf(session.ErrGone).HTTP,
		fmt.Errorf("sql: no such table"):    http.StatusInternalServerError,
	} {
		a := answerTo(fmt.Errorf("upload %q: %w", "/a", err))
		if a.status != want || a.body == "" {
			t.Errorf("%v: %d %q, want %d", err, a.status, a.body, want)
		}
	}
}
