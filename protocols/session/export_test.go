package session

import (
	"context"
	"time"
)

// RestAfter is how long the sweep of uploads waits after one that took so long.
func RestAfter(took time.Duration) time.Duration { return restAfter(took) }

// Retry records what waits for the store.
func (m *Manager) Retry(ctx context.Context) int { return m.journal.retry(ctx) }
