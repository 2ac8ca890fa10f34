// Package keyboard lets a program or a URL ask the questions of
// keyboard-interactive logins.
package keyboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"sftpgo/protocols/auth"
)

// Limits of one dialogue. Its time is limited by the caller.
const (
	maxRounds    = 20
	maxMessage   = 64 << 10 // bytes of one message of a hook
	maxQuestions = 100
)

// message is what a hook says.
type message struct {
	Instruction string   `json:"instruction"`
	Questions   []string `json:"questions"`
	Echos       []bool   `json:"echos"`
	// CheckPassword above 0: the answer to the one question is the password of the
	// account, which the server checks.
	CheckPassword int `json:"check_password"`
	// AuthResult is 1 to accept, 0 to go on; anything else rejects.
	AuthResult int `json:"auth_result"`
}

const (
	resultGoOn   = 0
	resultAccept = 1
	answerOK     = "OK" // what a hook is told instead of a right password
)

var (
	errNoVerdict = errors.New("the hook ended without a result")
	errRejected  = errors.New("the hook rejects")
	errRounds    = fmt.Errorf("the hook asked more than %d times", maxRounds)
)

func parseMessage(data []byte) (message, error) {
	var m message
	if err := json.Unmarshal(data, &m); err != nil {
		return message{}, fmt.Errorf("the hook's answer: %w", err)
	}
	switch {
	case m.AuthResult != resultGoOn:
	case len(m.Questions) == 0:
		return message{}, errors.New("the hook's answer has neither questions nor a result")
	case len(m.Questions) > maxQuestions:
		return message{}, fmt.Errorf("the hook asks more than %d questions at a time", maxQuestions)
	case len(m.Questions) != len(m.Echos):
		return message{}, fmt.Errorf("the hook asks %d questions with %d echos", len(m.Questions), len(m.Echos))
	}
	return m, nil
}

func (m message) questions() []auth.Question {
	list := make([]auth.Question, len(m.Questions))
	for i, text := range m.Questions {
		list[i] = auth.Question{Text: text, Echo: m.Echos[i]}
	}
	return list
}

// hook is one end of a dialogue. The first call of next has no answers.
type hook interface {
	next(ctx context.Context, asked, answers []string) (message, error)
}

// converse passes questions and answers on until the hook has decided.
func converse(ctx context.Context, h hook, c auth.Candidate, ask auth.Dialogue) error {
	var asked, answers []string
	for round := 0; ; round++ {
		m, err := h.next(ctx, asked, answers)
		switch {
		case err != nil:
			return err
		case m.AuthResult == resultAccept:
			return nil
		case m.AuthResult != resultGoOn:
			return errRejected
		case round == maxRounds:
			return errRounds
		}
		asked = m.Questions
		if answers, err = ask(ctx, m.Instruction, m.questions()); err != nil {
			return fmt.Errorf("the client: %w", err)
		}
		if len(answers) != len(asked) {
			return fmt.Errorf("the client answers %d of %d questions", len(answers), len(asked))
		}
		if m.CheckPassword > 0 && len(asked) == 1 {
			if err := c.Check(ctx, answers[0]); err != nil {
				return err
			}
			answers = []string{answerOK}
			continue
		}
		for _, answer := range answers {
			// Hooks read lines: one answer must not look like two.
			if strings.ContainsAny(answer, "\r\n\x00") {
				return errors.New("the client's answer is more than one line")
			}
		}
	}
}
