package webdavd

import "time"

// SetGrace shortens the grace period of a test.
func (s *Server) SetGrace(d time.Duration) { s.grace = d }

// SetLinger shortens the life of sessions between requests of a test.
func (s *Server) SetLinger(d time.Duration) { s.pool.linger = d }
