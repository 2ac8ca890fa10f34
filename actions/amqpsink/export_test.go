package amqpsink

// Size returns how many connections and channels there are.
func Size(s *Sink) (connections, channels int) {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	for _, c := range s.pool.connections {
		channels += c.links
	}
	return len(s.pool.connections), channels
}
