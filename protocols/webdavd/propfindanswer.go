package webdavd

import "sftpgo/protocols/session"

// propfindAnswer is the multi-status answer of a PROPFIND as it is written.
type propfindAnswer struct {
	q       *request
	want    query
	b       []byte // not sent yet
	members *session.Members
	held    []resource // wait until their dead properties are read, many at a time
}

// answer begins with the resource itself.
func (q *request) answer(want query, top *resource, d depth) (*propfindAnswer, error) {
	a := &propfindAnswer{q: q, want: want, b: startMultistatus(make([]byte, 0, flushAt+flushAt/4))}
	var err error
	if want.stored() {
		if top.dead, err = q.s.Properties(q.Context(), q.name); err != nil {
			return nil, err
		}
		if d == children {
			if a.members, err = q.s.Members(q.Context(), q.name); err != nil {
				return nil, err
			}
		}
	}
	a.b = want.append(a.b, top)
	top.dead = nil // what is in a collection begins as a copy of it
	return a, nil
}

// add answers for a member.
func (a *propfindAnswer) add(r *resource) error {
	if a.members == nil {
		return a.write(r)
	}
	a.held = append(a.held, *r)
	if len(a.held) < session.MaxMembers {
		return nil
	}
	return a.release()
}

// release answers for the members that wait.
func (a *propfindAnswer) release() error {
	if len(a.held) == 0 {
		return nil
	}
	names := make([]string, len(a.held))
	for i, r := range a.held {
		names[i] = r.base
	}
	dead, err := a.members.Properties(a.q.Context(), names)
	if err != nil {
		return err
	}
	for i := range a.held {
		a.held[i].dead = dead[names[i]]
		if err := a.write(&a.held[i]); err != nil {
			return err
		}
	}
	a.held = a.held[:0]
	return nil
}

func (a *propfindAnswer) write(r *resource) (err error) {
	if a.b = a.want.append(a.b, r); len(a.b) >= flushAt {
		a.b, err = a.q.flush(a.b)
	}
	return err
}

// end sends the rest.
func (a *propfindAnswer) end() error {
	if err := a.release(); err != nil {
		return err
	}
	_, err := a.q.flush(append(a.b, "</D:multistatus>\n"...))
	return err
}
