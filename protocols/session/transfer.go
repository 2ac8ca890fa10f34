package session

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"sftpgo/actions"
	"sftpgo/vfs"
)

// Transfer is one upload or download. It is what the protocol libraries want:
// io.ReaderAt and io.WriterAt for SFTP, io.ReadWriteSeeker for FTP, the reading
// half of a file for WebDAV; io.WriterTo and io.ReaderFrom keep sendfile and
// splice. Read, Write, Seek, ReadFrom and WriteTo share one position and are
// for one goroutine; the rest is safe for concurrent use.
type Transfer struct {
	s     *Session
	name  string // under mu
	place string // of name in the storage, when it was asked for; under mu
	dir   Direction
	file  vfs.File
	start time.Time
	limit *rate.Limiter
	up    *upload // nil for a download

	origin *origin
	silent bool // a download that did not begin: nobody is told

	pieces inflight

	pos   int64        // of the sequential methods
	moved atomic.Int64 // bytes that went the way of dir

	mu       sync.Mutex
	err      error // the first failure
	closing  sync.Once
	closeErr error
}

// Name is the virtual name, parsed. It changes when the file is renamed meanwhile.
func (t *Transfer) Name() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.name
}

// located is the name and where that is in the storage.
func (t *Transfer) located() (name, path string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.place == "" {
		t.place = t.s.path(t.name)
	}
	return t.name, t.place
}

// call notes that the file has another name by now. The caller has the lock.
func (t *Transfer) call(name string) { t.name, t.place = name, "" }

// Stat tells the state of the open content, under the name the client knows.
func (t *Transfer) Stat() (fs.FileInfo, error) {
	info, err := t.file.Stat()
	if err != nil {
		return nil, err
	}
	return renamed{info, t.Name()}, nil
}

// TransferError tells that the transfer broke: the connection was lost, the
// body was too short. The first error decides; after nil nothing changes. It is
// the name that pkg/sftp and ftpserverlib look for.
func (t *Transfer) TransferError(err error) {
	if err == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
	}
}

func (t *Transfer) failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// check stands before every piece: the session lives and nothing has failed.
func (t *Transfer) check() error {
	if t.s.ctx.Err() != nil {
		return ErrClosed
	}
	return t.failure()
}

// Close ends the transfer: it publishes or drops an upload, settles quota and
// records the event. Its error is the answer to the client. Further calls return
// the same.
func (t *Transfer) Close() error {
	t.closing.Do(func() {
		defer t.s.drop(t)
		if !t.pieces.end(lastPiece) {
			t.s.log.Warn("the end of a transfer does not wait any longer for its last piece", "virtual_path", t.Name())
			if t.up != nil && t.up.held {
				t.TransferError(refuse("upload", t.Name(), vfs.ErrBusy)) // it could come after the hook has looked
			}
		}
		t.inspect()
		ctx, cancel := detached(withOrigin(t.s.ctx, t.origin))
		defer cancel()
		switch {
		case t.up != nil && t.up.end != nil:
			t.closeErr = t.up.end(ctx)
		case t.up != nil:
			t.closeErr = t.closeUpload(ctx)
		default:
			t.closeErr = t.closeDownload(ctx)
		}
	})
	return t.closeErr
}

func (t *Transfer) closeDownload(ctx context.Context) error {
	if err := t.file.Close(); err != nil {
		t.TransferError(fmt.Errorf("close %q: %w", t.Name(), err))
	}
	if t.silent {
		return t.failure()
	}
	e := t.event(ctx, actions.DownloadDone)
	t.finish(&e, t.moved.Load(), t.failure())
	var line inLine
	if err := t.s.m.journal.settle(ctx, 0, &e, "", noAmount, along{line: &line}); err != nil {
		t.s.log.Error("event of a download waits for the data store", "error", err)
	}
	t.s.linger(ctx, &line)
	return t.failure()
}

// finish completes the event of a transfer, counts it and writes its log record. It
// returns what is to be told: nothing of what is part of something else.
func (t *Transfer) finish(e *actions.Event, size int64, err error) *actions.Event {
	if t.up != nil && t.up.quiet {
		return nil
	}
	e.Result.Elapsed = time.Since(t.start)
	ended(e, size, err)
	t.s.m.metrics.TransferDone(t.dir, t.moved.Load(), err)
	t.record(e, err)
	return e
}

// record writes the log record of a transfer. The keys and their order are what
// log parsers of this field rely on; new ones go to the end.
func (t *Transfer) record(e *actions.Event, err error) {
	sender, level, text := "Upload", slog.LevelInfo, ""
	if t.dir == Download {
		sender = "Download"
	}
	if err != nil {
		level, text = slog.LevelWarn, err.Error()
	}
	t.s.m.log.LogAttrs(t.s.ctx, level, "",
		slog.String("sender", sender),
		slog.Int64("elapsed_ms", e.Result.Elapsed.Milliseconds()),
		slog.Int64("size_bytes", t.moved.Load()),
		slog.String("username", t.s.user.Username),
		slog.String("file_path", e.Object.Path),
		slog.String("connection_id", t.s.peer.ID),
		slog.String("protocol", t.s.peer.Protocol),
		slog.Int("status", int(e.Result.Status)),
		slog.String("error", text),
		slog.String("remote_addr", t.s.remote),
		slog.String("virtual_path", e.Object.Name),
	)
}

// limiterFor takes the bandwidth limit that all transfers of the user share.
func (s *Session) limiterFor(d Direction) *rate.Limiter {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if d == Upload {
		return s.account.up
	}
	return s.account.down
}
