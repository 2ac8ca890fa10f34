package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"time"

	"sftpgo/actions"
	"sftpgo/actions/outbox"
	"sftpgo/protocols"
)

// question completes the event of a question about an upload. The content to look at
// is what lies at the path on this host; without a file it is empty.
func (s sample) question(e *actions.Event) error {
	e.Transfer = &actions.Transfer{ID: "00000000-0000-4000-8000-000000000000", Created: e.Time, Length: &s.size}
	if e.Kind == actions.UploadCheck {
		e.Result.Size, e.Transfer.OpenFlags = 0, os.O_WRONLY|os.O_CREATE|os.O_TRUNC
		return nil
	}
	sum := sha256.New()
	e.Result.Size = 0
	f, err := os.Open(e.Object.Path)
	if err == nil {
		defer f.Close()
		e.Result.Size, err = io.Copy(sum, f)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--home: %w", err)
	}
	e.Transfer.Offset, e.Transfer.Length = e.Result.Size, &e.Result.Size
	e.Transfer.Staged = e.Object.Path
	e.Transfer.Checksums = map[string]string{"sha256": hex.EncodeToString(sum.Sum(nil))}
	return nil
}

// gateOf reads the answers of a hook as the server does.
func gateOf(h configuredHook, section actions.Config, receiver outbox.Receiver) outbox.Gate {
	if h.single {
		return outbox.ActionsGate(section, receiver)
	}
	return outbox.GateOf(h.entry, receiver)
}

// askOnce asks the hook and explains what the server makes of the answer.
func askOnce(ctx context.Context, out io.Writer, gate outbox.Gate, e *actions.Event) error {
	ctx, cancel := context.WithTimeout(ctx, max(outbox.DefaultConfig().AskLimit, gate.Manner.Limit))
	defer cancel()
	start := time.Now()
	answer, err := gate.Asker.Ask(ctx, e)
	took := time.Since(start).Round(time.Millisecond)
	if answer.Status != 0 {
		fmt.Fprintf(out, "status: %d\n", answer.Status)
	}
	if len(answer.Body) > 0 {
		fmt.Fprintf(out, "body: %s\n", strconv.Quote(string(answer.Body)))
	}
	if answer.Output != "" && answer.Output != string(answer.Body) {
		fmt.Fprintf(out, "output: %s\n", strconv.Quote(answer.Output))
	}
	verdict, err := gate.Read(e.Kind, answer, err)
	fmt.Fprintf(out, "answer: after %v; %s\n", took, meaning(gate, e.Kind, verdict, err))
	if errors.Is(err, actions.ErrUnanswered) {
		return err
	}
	return nil
}

// meaning says what the server does.
func meaning(gate outbox.Gate, k actions.Kind, v actions.Verdict, err error) string {
	handles := gate.Manner.Handles && k == actions.DeleteCheck
	switch {
	case handles && err != nil:
		return "the hook has not deleted the file, the server does"
	case errors.Is(err, actions.ErrUnanswered) && gate.Manner.OnError == outbox.Allow:
		return "that is no answer; on_error is allow, so the server goes on"
	case errors.Is(err, actions.ErrUnanswered):
		return "that is no answer, so the client is refused: " + clientIsTold(err)
	case err != nil:
		return "the hook refuses, and the client is told: " + clientIsTold(err)
	}
	switch v.Decision {
	case actions.Handled:
		return "the hook has deleted the file, the server does not"
	case actions.Rename:
		return "the hook agrees, and the upload goes to " + strconv.Quote(v.Name)
	case actions.Quarantine:
		return "the content is kept as " + strconv.Quote(v.Name) + ", and the client is told: " + clientIsTold(v.Denial)
	}
	return "the hook agrees, the server goes on"
}

func clientIsTold(err error) string {
	st := protocols.StatusOf(err)
	return fmt.Sprintf("SFTP status %d, FTP %d, HTTP %d, %s", st.SFTP, st.FTP, st.HTTP, strconv.Quote(st.Text))
}
