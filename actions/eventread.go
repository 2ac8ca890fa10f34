package actions

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// ReadEvent is json.Unmarshal of an event, and quick for what AppendJSON has written,
// in an order that is known. text may change afterwards.
func ReadEvent(text []byte) (*Event, error) {
	e := &Event{}
	r := eventReader{rest: string(text)}
	if r.event(e); !r.odd && r.rest == "" {
		return e, nil
	}
	e = &Event{}
	if err := json.Unmarshal(text, e); err != nil {
		return nil, err
	}
	return e, nil
}

// eventReader reads in the order of AppendJSON. What is not so is odd, which says
// nothing about whether it is an event.
type eventReader struct {
	rest string
	odd  bool
}

func (r *eventReader) event(e *Event) {
	r.must(`{"id":`)
	e.ID = r.text()
	r.must(`,"kind":`)
	e.Kind = Kind(r.text())
	r.must(`,"time":`)
	e.Time = r.time()
	r.must(`,"session":`)
	r.session(&e.Session)
	r.must(`,"object":`)
	r.object(&e.Object)
	r.must(`,"result":`)
	r.result(&e.Result)
	if r.take(`,"transfer":`) {
		e.Transfer = &Transfer{}
		r.transfer(e.Transfer)
	}
	if r.take(`,"request":`) {
		e.Request = &Request{}
		r.request(e.Request)
	}
	r.must("}") // an account is odd
}

func (r *eventReader) session(s *Session) {
	r.must(`{"id":`)
	s.ID = r.text()
	r.must(`,"user":`)
	s.User = r.text()
	r.must(`,"protocol":`)
	s.Protocol = r.text()
	r.must(`,"remote_ip":`)
	s.RemoteIP = r.text()
	r.must("}")
}

func (r *eventReader) object(b *Object) {
	r.must(`{"name":`)
	b.Name = r.text()
	r.must(`,"path":`)
	b.Path = r.text()
	r.optText(`,"behind":`, &b.Behind)
	r.optText(`,"before_path":`, &b.BeforePath)
	r.optText(`,"target":`, &b.Target)
	r.optText(`,"target_path":`, &b.TargetPath)
	r.optText(`,"ssh_command":`, &b.SSHCommand)
	r.must(`,"provider":`)
	b.Provider = int(r.number(strconv.IntSize))
	r.optText(`,"bucket":`, &b.Bucket)
	r.optText(`,"endpoint":`, &b.Endpoint)
	r.must("}")
}

func (r *eventReader) result(v *Result) {
	r.must(`{"status":`)
	v.Status = Status(r.number(strconv.IntSize))
	r.must(`,"size":`)
	v.Size = r.number(64)
	if r.take(`,"elapsed":`) {
		v.Elapsed = time.Duration(r.number(64))
	}
	r.optText(`,"error":`, &v.Error)
	r.optTrue(`,"by_hook":`, &v.ByHook)
	r.must("}")
}

func (r *eventReader) transfer(t *Transfer) {
	r.must(`{"id":`)
	t.ID = r.text()
	r.must(`,"offset":`)
	t.Offset = r.number(64)
	if r.take(`,"length":`) {
		length := r.number(64)
		t.Length = &length
	}
	r.optTrue(`,"partial":`, &t.Partial)
	r.optTrue(`,"final":`, &t.Final)
	if r.take(`,"parts":`) {
		t.Parts = r.texts()
	}
	if r.take(`,"metadata":`) {
		t.Metadata = readMembers(r, r.text)
	}
	if r.take(`,"created":`) {
		t.Created = r.time()
	}
	r.optTrue(`,"overwrite":`, &t.Overwrite)
	if r.take(`,"previous_size":`) {
		t.PreviousSize = r.number(64)
	}
	r.optTrue(`,"resumed":`, &t.Resumed)
	if r.take(`,"open_flags":`) {
		t.OpenFlags = int(r.number(strconv.IntSize))
	}
	r.optText(`,"staged":`, &t.Staged)
	if r.take(`,"checksums":`) {
		t.Checksums = readMembers(r, r.text)
	}
	r.must("}")
}

func (r *eventReader) request(q *Request) {
	r.must(`{"method":`)
	q.Method = r.text()
	r.must(`,"uri":`)
	q.URI = r.text()
	if r.take(`,"header":`) {
		q.Header = readMembers(r, r.texts)
	}
	r.must("}")
}

// take passes over what is expected, if it is there.
func (r *eventReader) take(what string) (ok bool) {
	r.rest, ok = strings.CutPrefix(r.rest, what)
	return ok
}

func (r *eventReader) must(what string) {
	if !r.take(what) {
		r.fail()
	}
}

// fail ends the reading.
func (r *eventReader) fail() { r.odd, r.rest = true, "" }

// text reads a string.
func (r *eventReader) text() (s string) {
	if !r.take(`"`) {
		r.fail()
		return ""
	}
	plain := true
	for i := 0; i < len(r.rest); i++ {
		switch c := r.rest[i]; {
		case c == '"':
			s, r.rest = r.rest[:i], r.rest[i+1:]
			if plain || utf8.ValidString(s) && strings.IndexByte(s, '\\') < 0 {
				return s
			}
			var read string
			if json.Unmarshal([]byte(`"`+s+`"`), &read) != nil {
				r.fail()
			}
			return read
		case c == '\\':
			plain = false
			i++ // not the end, whatever it is
		case c < ' ':
			r.fail()
			return ""
		case c >= utf8.RuneSelf:
			plain = false
		}
	}
	r.fail()
	return ""
}

func (r *eventReader) optText(name string, to *string) {
	if r.take(name) {
		*to = r.text()
	}
}

func (r *eventReader) optTrue(name string, to *bool) {
	if r.take(name) {
		r.must("true")
		*to = true
	}
}

// number reads one that fits so many bits.
func (r *eventReader) number(bits int) int64 {
	end := 0
	for end < len(r.rest) && (r.rest[end] == '-' || r.rest[end] >= '0' && r.rest[end] <= '9') {
		end++
	}
	digits := r.rest[:end]
	n, err := strconv.ParseInt(digits, 10, bits)
	if unsigned := strings.TrimPrefix(digits, "-"); err != nil || len(unsigned) > 1 && unsigned[0] == '0' {
		r.fail()
		return 0
	}
	r.rest = r.rest[end:]
	return n
}

func (r *eventReader) time() (t time.Time) {
	end := strings.IndexByte(strings.TrimPrefix(r.rest, `"`), '"') + 2
	if len(r.rest) < end || t.UnmarshalJSON([]byte(r.rest[:end])) != nil {
		r.fail()
		return time.Time{}
	}
	r.rest = r.rest[end:]
	return t
}

func (r *eventReader) texts() []string {
	list := []string{}
	r.must("[")
	if r.take("]") {
		return list
	}
	for {
		list = append(list, r.text())
		if !r.take(",") {
			r.must("]")
			return list
		}
	}
}

// readMembers reads an object of values.
func readMembers[T any](r *eventReader, value func() T) map[string]T {
	members := map[string]T{}
	r.must("{")
	if r.take("}") {
		return members
	}
	for {
		name := r.text()
		r.must(":")
		members[name] = value()
		if !r.take(",") {
			r.must("}")
			return members
		}
	}
}
