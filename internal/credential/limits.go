package credential

import (
	"context"
	"crypto/sha256"
	"strings"
	"time"

	"gatehouse/internal/fault"
)

// Bucket is a limit: so many at once, then one more each interval.
type Bucket struct {
	// Key is SHA-256 of what is limited: 32 bytes.
	Key   []byte
	Burst int
	Every time.Duration
}

// Take computes what a bucket holds after one more event at now. full is when it will be full again, as stored; the zero time is a
// bucket never used. A positive wait says that it is empty: then nothing is taken (GCRA, ITU-T I.371).
func (b Bucket) Take(full, now time.Time) (next time.Time, wait time.Duration) {
	if full.Before(now) {
		full = now
	}
	next = full.Add(b.Every)
	if over := next.Sub(now) - time.Duration(b.Burst)*b.Every; over > 0 {
		return full, over
	}
	return next, 0
}

// Return computes what a bucket holds after one event was taken back.
func (b Bucket) Return(full time.Time) time.Time { return full.Add(-b.Every) }

func bucket(burst int, every time.Duration, words ...string) Bucket {
	h := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	return Bucket{h[:], burst, every}
}

// passwordBuckets are the limits of one guess of a password. A browser that the person signed in with before has its own, so that no
// stranger's guesses keep her out there.
func passwordBuckets(who, known, place string) []Bucket {
	if known != "" {
		return []Bucket{bucket(10, time.Minute, "password", who, "known", known)}
	}
	return []Bucket{
		bucket(5, time.Minute, "password", who, "at", place),
		userBucket(who),
		bucket(100, 6*time.Second, "password at", place),
	}
}

// userBucket limits guesses of a user's password from wherever they come.
func userBucket(who string) Bucket { return bucket(30, 2*time.Minute, "password", who) }

// codeBucket limits guesses of six digits: by those who know the password.
func codeBucket(userID string) Bucket { return bucket(10, 15*time.Minute, "code", userID) }

// beginBucket limits how many attempts an address may begin, and how often it may ask for a passkey.
func beginBucket(place string) Bucket { return bucket(120, time.Second, "begin", place) }

// resetBuckets limit links that are asked for: by address, which is said, and by user, which is not.
func resetBuckets(who, place string) (said, silent Bucket) {
	return bucket(10, time.Minute, "reset at", place), bucket(3, 20*time.Minute, "reset", who)
}

// spend takes from buckets, or says in words that one is empty.
func (s *Service) spend(ctx context.Context, bs ...Bucket) error {
	wait, err := s.store.Spend(ctx, bs, s.now())
	if err != nil {
		return err
	}
	if wait > 0 {
		return fault.New(fault.Throttled, "Too many tries. Wait %s and try again.", inWords(wait))
	}
	return nil
}

func inWords(d time.Duration) string {
	switch {
	case d <= 5*time.Second:
		return "a few seconds"
	case d <= time.Minute:
		return "a minute"
	case d <= 5*time.Minute:
		return "five minutes"
	}
	return "a quarter of an hour"
}
