package ftpd

import (
	"context"
	"errors"
	"fmt"

	"github.com/fclairamb/ftpserverlib"
)

// turn is a command that this package carries out itself, in its place in the
// order of commands: the library is given SITE instead, waits as it does for a
// transfer that runs, makes sure of the login, and asks the driver. d is nil
// before the login, for those commands that open lists.
type turn func(ctx context.Context, d *driver) (reply, error)

// reply is the answer to one command. With a head it has several lines: the head,
// the body, each after a space, and text at the end.
type reply struct {
	code int
	text string
	head string
	body []string
}

// siteLine makes the library ask the driver.
const siteLine = "SITE\r\n"

// later has f carried out when its turn comes.
func (t *control) later(f turn) []byte {
	t.turn = f
	return []byte(siteLine)
}

// refuse answers a command in its turn.
func (t *control) refuse(r *refusal) []byte {
	return t.later(func(context.Context, *driver) (reply, error) { return reply{}, r })
}

// say sends a reply that needs no turn.
func (t *control) say(r reply) {
	t.sayBegin(r)
	t.reply(fmt.Sprintf("%d %s", r.code, lineBreaks.Replace(r.text)))
}

func (t *control) sayBegin(r reply) {
	if r.head == "" {
		return
	}
	lines := fmt.Appendf(nil, "%d-%s\r\n", r.code, lineBreaks.Replace(r.head))
	for _, line := range r.body {
		lines = append(append(append(lines, ' '), lineBreaks.Replace(line)...), "\r\n"...)
	}
	_, _ = t.writeLines(lines) // if that fails, the next read does too
}

// Site carries out the turn that control has left.
func (d *driver) Site(string) *ftpserver.AnswerCommand {
	f := d.c.control.turn
	d.c.control.turn = nil
	var r reply
	err := d.do("command", func(ctx context.Context) (err error) {
		if f == nil {
			return &refusal{500, "Unknown command"}
		}
		// The session ends after the library, which waits for us.
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(d.c.ctx, cancel)()
		r, err = f(ctx, d)
		return err
	})
	if err != nil {
		r = refused(err)
	}
	d.c.control.sayBegin(r)
	return &ftpserver.AnswerCommand{Code: r.code, Message: lineBreaks.Replace(r.text)}
}

// refused is the reply that an error stands for.
func refused(err error) reply {
	var no *refusal
	if !errors.As(refuse(err), &no) {
		return reply{}
	}
	return reply{code: no.code, text: no.text}
}
