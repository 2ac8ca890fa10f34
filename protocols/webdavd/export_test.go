package webdavd

import "time"

// SetLinger shortens the life of sessions between requests of a test.
func (s *Server) SetLinger(d time.Duration) { s.pool.SetLinger(d) }

// SetAnswerTime shortens the time that a client has before its login and after
// the answer.
func (s *Server) SetAnswerTime(d time.Duration) { s.answerTime = d }
