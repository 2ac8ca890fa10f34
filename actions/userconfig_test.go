package actions_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/actions"
)

func TestUserConfig(t *testing.T) {
	for _, tt := range []struct {
		section actions.UserConfig
		kinds   []actions.Kind
		want    string // of the fault; empty: none
	}{
		{actions.UserConfig{}, nil, ""},
		{actions.UserConfig{ExecuteOn: []string{"add"}}, nil, ""},
		{actions.UserConfig{ExecuteOn: []string{"delete", "add"}, Hook: "/bin/true"}, []actions.Kind{actions.UserAdded, actions.UserDeleted}, ""},
		{actions.UserConfig{ExecuteOn: []string{"update"}, Hook: "https://h/x"}, []actions.Kind{actions.UserUpdated}, ""},
		{actions.UserConfig{ExecuteOn: []string{"updat"}, Hook: "/bin/true"}, nil, `execute_on.0: unknown event "updat"; did you mean "update"?`},
		{actions.UserConfig{Hook: "bin/true"}, nil, `hook: "bin/true" is neither an absolute path nor an http(s) URL`},
	} {
		err := tt.section.Validate()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%+v: %v, want %q", tt.section, err, tt.want)
		}
		if d := cmp.Diff(tt.kinds, tt.section.Kinds()); d != "" {
			t.Errorf("%+v: %s", tt.section, d)
		}
	}
}
