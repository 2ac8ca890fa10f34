package webdavd

import "time"

// SetGrace shortens the grace period of a test.
func (s *Server) SetGrace(d time.Duration) { s.grace = d }
