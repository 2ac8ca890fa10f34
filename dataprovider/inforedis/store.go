// Package inforedis keeps resumable uploads in Redis, for servers that share the
// storage but no directory of records.
package inforedis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"sftpgo/dataprovider"
)

// batch is how many keys one answer of Redis has.
const batch = 500

// longestID keeps keys from becoming a burden; it is more than a hook needs.
const longestID = 1024

// Config says where Redis is and how long it keeps what.
type Config struct {
	// URL is redis://user:password@host:6379/0, rediss:// with TLS, or
	// unix:///path?db=0.
	URL string
	// Prefix begins all keys; empty is "sftpgo:tus:".
	Prefix string
	// Expiration is how long the record of an upload outlives its last change; 0
	// is for ever. That of one that still takes data stays a day longer, so that
	// there is time to remove its data, too.
	Expiration time.Duration
}

// grace is that day.
const grace = 24 * time.Hour

const defaultPrefix = "sftpgo:tus:"

// Store implements dataprovider.Uploads.
type Store struct {
	cfg    Config
	client *redis.Client
	add    *redis.Script
	save   *redis.Script
	hold   *redis.Script
	renew  *redis.Script
	free   *redis.Script
}

var _ dataprovider.Uploads = (*Store)(nil)

// Open connects, and returns ErrUnavailable where nobody answers. Errors do not
// have the password in them.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.Prefix == "" {
		cfg.Prefix = defaultPrefix
	}
	options, err := redis.ParseURL(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("redis: %w: not a URL like redis://user:password@host:6379/0", dataprovider.ErrInvalid)
	}
	s := &Store{
		cfg: cfg, client: redis.NewClient(options),
		add: redis.NewScript(addScript), save: redis.NewScript(saveScript), hold: redis.NewScript(holdScript),
		renew: redis.NewScript(renewScript), free: redis.NewScript(freeScript),
	}
	if err := s.client.Ping(ctx).Err(); err != nil {
		return nil, errors.Join(fmt.Errorf("redis at %s: %w", place(cfg.URL), unavailable(err)), s.client.Close())
	}
	return s, nil
}

// place names the server without who may use it.
func place(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the given URL"
	}
	if u.Host == "" {
		return u.Path
	}
	return u.Host
}

// Close ends the connections.
func (s *Store) Close() error { return s.client.Close() }

// unavailable tells a server that cannot be asked from an answer.
func unavailable(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w: %w", dataprovider.ErrUnavailable, err)
}

// key is that of the record. False: no upload can have the id.
func (s *Store) key(id string) (string, bool) {
	return s.cfg.Prefix + "upload:" + id, id != "" && len(id) <= longestID
}

// Add implements dataprovider.Uploads.
func (s *Store) Add(ctx context.Context, u dataprovider.Upload) error {
	key, ok := s.key(u.ID)
	if !ok {
		return fmt.Errorf("add upload: %w: empty or too long", dataprovider.ErrInvalid)
	}
	text, err := encode(u)
	if err != nil {
		return fmt.Errorf("add upload %s: %w", u.ID, err)
	}
	added, err := s.add.Run(ctx, s.client, []string{key}, text, s.ttl(u).Milliseconds()).Bool()
	switch {
	case err != nil && !errors.Is(err, redis.Nil):
		return fmt.Errorf("add upload %s: %w", u.ID, unavailable(err))
	case !added:
		return fmt.Errorf("add upload %s: %w", u.ID, dataprovider.ErrExists)
	}
	return nil
}

// ttl is 0 for what stays for ever.
func (s *Store) ttl(u dataprovider.Upload) time.Duration {
	switch {
	case s.cfg.Expiration == 0:
		return 0
	case u.State == dataprovider.UploadOpen || u.State == dataprovider.UploadVerifying:
		return s.cfg.Expiration + grace
	}
	return s.cfg.Expiration
}

// Get implements dataprovider.Uploads.
func (s *Store) Get(ctx context.Context, id string) (dataprovider.Upload, error) {
	u, err := s.get(ctx, id)
	if err != nil {
		return dataprovider.Upload{}, fmt.Errorf("upload %.100q: %w", id, err)
	}
	return u, nil
}

func (s *Store) get(ctx context.Context, id string) (dataprovider.Upload, error) {
	key, ok := s.key(id)
	if !ok {
		return dataprovider.Upload{}, dataprovider.ErrNotFound
	}
	text, err := s.client.Get(ctx, key).Bytes()
	switch {
	case errors.Is(err, redis.Nil):
		return dataprovider.Upload{}, dataprovider.ErrNotFound
	case err != nil:
		return dataprovider.Upload{}, unavailable(err)
	}
	return decode(text)
}

func encode(u dataprovider.Upload) ([]byte, error) { return json.Marshal(u) }

func decode(text []byte) (u dataprovider.Upload, err error) {
	if err := json.Unmarshal(text, &u); err != nil {
		return u, fmt.Errorf("%w: the value is no record of an upload", dataprovider.ErrUnavailable)
	}
	return u, nil
}

// Save implements dataprovider.Uploads.
func (s *Store) Save(ctx context.Context, u dataprovider.Upload) error {
	key, ok := s.key(u.ID)
	if !ok {
		return fmt.Errorf("save upload %.100q: %w", u.ID, dataprovider.ErrNotFound)
	}
	text, err := encode(u)
	if err != nil {
		return fmt.Errorf("save upload %s: %w", u.ID, err)
	}
	saved, err := s.save.Run(ctx, s.client, []string{key}, text, s.ttl(u).Milliseconds()).Bool()
	switch {
	case err != nil && !errors.Is(err, redis.Nil):
		return fmt.Errorf("save upload %.100q: %w", u.ID, unavailable(err))
	case !saved:
		return fmt.Errorf("save upload %.100q: %w", u.ID, dataprovider.ErrNotFound)
	}
	return nil
}

// Delete implements dataprovider.Uploads.
func (s *Store) Delete(ctx context.Context, id string) error {
	key, ok := s.key(id)
	if !ok {
		return nil
	}
	if err := s.client.Del(ctx, key, s.leaseKey(id), s.waiterKey(id)).Err(); err != nil {
		return fmt.Errorf("delete upload %.100q: %w", id, unavailable(err))
	}
	return nil
}

// List implements dataprovider.Uploads.
func (s *Store) List(ctx context.Context, owner, after string) iter.Seq2[dataprovider.Upload, error] {
	return func(yield func(dataprovider.Upload, error) bool) {
		keys, err := s.keys(ctx, after)
		if err != nil {
			yield(dataprovider.Upload{}, fmt.Errorf("list uploads: %w", unavailable(err)))
			return
		}
		for chunk := range slices.Chunk(keys, batch) {
			values, err := s.client.MGet(ctx, chunk...).Result()
			if err != nil {
				yield(dataprovider.Upload{}, fmt.Errorf("list uploads: %w", unavailable(err)))
				return
			}
			for _, v := range values {
				text, ok := v.(string)
				if !ok {
					continue // gone since
				}
				u, err := decode([]byte(text))
				if err == nil && owner != "" && u.Owner != owner {
					continue
				}
				if !yield(u, err) || err != nil {
					return
				}
			}
		}
	}
}

// keys are those of the records of ids behind the one given, in order.
func (s *Store) keys(ctx context.Context, after string) ([]string, error) {
	first, _ := s.key("")
	var keys []string
	pattern := escapeGlob(first) + "*"
	for it := s.client.Scan(ctx, 0, pattern, batch).Iterator(); ; {
		if !it.Next(ctx) {
			if err := it.Err(); err != nil {
				return nil, err
			}
			break
		}
		if key := it.Val(); key > first+after {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil // SCAN may give a key twice
}

// escapeGlob takes the meaning from the signs of a pattern.
func escapeGlob(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(text)
}
