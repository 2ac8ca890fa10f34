package session

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"sftpgo/actions"
)

// ErrMetadata: metadata of an upload are not in the form of tus.
var ErrMetadata = errors.New("malformed metadata")

// ParseMetadata reads Upload-Metadata: pairs of a key and a value in base64, separated
// by commas. A value may be left out. Keys are not empty and not repeated, values are
// text; else it is ErrMetadata.
func ParseMetadata(raw string) (map[string]string, error) {
	fields := map[string]string{}
	if raw == "" {
		return fields, nil
	}
	for pair := range strings.SplitSeq(raw, ",") {
		key, encoded, _ := strings.Cut(strings.Trim(pair, " \t"), " ")
		value, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
		_, twice := fields[key]
		switch {
		case key == "" || !visible(key):
			return nil, fmt.Errorf("%w: a key is not text without spaces", ErrMetadata)
		case twice:
			return nil, fmt.Errorf("%w: a key is repeated", ErrMetadata)
		case err != nil:
			return nil, fmt.Errorf("%w: a value is not in base64", ErrMetadata)
		case !utf8.Valid(value):
			return nil, fmt.Errorf("%w: a value is not text", ErrMetadata)
		}
		fields[key] = string(value)
	}
	return fields, nil
}

// formatMetadata writes what ParseMetadata reads.
func formatMetadata(fields map[string]string) string {
	var list []string
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if key == "" || !visible(key) || strings.Contains(key, ",") {
			continue // it cannot be written
		}
		list = append(list, strings.TrimSuffix(key+" "+base64.StdEncoding.EncodeToString([]byte(fields[key])), " "))
	}
	return strings.Join(list, ",")
}

func visible(key string) bool {
	return !strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' })
}

// describe adds to an event what is known of the upload.
func (u *Resumable) describe(e *actions.Event) {
	if e.Transfer == nil {
		e.Transfer = &actions.Transfer{}
	}
	t, rec := e.Transfer, &u.rec
	t.ID, t.Offset, t.Created = rec.ID, u.size, rec.Created
	t.Partial, t.Final, t.Parts = rec.Partial, rec.Final, rec.Parts
	t.Metadata, _ = ParseMetadata(rec.Metadata) // it was read before
	if rec.Length >= 0 {
		length := rec.Length
		t.Length = &length
	}
	if e.Kind == actions.UploadCheck {
		t.Offset = 0
	}
	e.Request = u.s.m.journal.told(u.origin)
}

func (u *Resumable) event(ctx context.Context, kind actions.Kind) actions.Event {
	name := u.rec.Name
	if name == "" {
		name = u.rec.Data
	}
	e := u.s.event(ctx, kind, name)
	u.describe(&e)
	e.Result.Size = u.size
	return e
}

// ask asks the hooks a question; an error is their refusal.
func (u *Resumable) ask(ctx context.Context, kind actions.Kind) (actions.Verdict, error) {
	if !u.s.m.journal.hooks.Wants(kind) {
		return actions.Verdict{}, nil
	}
	e := u.event(ctx, kind)
	u.s.lookBehind(ctx, &e)
	return u.s.ask(ctx, "upload", &e)
}

// tell records an event that changes no usage.
func (u *Resumable) tell(ctx context.Context, kind actions.Kind) {
	if u.s.m.journal.hooks.Wants(kind) {
		e := u.event(ctx, kind)
		u.record(ctx, &e)
	}
}

func (u *Resumable) record(ctx context.Context, e *actions.Event) {
	if err := u.s.m.journal.settle(ctx, 0, e, "", noAmount, along{}); err != nil {
		u.s.log.Error("event of an upload waits for the data store", "error", err)
	}
}

// progress tells what a request did before its upload was complete. Dialects that
// know one event of a request leave these out when a stronger one follows.
func (u *Resumable) progress(ctx context.Context) {
	if u.fresh {
		u.tell(ctx, actions.UploadOpen)
	}
	if u.size > u.begin {
		u.tell(ctx, actions.UploadPart)
	}
}

// failed tells that an upload came to a bad end, or that the quota stopped it.
func (u *Resumable) failed(ctx context.Context, cause error) {
	if u.rec.Partial || !u.s.m.journal.hooks.Wants(actions.UploadFailed) {
		return
	}
	e := u.event(ctx, actions.UploadFailed)
	fail(&e, cause)
	u.record(ctx, &e)
}

// overQuota tells of an upload that the quota stopped, and returns why.
func (u *Resumable) overQuota(ctx context.Context, err error) error {
	if isSpaceLimit(err) {
		u.failed(ctx, err)
	}
	return err
}
