package format

import (
	"fmt"
	"strconv"

	"sftpgo/actions"
)

// UserAction is the dialect of the provider actions of the contract: eight
// arguments, two variables, the account as JSON. The zero value is ready to use.
type UserAction struct{}

var _ actions.Format = UserAction{}

// Render implements actions.Format.
func (UserAction) Render(e *actions.Event) (actions.Call, error) {
	name, ok := actions.UserActionName(e.Kind)
	if !ok || e.Account == nil {
		return actions.Call{}, fmt.Errorf("event kind %q is no change of an account", e.Kind)
	}
	a := e.Account
	return actions.Call{
		Args: []string{
			name, e.Session.User, strconv.FormatInt(a.ID, 10), strconv.Itoa(a.Status), strconv.FormatInt(a.Expiration, 10),
			a.Home, strconv.Itoa(a.UID), strconv.Itoa(a.GID),
		},
		Env: []string{
			"SFTPGO_USER_ACTION=" + name,
			"SFTPGO_USER=" + string(a.Record),
			"SFTPGO_USER_EVENT_ID=" + e.ID,
		},
		Query:       map[string]string{"action": name},
		Body:        a.Record,
		ContentType: "application/json",
	}, nil
}
