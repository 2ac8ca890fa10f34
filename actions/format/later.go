package format

import (
	"encoding/json"
	"strconv"

	"sftpgo/actions"
)

// later is what versions after the contract add, under their names; and what they
// lack: existed and previous_size tell a new file from one that was overwritten,
// transfer_id what belongs to one upload.
type later struct {
	VirtualPath       string            `json:"virtual_path"`
	VirtualTargetPath string            `json:"virtual_target_path,omitempty"`
	IP                string            `json:"ip"`
	SessionID         string            `json:"session_id"`
	Timestamp         int64             `json:"timestamp"`         // Unix nanoseconds
	Elapsed           int64             `json:"elapsed,omitempty"` // milliseconds
	OpenFlags         int               `json:"open_flags,omitempty"`
	Metadata          map[string]string `json:"metadata,omitempty"`
	Existed           *bool             `json:"existed,omitempty"`
	PreviousSize      *int64            `json:"previous_size,omitempty"`
	TransferID        string            `json:"transfer_id,omitempty"`
}

func laterOf(e *actions.Event) later {
	l := later{
		VirtualPath: e.Object.Name, VirtualTargetPath: e.Object.Target,
		IP: e.Session.RemoteIP, SessionID: e.Session.ID,
		Elapsed: e.Result.Elapsed.Milliseconds(),
	}
	if !e.Time.IsZero() {
		l.Timestamp = e.Time.UnixNano()
	}
	t := e.Transfer
	if t == nil {
		return l
	}
	l.OpenFlags, l.Metadata, l.TransferID = t.OpenFlags, t.Metadata, t.ID
	if e.Kind != actions.DownloadCheck && e.Kind != actions.DownloadDone {
		l.Existed = &t.Overwrite
		if t.Overwrite {
			l.PreviousSize = &t.PreviousSize
		}
	}
	return l
}

// environment has all variables for every event but those of metadata, which those
// who know it expect only when there is some, and of the id of an upload.
func (l later) environment() []string {
	env := []string{
		"SFTPGO_ACTION_VIRTUAL_PATH=" + l.VirtualPath,
		"SFTPGO_ACTION_VIRTUAL_TARGET=" + l.VirtualTargetPath,
		"SFTPGO_ACTION_IP=" + l.IP,
		"SFTPGO_ACTION_SESSION_ID=" + l.SessionID,
		"SFTPGO_ACTION_TIMESTAMP=" + strconv.FormatInt(l.Timestamp, 10),
		"SFTPGO_ACTION_ELAPSED=" + strconv.FormatInt(l.Elapsed, 10),
		"SFTPGO_ACTION_OPEN_FLAGS=" + flags(l.OpenFlags),
		"SFTPGO_ACTION_EXISTED=" + known(l.Existed, strconv.FormatBool),
		"SFTPGO_ACTION_PREVIOUS_SIZE=" + known(l.PreviousSize, func(n int64) string { return strconv.FormatInt(n, 10) }),
	}
	if l.TransferID != "" {
		env = append(env, "SFTPGO_ACTION_TRANSFER_ID="+l.TransferID)
	}
	if len(l.Metadata) > 0 {
		text, err := json.Marshal(l.Metadata)
		if err == nil { // strings always can
			env = append(env, "SFTPGO_ACTION_METADATA="+string(text))
		}
	}
	return env
}

func flags(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func known[T any](v *T, text func(T) string) string {
	if v == nil {
		return ""
	}
	return text(*v)
}

// resumable reports whether an upload came by tus. The contract has no such uploads, so
// two variables tell, also where the rest is that of the contract.
func resumable(e *actions.Event) bool { return e.Session.Protocol == "HTTP" && e.Transfer != nil }
