package execsink

import (
	"io"
	"os"
	"slices"
	"sync"
)

// input writes the body to a program. Whether the program reads it is its own
// business.
type input struct {
	r, w    *os.File
	writing sync.WaitGroup
}

// newInput returns nil for empty input.
func (s *Sink) newInput(body []byte) (*input, error) {
	if s.cfg.Stdin == StdinEmpty {
		return nil, nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	if n := len(body); n > 0 && body[n-1] != '\n' {
		body = append(slices.Clip(body), '\n') // for what reads lines
	}
	in := &input{r: r, w: w}
	in.writing.Go(func() {
		_, _ = w.Write(body) // a program that has read enough closes the pipe
		_ = w.Close()
	})
	return in, nil
}

// reader is what exec.Cmd takes for Stdin: a file goes to the program as it is.
func (in *input) reader() io.Reader {
	if in == nil {
		return nil
	}
	return in.r
}

// started leaves the reading end to the program alone, so that writing ends when
// the program does.
func (in *input) started() {
	if in != nil {
		_ = in.r.Close()
	}
}

// end gives up on what was not read; nobody will read it.
func (in *input) end() {
	if in == nil {
		return
	}
	_ = in.r.Close() // again, when the program was started
	_ = in.w.Close()
	in.writing.Wait()
}
