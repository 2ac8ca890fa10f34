package session

import "context"

// Retry records what waits for the store.
func (m *Manager) Retry(ctx context.Context) int { return m.journal.retry(ctx) }
