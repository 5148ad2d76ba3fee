package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/storage/sqlstore"
)

func testEngine(t *testing.T) *engine {
	t.Helper()
	e, err := open(t.Context(), freshFile(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		e.writer.stop()
		if err := errors.Join(e.readers.close(), e.writer.close()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return e
}

// freshFile is a new database with its schema, which takes long to make: it is a copy of the first one.
func freshFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	file, err := empty()
	if err == nil {
		err = os.WriteFile(path, file, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// empty is what package sqlitetest has, which this package's own tests cannot import.
var empty = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "sqlite")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	db, err := Open(context.Background(), filepath.Join(dir, "gatehouse.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "gatehouse.db"))
})

func put(name string) func(context.Context, sqlstore.Querier) error {
	return func(ctx context.Context, q sqlstore.Querier) error {
		_, err := q.ExecContext(ctx, `INSERT INTO id_counts (name, prefix, n) VALUES ($1, '', 1)`, name)
		return err
	}
}

func (e *engine) count(t *testing.T) (n int) {
	t.Helper()
	if err := e.readers.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM id_counts`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// hold occupies the writer until the returned function is called, so that what is written meanwhile joins its batch.
func hold(t *testing.T, e *engine) (release func() error) {
	t.Helper()
	e.writer.gather = time.Hour // what is queued meanwhile is of the same batch, however slow the machine
	began, end := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	var once sync.Once // it may be run again
	go func() {
		done <- e.Write(context.Background(), func(context.Context, sqlstore.Querier) error {
			once.Do(func() { close(began) })
			<-end
			return nil
		})
	}()
	<-began
	return func() error {
		close(end)
		return <-done
	}
}

// queued starts writes and returns when all of them wait.
func queued(e *engine, fs ...func(context.Context, sqlstore.Querier) error) (answers func() []error) {
	errs := make([]error, len(fs))
	var wg sync.WaitGroup
	for i, f := range fs {
		wg.Go(func() { errs[i] = e.Write(context.Background(), f) })
		for len(e.writer.queue) <= i {
			time.Sleep(50 * time.Microsecond)
		}
	}
	return func() []error {
		wg.Wait()
		return errs
	}
}

func TestOneFailureDoesNotHarmItsNeighboursInTheSameCommit(t *testing.T) {
	t.Parallel()
	e := testEngine(t)
	refused := errors.New("refused")
	release := hold(t, e)
	answers := queued(e,
		put("a"),
		func(ctx context.Context, q sqlstore.Querier) error {
			if err := put("b")(ctx, q); err != nil {
				return err
			}
			return refused
		},
		put("a"), // taken: the statement fails
		func(ctx context.Context, q sqlstore.Querier) error {
			if err := put("c")(ctx, q); err != nil {
				return err
			}
			panic("a defect")
		},
		func(ctx context.Context, q sqlstore.Querier) error {
			_, err := q.ExecContext(ctx, `no such statement`)
			return err
		},
		put("b"), // undone before, so not taken
		put("d"),
	)
	if err := release(); err != nil {
		t.Errorf("holder: %v", err)
	}
	errs := answers()
	for i, failed := range []bool{false, true, true, true, true, false, false} {
		if (errs[i] != nil) != failed {
			t.Errorf("transaction %d: got %v, want failure %v", i, errs[i], failed)
		}
	}
	if !errors.Is(errs[1], refused) || !dialect().Unique(errs[2]) {
		t.Errorf("got %v and %v, want the function's own error and a unique violation", errs[1], errs[2])
	}
	if n := e.count(t); n != 3 {
		t.Errorf("%d rows, want 3", n)
	}
}

// TestABatchRunsAgainOnlyForAFailureThatLeftChanges: and then, for a while, not even for such a one.
func TestABatchRunsAgainOnlyForAFailureThatLeftChanges(t *testing.T) {
	t.Parallel()
	e := testEngine(t)
	refused := errors.New("refused")
	early := func(ctx context.Context, q sqlstore.Querier) error {
		var n int
		if err := q.QueryRowContext(ctx, `SELECT COUNT(*) FROM id_counts WHERE name = 'x'`).Scan(&n); err != nil {
			return err
		}
		if _, err := q.ExecContext(ctx, `UPDATE id_counts SET n = 7 WHERE name = 'nobody'`); err != nil {
			return err
		}
		return refused
	}
	late := func(ctx context.Context, q sqlstore.Querier) error {
		if err := put("late")(ctx, q); err != nil {
			return err
		}
		return refused
	}
	for i, step := range []struct {
		fail func(context.Context, sqlstore.Querier) error
		runs int
	}{{early, 1}, {late, 2}, {late, 1}, {early, 1}} {
		runs := 0
		release := hold(t, e)
		answers := queued(e, func(ctx context.Context, q sqlstore.Querier) error {
			runs++
			return put(fmt.Sprint("neighbour", i))(ctx, q)
		}, step.fail)
		if err := release(); err != nil {
			t.Errorf("holder: %v", err)
		}
		if errs := answers(); errs[0] != nil || !errors.Is(errs[1], refused) {
			t.Errorf("step %d: got %v", i, errs)
		}
		if runs != step.runs {
			t.Errorf("step %d: the neighbour ran %d times, want %d", i, runs, step.runs)
		}
		if n := e.count(t); n != i+1 {
			t.Errorf("step %d: %d rows, want only the neighbours'", i, n)
		}
	}
}

func TestNobodyIsAnsweredBeforeTheCommitAndAFailedCommitIsEverybodysFailure(t *testing.T) {
	t.Parallel()
	e := testEngine(t)
	release := hold(t, e)
	answers := queued(e, put("a"), func(ctx context.Context, q sqlstore.Querier) error {
		// Stands for a disk that fails: SQLite then ends the whole transaction by itself.
		_, err := q.ExecContext(ctx, `ROLLBACK`)
		return errors.Join(err, errors.New("disk"))
	}, put("b"))
	first := release()
	errs := answers()
	if first == nil || errs[0] == nil || errs[1] == nil {
		t.Errorf("got %v, %v and %v, want all to fail: none was committed", first, errs[0], errs[1])
	}
	if errs[2] != nil {
		t.Errorf("a transaction of the next batch: %v", errs[2])
	}
	if n := e.count(t); n != 1 {
		t.Errorf("%d rows, want only the next batch's", n)
	}
}

func TestAWriteIsGivenUpOnlyBeforeItBegins(t *testing.T) {
	t.Parallel()
	e := testEngine(t)
	release := hold(t, e)
	ctx, cancel := context.WithCancel(t.Context())
	answer := make(chan error, 1)
	go func() { answer <- e.Write(ctx, put("given up")) }()
	for len(e.writer.queue) == 0 {
		time.Sleep(50 * time.Microsecond)
	}
	cancel()
	if err := <-answer; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled at once, although the writer is busy", err)
	}
	if err := release(); err != nil {
		t.Errorf("holder: %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	err := e.Write(ctx, func(ctx context.Context, q sqlstore.Querier) error {
		cancel() // too late
		return put("begun")(ctx, q)
	})
	if err != nil {
		t.Errorf("a transaction that had begun: %v", err)
	}
	if n := e.count(t); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
}

func TestClosingFinishesWhatWaitsAndRefusesTheRest(t *testing.T) {
	t.Parallel()
	path := freshFile(t)
	db, err := Open(t.Context(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	openRefused(t, path)
	if err := db.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Errorf("close again: %v", err)
	}
	if err := db.Ping(t.Context()); !fault.Is(err, fault.Unavailable) && !fault.Is(err, fault.Internal) {
		t.Errorf("ping after close: %v", err)
	}
	again, err := Open(t.Context(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("open after close: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}

	eng := testEngine(t)
	release := hold(t, eng)
	answers := queued(eng, put("a"), put("b"))
	eng.writer.stop()
	if err := eng.Write(t.Context(), put("c")); !errors.Is(err, errClosed) {
		t.Errorf("a write after close: %v, want %v", err, errClosed)
	}
	if err := release(); err != nil {
		t.Errorf("holder: %v", err)
	}
	for i, err := range answers() {
		if err != nil {
			t.Errorf("waiting transaction %d: %v", i, err)
		}
	}
	<-eng.writer.ended
	if n := eng.count(t); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
}

// openRefused tries to open a database that is open, and checks the refusal.
func openRefused(t *testing.T, path string) {
	t.Helper()
	_, err := Open(t.Context(), path, slog.New(slog.DiscardHandler))
	if f := fault.Of(err); f == nil || f.Kind != fault.Conflict || f.Reason != "locked" {
		t.Errorf("open of an open database: got %v, want Conflict locked", err)
	}
}

func TestBatchesAreBounded(t *testing.T) {
	t.Parallel()
	e := testEngine(t)
	var wg sync.WaitGroup
	for i := range 3 * maxBatch {
		wg.Go(func() {
			if err := e.Write(context.Background(), put(fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := e.count(t); n != 3*maxBatch {
		t.Errorf("%d rows, want %d", n, 3*maxBatch)
	}
}
