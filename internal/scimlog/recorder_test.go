package scimlog

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// memory is a Store that keeps what is appended; it can be made to fail.
type memory struct {
	Store
	mu      sync.Mutex
	entries []Entry
	largest int
	pruned  []string
	fail    error
	// gate, when set, holds appends until it is closed.
	gate chan struct{}
}

func (m *memory) AppendRequests(_ context.Context, es []Entry) error {
	if m.gate != nil {
		<-m.gate
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	m.entries, m.largest = append(m.entries, es...), max(m.largest, len(es))
	return nil
}

func (m *memory) PruneRequests(_ context.Context, directory string, _ time.Time, _, _ int) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pruned = append(m.pruned, directory)
	return 0, nil
}

type world struct {
	*Recorder
	store *memory
	time  time.Time
}

func newWorld() *world {
	w := &world{store: &memory{}, time: time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)}
	w.Recorder = NewService(Config{Store: w.store, Now: func() time.Time { return w.time }, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)}).Recorder()
	return w
}

func (w *world) draft(directory string, o Outcome, body int) Draft {
	return Draft{Entry: Entry{ID: w.NewID(w.time), Directory: directory, Result: Result{Outcome: o}}, Body: []byte(`"` + strings.Repeat("x", body) + `"`)}
}

// lost adds up what gaps of a directory say.
func (m *memory) lost(directory string) (n, entries int) {
	for _, e := range m.entries {
		if e.Result.Outcome == Gap && e.Directory == directory {
			n, entries = n+e.Lost, entries+1
		}
	}
	return n, entries
}

func TestBatches(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for range 3*batch + 5 {
		w.Record(w.draft("a", Changed, 1))
	}
	w.Flush(t.Context())
	if n := len(w.store.entries); n != 3*batch+5 || w.store.largest != batch {
		t.Errorf("%d entries, the largest transaction with %d", n, w.store.largest)
	}
	if !slices.IsSortedFunc(w.store.entries, func(a, b Entry) int { return strings.Compare(a.ID, b.ID) }) {
		t.Error("ids are not in the order in which they were minted")
	}
	if w.bytes != 0 {
		t.Errorf("%d bytes are thought to wait", w.bytes)
	}
}

// TestOverflowIsAGap: what finds no room is lost, is counted, and the log says so; nobody waits.
func TestOverflowIsAGap(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.store.gate = make(chan struct{})
	const size = 1 << 20
	const room = maxWaiting / (size + 1026)
	for range room + 7 {
		w.Record(w.draft("a", Changed, size))
	}
	w.Record(w.draft("b", Changed, size))
	close(w.store.gate)
	w.Flush(t.Context())
	if n, entries := w.store.lost("a"); n != 7 || entries != 1 {
		t.Errorf("%d lost in %d gaps, want 7 in one", n, entries)
	}
	if n, _ := w.store.lost("b"); n != 1 {
		t.Errorf("%d lost of b", n)
	}
	if n := len(w.store.entries); n != room+2 {
		t.Errorf("%d entries, want %d and two gaps", n, room)
	}
	w.Record(w.draft("a", Changed, size)) // there is room again
	w.Flush(t.Context())
	if n := len(w.store.entries); n != room+3 {
		t.Errorf("%d entries after there was room again", n)
	}
}

func TestWhatCannotBeWrittenIsAGap(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.store.fail = errors.New("the disk is full")
	w.Record(w.draft("a", Changed, 1))
	w.Record(w.draft("a", Changed, 1))
	w.Flush(t.Context())
	w.store.fail = nil
	w.Flush(t.Context())
	n, entries := w.store.lost("a")
	if n != 2 || entries != 1 || len(w.store.entries) != 1 {
		t.Errorf("%d lost in %d gaps, %d entries", n, entries, len(w.store.entries))
	}
}

// TestStrangersAreBounded: whoever has no token fills neither the log of the directory that he names nor keeps others out of it.
func TestStrangersAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld()
	flood := func(n int) {
		for range n {
			w.Record(w.draft("a", Unauthenticated, 1))
		}
	}
	flood(1000)
	w.Record(w.draft("a", Changed, 1))
	w.Record(w.draft("b", Unauthenticated, 1))
	w.Flush(t.Context())
	if n, entries := w.store.lost("a"); n != 1000-strangerBurst || entries != 1 || len(w.store.entries) != strangerBurst+3 {
		t.Errorf("%d lost in %d gaps, %d entries", n, entries, len(w.store.entries))
	}
	for range 20 { // gaps do not fill it either
		flood(100)
		w.time = w.time.Add(time.Second)
		w.Flush(t.Context())
	}
	if n, entries := w.store.lost("a"); n != 1000-strangerBurst || entries != 1 {
		t.Errorf("after twenty seconds: %d lost in %d gaps", n, entries)
	}
	w.time = w.time.Add(gapEvery)
	w.Flush(t.Context())
	kept := 0
	for _, e := range w.store.entries {
		if e.Directory == "a" && e.Result.Outcome == Unauthenticated {
			kept++
		}
	}
	if n, entries := w.store.lost("a"); n+kept != 3000 || entries != 2 || kept != strangerBurst+2*19 {
		t.Errorf("%d lost in %d gaps, and %d kept", n, entries, kept)
	}
}

func TestRunWritesWhatIsLeft(t *testing.T) {
	t.Parallel()
	w := newWorld()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { w.Run(ctx); close(done) }()
	for range 10 {
		w.Record(w.draft("a", Changed, 1))
	}
	stop()
	<-done
	if n := len(w.store.entries); n != 10 {
		t.Errorf("%d entries, want 10", n)
	}
}

// TestRunTellsOfGapsInTheEnd: a gap that was not due yet is told before the program ends.
func TestRunTellsOfGapsInTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.lose("a", 1)
	w.Flush(t.Context())
	w.lose("a", 2)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	w.Run(ctx)
	if n, entries := w.store.lost("a"); n != 3 || entries != 2 {
		t.Errorf("%d lost in %d gaps", n, entries)
	}
}

func TestADirectoryThatFillsIsPruned(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for i := range pruneAfter + 10 {
		w.Record(w.draft("a", Read, 1))
		if i%100 == 0 {
			w.Record(w.draft("b", Read, 1))
		}
	}
	w.Flush(t.Context())
	if fmt.Sprint(w.store.pruned) != "[a]" {
		t.Errorf("pruned: %v", w.store.pruned)
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	w := newWorld()
	first, second := w.NewID(w.time), w.NewID(w.time)
	if first >= second || len(first) != len(second) || len(first) != 23 {
		t.Errorf("%s, then %s", first, second)
	}
	from, to := Filter{Since: w.time, Until: w.time.Add(time.Microsecond)}.Bounds()
	if first < from || first >= to || second < to {
		t.Errorf("%s is not between %s and %s", first, from, to)
	}
}
