package inforedis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"sftpgo/dataprovider"
)

// Redis runs a script as one step. A time to live of 0 is for ever.
const (
	// KEYS: record. ARGV: text, time to live in ms.
	addScript = `
if ARGV[2] == '0' then
  return redis.call('SET', KEYS[1], ARGV[1], 'NX') and 1 or 0
end
return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0`

	// The same.
	saveScript = `
if ARGV[2] == '0' then
  return redis.call('SET', KEYS[1], ARGV[1], 'XX') and 1 or 0
end
return redis.call('SET', KEYS[1], ARGV[1], 'XX', 'PX', ARGV[2]) and 1 or 0`

	// KEYS: lease, waiter. ARGV: holder, time to live in ms.
	holdScript = `
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  redis.call('DEL', KEYS[2])
  return 1
end
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return 1
end
redis.call('SET', KEYS[2], '1', 'PX', ARGV[2])
return 0`

	// The same; 2: somebody waits.
	renewScript = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1 + redis.call('EXISTS', KEYS[2])`

	// KEYS: lease, waiter. ARGV: holder.
	freeScript = `
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1], KEYS[2])
end
return 0`
)

func (s *Store) leaseKey(id string) string  { return s.cfg.Prefix + "lease:" + id }
func (s *Store) waiterKey(id string) string { return s.cfg.Prefix + "waiter:" + id }

func (s *Store) lease(ctx context.Context, script *redis.Script, id, holder string, ttl time.Duration) (int64, error) {
	if _, ok := s.key(id); !ok {
		return 0, dataprovider.ErrNotFound
	}
	n, err := script.Run(ctx, s.client, []string{s.leaseKey(id), s.waiterKey(id)}, holder, ttl.Milliseconds()).Int64()
	switch {
	case err != nil:
		return 0, unavailable(err)
	case n == 0:
		return 0, dataprovider.ErrConflict
	}
	return n, nil
}

// Hold implements dataprovider.Uploads.
func (s *Store) Hold(ctx context.Context, id, holder string, ttl time.Duration) error {
	if _, err := s.lease(ctx, s.hold, id, holder, ttl); err != nil {
		return fmt.Errorf("hold upload %.100q: %w", id, err)
	}
	return nil
}

// Renew implements dataprovider.Uploads.
func (s *Store) Renew(ctx context.Context, id, holder string, ttl time.Duration) (wanted bool, err error) {
	n, err := s.lease(ctx, s.renew, id, holder, ttl)
	if err != nil {
		return false, fmt.Errorf("renew hold of upload %.100q: %w", id, err)
	}
	return n == 2, nil
}

// Release implements dataprovider.Uploads.
func (s *Store) Release(ctx context.Context, id, holder string) error {
	_, err := s.lease(ctx, s.free, id, holder, 0)
	if err != nil && !errors.Is(err, dataprovider.ErrConflict) && !errors.Is(err, dataprovider.ErrNotFound) {
		return fmt.Errorf("release upload %.100q: %w", id, err)
	}
	return nil
}
