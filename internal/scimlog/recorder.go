package scimlog

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"gatehouse/internal/arn"
)

const (
	// maxWaiting bounds the memory of what waits to be written, in bytes.
	maxWaiting = 16 << 20
	// batch is how many entries are written in one transaction. SQLite has one writer; who waits for it should not wait long.
	batch = 64
	// gather is how long an entry may wait for others. Whoever reads the log does not wait: reading writes first.
	gather = 200 * time.Millisecond
	// gapEvery is how often a directory may get an entry that says what was lost.
	gapEvery = time.Minute
	// pruneAfter is how many entries of a directory are written before it is looked at for too many.
	pruneAfter = 1000
	// strangerEvery and strangerBurst bound how many requests without a valid token are recorded for one directory: so many at once, then one in so long.
	strangerEvery = 500 * time.Millisecond
	strangerBurst = 60
)

// Recorder takes drafts and writes them to the log behind the backs of those who wait for answers. Its methods are safe for concurrent use.
type Recorder struct {
	store  Store
	now    func() time.Time
	rand   io.Reader
	log    *slog.Logger
	limits Limits

	mu      sync.Mutex
	waiting []Draft
	bytes   int
	// last is the time of the last id that was minted.
	last int64
	// lost and strangers are by directory; there are as many as there are directories.
	lost      map[string]*loss
	strangers map[string]time.Time
	wake      chan struct{}

	// writing is held by who writes. written counts the entries of a directory since it was last pruned.
	writing sync.Mutex
	written map[string]int
}

// loss is what could not be recorded of a directory's requests.
type loss struct {
	n int
	// told is when an entry last said so.
	told time.Time
}

// Limits say how much is kept of each directory's requests.
type Limits struct {
	// Age is how long an entry is kept, Entries how many are.
	Age     time.Duration
	Entries int
}

// Defaults, and how many requests without a valid token are kept of each directory beside gaps.
const (
	DefaultAge     = 30 * 24 * time.Hour
	DefaultEntries = 100_000
	MaxStrangers   = 1000
)

// NewID mints the id of an entry for a request that began at that time. Ids grow in the order in which they are minted.
func (r *Recorder) NewID(at time.Time) string {
	r.mu.Lock()
	r.last = max(r.last+1, at.UnixMicro())
	n := r.last
	r.mu.Unlock()
	return idAt(n) + "-" + arn.Hex(r.rand, 8)
}

// idAt is the beginning of ids of that time.
func idAt(micros int64) string { return fmt.Sprintf("%014x", max(micros, 0)) }

// Record puts a draft in the queue. It never waits: what finds no room is counted, and the log will say so.
func (r *Recorder) Record(d Draft) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d.Result.Outcome == Unauthenticated && !r.admitStranger(d.Directory) || r.bytes+d.size() > maxWaiting {
		r.lose(d.Directory, 1)
		return
	}
	r.waiting, r.bytes = append(r.waiting, d), r.bytes+d.size()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// admitStranger keeps, for each directory, the time at which its allowance would be whole again (GCRA).
func (r *Recorder) admitStranger(directory string) bool {
	now := r.now()
	whole := r.strangers[directory]
	if whole.Before(now) {
		whole = now
	}
	if whole.Sub(now) > (strangerBurst-1)*strangerEvery {
		return false
	}
	r.strangers[directory] = whole.Add(strangerEvery)
	return true
}

// lose counts what was lost; r.mu is held.
func (r *Recorder) lose(directory string, n int) {
	if r.lost[directory] == nil {
		r.lost[directory] = &loss{}
	}
	r.lost[directory].n += n
}

// Run writes what is recorded until ctx ends, and then what is left.
func (r *Recorder) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			r.flush(context.WithoutCancel(ctx), true)
			return
		case <-r.wake:
		}
		select {
		case <-ctx.Done():
		case <-time.After(gather):
		}
		r.flush(context.WithoutCancel(ctx), false)
	}
}

// Flush writes what was recorded before it was called, even if ctx ends.
func (r *Recorder) Flush(ctx context.Context) { r.flush(context.WithoutCancel(ctx), false) }

// flush also tells of gaps that were told of a while ago, or of all.
func (r *Recorder) flush(ctx context.Context, all bool) {
	r.writing.Lock()
	defer r.writing.Unlock()
	for {
		drafts, gaps := r.take(all)
		if len(drafts)+len(gaps) == 0 {
			return
		}
		entries := gaps
		for i := range drafts {
			entries = append(entries, drafts[i].Finish())
		}
		r.append(ctx, entries)
		if len(drafts) < batch {
			return
		}
	}
}

// take takes a batch out of the queue, and the gaps that are due.
func (r *Recorder) take(all bool) (drafts []Draft, gaps []Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(r.waiting), batch)
	drafts = r.waiting[:n:n]
	if r.waiting = r.waiting[n:]; len(r.waiting) == 0 {
		r.waiting = nil // the array, with what was taken, goes
	}
	for i := range drafts {
		r.bytes -= drafts[i].size()
	}
	now := r.now()
	for directory, l := range r.lost {
		if l.n == 0 || !all && now.Sub(l.told) < gapEvery {
			continue
		}
		r.last = max(r.last+1, now.UnixMicro())
		gaps = append(gaps, Entry{
			ID: idAt(r.last) + "-" + arn.Hex(r.rand, 8), Directory: directory, At: now, Lost: l.n,
			Result: Result{Outcome: Gap, Why: "requests came faster than they could be recorded, or too many had no valid token"},
		})
		l.n, l.told = 0, now
	}
	return drafts, gaps
}

// append writes entries; those that cannot be written are lost.
func (r *Recorder) append(ctx context.Context, entries []Entry) {
	if err := r.store.AppendRequests(ctx, entries); err != nil {
		r.log.ErrorContext(ctx, "SCIM requests could not be recorded", "requests", len(entries), "error", err)
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, e := range entries {
			r.lose(e.Directory, max(e.Lost, 1))
		}
		return
	}
	for _, e := range entries {
		r.written[e.Directory]++
	}
	for directory, n := range r.written {
		if n >= pruneAfter {
			r.written[directory] = 0
			if _, err := r.prune(ctx, directory); err != nil {
				r.log.ErrorContext(ctx, "old SCIM requests could not be removed; it will be tried again", "directory", directory, "error", err)
			}
		}
	}
}

func (r *Recorder) prune(ctx context.Context, directory string) (int, error) {
	return r.store.PruneRequests(ctx, directory, r.now().Add(-r.limits.Age), r.limits.Entries, MaxStrangers)
}

// newRecorder returns one that records nothing until it is run or flushed.
func newRecorder(c Config) *Recorder {
	return &Recorder{
		store: c.Store, now: c.Now, rand: c.Rand, log: c.Log, limits: c.Limits, wake: make(chan struct{}, 1),
		lost: map[string]*loss{}, strangers: map[string]time.Time{}, written: map[string]int{},
	}
}

// sorted returns ids in the order of the log.
func sorted(ids []string) []string {
	slices.Sort(ids)
	return slices.Compact(ids)
}
