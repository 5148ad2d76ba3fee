package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/internal/storage/sqlstore"
)

const (
	// maxBatch bounds how many transactions share a commit, and with it how much one failing commit undoes.
	maxBatch = 256
	// maxGather bounds how long a batch goes on taking more transactions before it commits.
	maxGather = 10 * time.Millisecond
	// maxPatience bounds how long a batch waits for those who made up the last one.
	maxPatience = time.Millisecond
	// carefulFor is for how many jobs savepoints are set after one had to be undone: who makes jobs fail does not make every batch run twice.
	carefulFor = 1000
)

// errUnclean: a job failed that had changed something, and no savepoint was set before it.
var errUnclean = errors.New("a job left changes behind")

var errClosed = errors.New("the database is closed")

// job is one transaction that waits for its turn.
type job struct {
	ctx context.Context
	f   func(context.Context, sqlstore.Querier) error
	// taken is set by whoever gets it first: the writer, that runs it, or the caller, that gives it up.
	taken atomic.Bool
	err   error
	done  chan struct{}
}

// writer owns the only connection that writes, and runs the transactions of everybody on it.
//
//	job: waiting → running → answered
//	        └────→ given up (its context ended first)
type writer struct {
	db   *sql.DB
	conn *prepared
	log  *slog.Logger

	mu     sync.RWMutex // held for reading while a job is put in the queue
	closed bool
	queue  chan *job
	ended  chan struct{}

	// expected is the size of the last batch, and patience how long the present one may wait to become as large.
	expected int
	patience time.Duration
	// gather is maxGather, but for tests that hold a batch open.
	gather time.Duration
	// careful is for how many more jobs a savepoint is set.
	careful int
}

func startWriter(ctx context.Context, db *sql.DB, log *slog.Logger) (*writer, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	w := &writer{db: db, conn: &prepared{conn: c, stmts: map[string]*sql.Stmt{}}, log: log, queue: make(chan *job, maxBatch), ended: make(chan struct{}), gather: maxGather}
	go w.loop()
	return w, nil
}

// write runs f in a transaction of its own and returns when that is durable, or undone.
func (w *writer) write(ctx context.Context, f func(context.Context, sqlstore.Querier) error) error {
	j := &job{ctx: ctx, f: f, done: make(chan struct{})}
	if err := w.enqueue(j); err != nil {
		return err
	}
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
	}
	if j.taken.CompareAndSwap(false, true) {
		return ctx.Err()
	}
	<-j.done // it has begun: the caller must know whether it happened, and that is a matter of milliseconds
	return j.err
}

func (w *writer) enqueue(j *job) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return errClosed
	}
	select {
	case w.queue <- j:
		return nil
	case <-j.ctx.Done():
		return j.ctx.Err()
	}
}

// stop lets what waits be finished and ends the loop; false when that was done before.
func (w *writer) stop() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.closed = true
	close(w.queue)
	return true
}

func (w *writer) close() error {
	<-w.ended
	return errors.Join(w.conn.close(), w.db.Close())
}

func (w *writer) loop() {
	defer close(w.ended)
	batch := make([]*job, 0, maxBatch)
	for first := range w.queue {
		batch = w.run(append(batch[:0], first))
	}
}

// run runs a batch that grows while there are others waiting, commits it, and answers.
func (w *writer) run(batch []*job) []*job {
	first := batch[0]
	batch = batch[:0]
	began := time.Now()
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		if first.taken.CompareAndSwap(false, true) {
			first.answer(fmt.Errorf("begin: %w", err))
		}
		return batch
	}
	for next := first; next != nil; next = w.next(len(batch), began) {
		if !next.taken.CompareAndSwap(false, true) {
			continue // given up while it waited
		}
		batch = append(batch, next)
		broken := w.runOne(next)
		if errors.Is(broken, errUnclean) {
			broken = w.runAgain(batch)
		}
		if broken != nil {
			return w.abandon(batch, broken)
		}
	}
	committing := time.Now()
	if err := w.exec("COMMIT"); err != nil {
		return w.abandon(batch, fmt.Errorf("commit: %w", err))
	}
	w.expected, w.patience = len(batch), min(time.Since(committing)/4, maxPatience)
	for _, j := range batch {
		close(j.done)
	}
	return batch
}

// next takes another job for the present batch, if one waits and there is room. While the batch is smaller than the one before, it gives those
// who were just answered a moment to come back: a fraction of what another commit would cost them. A lone writer waits for nobody.
func (w *writer) next(n int, began time.Time) *job {
	if n >= maxBatch || time.Since(began) > w.gather {
		return nil
	}
	select {
	case j := <-w.queue:
		return j // nil once the queue is closed and empty
	default:
	}
	if n >= w.expected {
		return nil
	}
	wait := time.NewTimer(w.patience)
	defer wait.Stop()
	select {
	case j := <-w.queue:
		return j
	case <-wait.C:
		w.expected = 0 // once for each batch
		return nil
	}
}

// runOne runs a job and keeps its error for the answer. It returns an error only when the enclosing transaction is of no use any more: because
// SQLite undid it by itself, which it does when the disk is full or fails, or because the job left changes behind (errUnclean).
//
// A savepoint would make any job's changes go alone, but it has SQLite copy every page that the job is the first to touch. Nearly all
// jobs succeed, and nearly all that fail do so before they change anything; so savepoints are set only for a while after one was missed.
func (w *writer) runOne(j *job) error {
	if j.err = j.ctx.Err(); j.err != nil {
		return nil
	}
	careful := w.careful > 0
	if careful {
		w.careful--
		if err := w.exec("SAVEPOINT j"); err != nil {
			return err
		}
	}
	w.conn.changed = false
	// A transaction that has begun is finished: a context that ends in its midst would interrupt the whole batch.
	j.err = w.guarded(context.WithoutCancel(j.ctx), j.f)
	unclean := j.err != nil && w.conn.changed
	if unclean {
		w.careful = carefulFor
	}
	if !careful {
		if unclean {
			return errUnclean
		}
		return nil
	}
	if unclean {
		if err := w.exec("ROLLBACK TO j"); err != nil {
			return errors.Join(j.err, err)
		}
	}
	return w.exec("RELEASE j")
}

// runAgain undoes a batch and runs its jobs from the start, with savepoints. Nobody was answered before.
func (w *writer) runAgain(batch []*job) error {
	if err := w.exec("ROLLBACK"); err != nil {
		w.log.Debug("rollback of a batch that is run again", "error", err) // SQLite has rolled back already
	}
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	for _, j := range batch {
		if err := w.runOne(j); err != nil {
			return err
		}
	}
	return nil
}

// guarded contains a panic, so that a defect in one transaction ends neither the writer nor its neighbours.
func (w *writer) guarded(ctx context.Context, f func(context.Context, sqlstore.Querier) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.log.Error("panic in a transaction", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic in a transaction: %v", p)
		}
	}()
	return f(ctx, w.conn)
}

// abandon undoes the whole batch and tells everybody in it. Nobody was answered before.
func (w *writer) abandon(batch []*job, err error) []*job {
	if e := w.exec("ROLLBACK"); e != nil {
		w.log.Debug("rollback of a failed batch", "error", e) // as a rule SQLite has rolled back already
	}
	for _, j := range batch {
		j.answer(err)
	}
	return batch
}

func (j *job) answer(err error) {
	j.err = err
	close(j.done)
}

func (w *writer) exec(query string) error {
	_, err := w.conn.ExecContext(context.Background(), query)
	return err
}

// prepared keeps the statements of one connection. Only the writer's goroutine uses it.
type prepared struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	// changed is set when a statement may have changed something.
	changed bool
}

func (p *prepared) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := p.stmts[query]; ok {
		return s, nil
	}
	s, err := p.conn.PrepareContext(ctx, positional(query))
	if err == nil {
		p.stmts[query] = s
	}
	return s, err
}

// ExecContext implements [sqlstore.Querier].
func (p *prepared) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := p.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	res, err := s.ExecContext(ctx, args...)
	if err == nil {
		n, unknown := res.RowsAffected()
		p.changed = p.changed || n != 0 || unknown != nil
	} else {
		p.changed = true // SQLite may have undone more than the statement
	}
	return res, err
}

// QueryContext implements [sqlstore.Querier].
func (p *prepared) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := p.queried(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// QueryRowContext implements [sqlstore.Querier].
func (p *prepared) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s, err := p.queried(ctx, query)
	if err != nil {
		return p.conn.QueryRowContext(ctx, query, args...) // gives the same error inside the row
	}
	return s.QueryRowContext(ctx, args...)
}

// queried is stmt for a query; any but a plain SELECT may change something (RETURNING).
func (p *prepared) queried(ctx context.Context, query string) (*sql.Stmt, error) {
	p.changed = p.changed || !strings.HasPrefix(query, "SELECT ")
	return p.stmt(ctx, query)
}

func (p *prepared) close() error {
	var errs []error
	for _, s := range p.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, p.conn.Close())...)
}
