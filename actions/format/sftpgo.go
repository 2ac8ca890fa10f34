// Package format renders events in the dialects that receivers speak, one file
// per dialect.
package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"sftpgo/actions"
)

// SFTPGo is the dialect of the action contract: five arguments, the
// SFTPGO_ACTION variables, one JSON object. The zero value is ready to use, and
// says what the contract says, byte by byte.
type SFTPGo struct {
	// Extended adds what later versions of the contract tell, behind the rest.
	Extended bool
}

var _ actions.Format = SFTPGo{}

// Name returns the word by which the dialect, and the setting execute_on, calls
// a kind. False: the dialect has none.
func Name(k actions.Kind) (string, bool) {
	switch k {
	case actions.UploadDone, actions.UploadFailed, actions.UploadPart:
		return "upload", true
	case actions.DownloadDone:
		return "download", true
	case actions.UploadCheck:
		return "pre-upload", true
	case actions.UploadVerify:
		return "verify", true
	case actions.DownloadCheck:
		return "pre-download", true
	case actions.DeleteCheck:
		return "pre-delete", true
	case actions.DeleteDone:
		return "delete", true
	case actions.RenameDone:
		return "rename", true
	case actions.MkdirDone:
		return "mkdir", true
	case actions.RmdirDone:
		return "rmdir", true
	case actions.CopyDone:
		return "copy", true
	case actions.SSHCommand:
		return "ssh_cmd", true
	}
	return "", false
}

// payload is the JSON object; order and omission are part of the contract.
type payload struct {
	Action     string `json:"action"`
	Username   string `json:"username"`
	Path       string `json:"path"`
	TargetPath string `json:"target_path,omitempty"`
	SSHCmd     string `json:"ssh_cmd,omitempty"`
	FileSize   int64  `json:"file_size,omitempty"`
	FsProvider int    `json:"fs_provider"`
	Bucket     string `json:"bucket,omitempty"`
	Endpoint   string `json:"endpoint,omitempty"`
	Status     int    `json:"status"`
	Protocol   string `json:"protocol"`
}

// Render implements actions.Format. The id of the event is not part of the
// contract's payload: a program finds it in SFTPGO_ACTION_EVENT_ID, and an HTTP
// sink sends it as a header.
func (f SFTPGo) Render(e *actions.Event) (actions.Call, error) {
	name, ok := Name(e.Kind)
	if !ok {
		return actions.Call{}, fmt.Errorf("event kind %q has no name in the sftpgo format", e.Kind)
	}
	p := fields(name, e)
	env := environment(p, e.ID)
	seen := inspectedOf(e)
	var object any = struct {
		payload
		inspected
	}{p, seen}
	if f.Extended {
		l := laterOf(e)
		object = struct {
			payload
			later
			inspected
		}{p, l, seen}
		env = append(env, l.environment()...)
	} else if resumable(e) {
		env = append(env, "SFTPGO_ACTION_TRANSFER_ID="+e.Transfer.ID)
	}
	if resumable(e) {
		env = append(env, "SFTPGO_ACTION_SUBPROTOCOL=tus")
	}
	env = append(env, seen.environment("SFTPGO_ACTION_")...)
	var body bytes.Buffer
	// An Encoder, because receivers of the contract see <, > and & escaped and a
	// newline at the end.
	if err := json.NewEncoder(&body).Encode(object); err != nil {
		return actions.Call{}, fmt.Errorf("encode event %s: %w", e.ID, err)
	}
	return actions.Call{
		Args:        []string{p.Action, p.Username, p.Path, p.TargetPath, p.SSHCmd},
		Env:         env,
		Body:        body.Bytes(),
		ContentType: "application/json",
	}, nil
}

// fields applies what the contract says of each event: which have a target, a
// command, a size, and that some exist only for what succeeded.
func fields(name string, e *actions.Event) payload {
	p := payload{
		Action:     name,
		Username:   e.Session.User,
		Path:       e.Object.Path,
		FileSize:   e.Result.Size,
		FsProvider: e.Object.Provider,
		Bucket:     e.Object.Bucket,
		Endpoint:   actions.RedactURL(e.Object.Endpoint),
		Status:     int(e.Result.Status),
		Protocol:   e.Session.Protocol,
	}
	switch e.Kind {
	case actions.RenameDone:
		p.TargetPath, p.FileSize, p.Status = e.Object.TargetPath, 0, int(actions.StatusOK)
	case actions.SSHCommand:
		p.TargetPath, p.FileSize, p.SSHCmd = e.Object.TargetPath, 0, e.Object.SSHCommand
	case actions.CopyDone:
		p.TargetPath = e.Object.TargetPath
	case actions.DeleteCheck, actions.DeleteDone:
		p.Status = int(actions.StatusOK)
	}
	return p
}

// environment has all variables for every event, so that a script never sees one
// that it inherited.
func environment(p payload, id string) []string {
	return []string{
		"SFTPGO_ACTION=" + p.Action,
		"SFTPGO_ACTION_USERNAME=" + p.Username,
		"SFTPGO_ACTION_PATH=" + p.Path,
		"SFTPGO_ACTION_TARGET=" + p.TargetPath,
		"SFTPGO_ACTION_SSH_CMD=" + p.SSHCmd,
		"SFTPGO_ACTION_FILE_SIZE=" + strconv.FormatInt(p.FileSize, 10),
		"SFTPGO_ACTION_FS_PROVIDER=" + strconv.Itoa(p.FsProvider),
		"SFTPGO_ACTION_BUCKET=" + p.Bucket,
		"SFTPGO_ACTION_ENDPOINT=" + p.Endpoint,
		"SFTPGO_ACTION_STATUS=" + strconv.Itoa(p.Status),
		"SFTPGO_ACTION_PROTOCOL=" + p.Protocol,
		"SFTPGO_ACTION_EVENT_ID=" + id,
	}
}
