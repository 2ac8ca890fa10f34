package dataprovider_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sftpgo/dataprovider"
)

func TestPatched(t *testing.T) {
	old := alice(t)
	got, err := old.Patched([]byte(`{"max_sessions":9,"permissions":{"/":["*"]},"description":null,
		"filters":{"file_patterns":[{"path":"/new"}],"max_upload_file_size":1}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := alice(t)
	want.MaxSessions = 9
	want.Permissions = map[string][]string{"/": {"*"}}
	want.Filters.MaxUploadFileSize = 1
	// Nothing of the element that was there before is inherited.
	want.Filters.FilePatterns = []dataprovider.PatternsFilter{{Path: "/new"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(alice(t), old); diff != "" {
		t.Errorf("the old record changed:\n%s", diff)
	}
}

func TestPatchedFaults(t *testing.T) {
	_, err := dataprovider.User{}.Patched([]byte(`{"usernam":"a","Status":1,"home":"/x","zzzzzz":1,"quota_size":"big","uid":1.5,
		"public_keys":"k","filters":{"allow_ip":[],"file_patterns":[{"path":"/","denied_pattern":[]}]},"filesystem":[],"password":7}`))
	if !errors.Is(err, dataprovider.ErrInvalid) {
		t.Fatal(err)
	}
	want := []string{
		`validation error: Status: unknown key; did you mean "status"?`,
		`filesystem: a list does not fit: object wanted`,
		`filters.allow_ip: unknown key; did you mean "allowed_ip"?`,
		`filters.file_patterns[0].denied_pattern: unknown key; did you mean "denied_patterns"?`,
		`home: unknown key`,
		`password: this number does not fit: string wanted`,
		`public_keys: a string does not fit: list wanted`,
		`quota_size: a string does not fit: whole number wanted`,
		`uid: this number does not fit: whole number wanted`,
		`usernam: unknown key; did you mean "username"?`,
		`zzzzzz: unknown key`,
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, doc := range []string{"", "nonsense", "[]", "null", "1", "{} {}", `{"username":"a"`} {
		if _, err := (dataprovider.User{}).Patched([]byte(doc)); !errors.Is(err, dataprovider.ErrInvalid) {
			t.Errorf("%q: %v", doc, err)
		}
	}
}
