package session

// CheckName refuses, with a line in the log, a name that no operation accepts
// (vfs.ErrName). The operations do so themselves; this is for front-ends whose
// library repairs a name, such as one that climbs above the root, before the
// operation sees it. Relative names begin at dir.
func (s *Session) CheckName(op, dir, raw string) error {
	_, err := parseIn(op, dir, raw)
	s.failed(op, raw, err)
	return err
}
