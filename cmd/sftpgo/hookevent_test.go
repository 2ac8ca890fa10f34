package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// hookEvent is all that the contract tells a hook of an event.
type hookEvent struct {
	Action     string `json:"action"`
	Username   string `json:"username"`
	Path       string `json:"path"`
	TargetPath string `json:"target_path"`
	SSHCmd     string `json:"ssh_cmd"`
	FileSize   int64  `json:"file_size"`
	FsProvider int    `json:"fs_provider"`
	Bucket     string `json:"bucket"`
	Endpoint   string `json:"endpoint"`
	Status     int    `json:"status"`
	Protocol   string `json:"protocol"`
}

// told is an event with its identity.
type told struct {
	id string
	hookEvent
}

// toldOf reads what a program or an endpoint got.
func toldOf(r received) (told, error) {
	if r.Body != "" {
		return toldByHTTP(r)
	}
	return toldByProgram(r)
}

func toldByHTTP(r received) (t told, err error) {
	d := json.NewDecoder(bytes.NewReader([]byte(r.Body)))
	d.DisallowUnknownFields()
	t.id = r.Header["Idempotency-Key"]
	if err := d.Decode(&t.hookEvent); err != nil {
		return t, fmt.Errorf("body %q: %w", r.Body, err)
	}
	return t, nil
}

func toldByProgram(r received) (t told, err error) {
	text := func(name string) string {
		value, ok := r.Env["SFTPGO_ACTION"+name]
		if !ok && err == nil {
			err = fmt.Errorf("no SFTPGO_ACTION%s in %v", name, r.Env)
		}
		return value
	}
	number := func(name string) int64 {
		n, perr := strconv.ParseInt(text(name), 10, 64)
		if perr != nil && err == nil {
			err = perr
		}
		return n
	}
	t.id = text("_EVENT_ID")
	t.hookEvent = hookEvent{
		Action: text(""), Username: text("_USERNAME"), Path: text("_PATH"), TargetPath: text("_TARGET"),
		SSHCmd: text("_SSH_CMD"), FileSize: number("_FILE_SIZE"), FsProvider: int(number("_FS_PROVIDER")),
		Bucket: text("_BUCKET"), Endpoint: text("_ENDPOINT"), Status: int(number("_STATUS")), Protocol: text("_PROTOCOL"),
	}
	if args := []string{t.Action, t.Username, t.Path, t.TargetPath, t.SSHCmd}; !slices.Equal(args, r.Args) {
		return t, fmt.Errorf("arguments %q, variables say %q", r.Args, args)
	}
	return t, err
}

// readTold reads the file that a hook wrote. Each event counts once; they come in
// the order in which they happened, which is that of their ids.
func readTold(path string) ([]told, error) {
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	byID := map[string]told{}
	for line := range strings.Lines(string(data)) {
		if !strings.HasSuffix(line, "\n") {
			break // being written
		}
		var r received
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return nil, fmt.Errorf("line %q: %w", line, err)
		}
		t, err := toldOf(r)
		if err != nil {
			return nil, err
		}
		if before, twice := byID[t.id]; twice && before != t {
			return nil, fmt.Errorf("one id, two events: %+v and %+v", before, t)
		}
		byID[t.id] = t
	}
	list := make([]told, 0, len(byID))
	for _, t := range byID {
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b told) int { return strings.Compare(a.id, b.id) })
	return list, nil
}
