package sftp

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/synctest"
)

// requests is a stream of n equal requests.
func requests(n int) io.Reader { return bytes.NewReader(bytes.Repeat(frame(5, 0, 0, 0, 1), n)) }

// readAll counts what the shim hands out.
func readAll(s *shim) (frames *int, done chan error) {
	frames, done = new(int), make(chan error, 1)
	go func() {
		b := make([]byte, len(frame(5, 0, 0, 0, 1)))
		for {
			if _, err := io.ReadFull(s, b); err != nil {
				done <- err
				return
			}
			*frames++
		}
	}()
	return frames, done
}

func TestRequestsWaitForAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShim(&pipe{Reader: requests(3 * maxPending)})
		frames, done := readAll(s)
		synctest.Wait()
		if *frames != maxPending {
			t.Errorf("%d requests are under way, want %d", *frames, maxPending)
		}
		answer := frame(101, 0, 0, 0, 1)
		for _, b := range bytes.Repeat(answer, 3) { // half an answer makes no room
			if _, err := s.Write([]byte{b}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if *frames != maxPending+3 {
			t.Errorf("%d requests after 3 answers, want %d", *frames, maxPending+3)
		}
		if _, err := s.Write(bytes.Repeat(answer, 3*maxPending-3)); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != io.EOF || *frames != 3*maxPending {
			t.Errorf("%d requests, then %v", *frames, err)
		}
	})
}

// deaf is a client that answers can no longer be sent to.
type deaf struct{ pipe }

func (*deaf) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestNobodyWaitsForAnswersThatCannotBeSent(t *testing.T) {
	for name, end := range map[string]func(*shim){
		"write": func(s *shim) { _, _ = s.Write(frame(101, 0, 0, 0, 1)) },
		"close": func(s *shim) { _ = s.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShim(&deaf{pipe{Reader: requests(maxPending + 1)}})
				_, done := readAll(s)
				synctest.Wait()
				end(s)
				if err := <-done; !errors.Is(err, io.ErrClosedPipe) {
					t.Errorf("read: %v", err)
				}
			})
		})
	}
}
