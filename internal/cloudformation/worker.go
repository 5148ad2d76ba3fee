package cloudformation

import (
	"context"
	"io"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"gatehouse/internal/arn"
	"gatehouse/internal/fault"
)

// Timing of the worker.
const (
	claimFor  = 15 * time.Second
	heartbeat = 4 * time.Second
	idlePoll  = 2 * time.Second
	// stacksAtOnce is how many operations a node works on at a time.
	stacksAtOnce = 8
)

// Worker works on the operations of stacks. Make one per process.
type Worker struct {
	*kit
	callers Callers
	name    string
	clock   func() time.Time
	rand    io.Reader
	log     *slog.Logger
	woken   chan struct{}
	random  sync.Mutex
}

// WorkerConfig is what a Worker is made of; every field is required.
type WorkerConfig struct {
	Store     Store
	Providers []Provider
	Callers   Callers
	// Name tells this process from every other one that works on the same database.
	Name string
	Now  func() time.Time
	Rand io.Reader
	Log  *slog.Logger
}

// NewWorker returns a worker that does nothing until Run.
func NewWorker(c WorkerConfig) *Worker {
	return &Worker{
		kit: newKit(c.Store, c.Providers), callers: c.Callers, name: c.Name, clock: c.Now, rand: c.Rand, log: c.Log, woken: make(chan struct{}, 1),
	}
}

func newKit(s Store, ps []Provider) *kit {
	k := &kit{store: s, providers: map[string]Provider{}}
	for _, p := range ps {
		k.providers[p.Schema().Type] = p
	}
	return k
}

func (w *Worker) now() time.Time { return w.clock() }

func (w *Worker) uuid() string {
	w.random.Lock()
	defer w.random.Unlock()
	return arn.UUID(w.rand)
}

// Wake tells the worker that there is work. It never blocks.
func (w *Worker) Wake() {
	select {
	case w.woken <- struct{}{}:
	default:
	}
}

// Run works until ctx ends, then lets the steps that have begun finish.
func (w *Worker) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, stacksAtOnce)
	for ctx.Err() == nil {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		c, ok, err := w.store.ClaimStack(ctx, w.name+"/"+w.uuid(), w.now(), w.now().Add(claimFor))
		if err != nil && ctx.Err() == nil {
			w.log.Error("cloudformation: claiming work failed", "error", err)
		}
		if err != nil || !ok {
			<-slots
			select {
			case <-ctx.Done():
			case <-w.woken:
			case <-time.After(w.rest(ctx)):
			}
			continue
		}
		wg.Go(func() {
			defer func() { <-slots }()
			w.work(ctx, c)
		})
	}
}

// Step claims one stack and works on it to the end. It reports whether there was one.
func (w *Worker) Step(ctx context.Context) (bool, error) {
	c, ok, err := w.store.ClaimStack(ctx, w.name+"/"+w.uuid(), w.now(), w.now().Add(claimFor))
	if err != nil || !ok {
		return false, err
	}
	w.work(ctx, c)
	return true, nil
}

func (w *Worker) rest(ctx context.Context) time.Duration {
	due, ok, err := w.store.NextStack(ctx)
	if err != nil || !ok {
		return idlePoll
	}
	return max(5*time.Millisecond, min(idlePoll, due.Sub(w.now())))
}

// work holds the claim while the operation runs, and gives it back if the operation is not over.
func (w *Worker) work(parent context.Context, c Claim) {
	ctx, stop := context.WithCancel(parent)
	defer stop()
	held := context.WithoutCancel(parent)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(heartbeat):
			}
			until := w.now().Add(claimFor)
			if err := w.store.RenewClaim(held, c, until); err != nil {
				w.log.Warn("cloudformation: a claim was not renewed", "stack", c.StackID, "error", err)
				if fault.Is(err, fault.Conflict) {
					stop()
				}
			}
		}
	})
	err := w.operate(ctx, c)
	close(done)
	wg.Wait()
	if err == nil {
		return
	}
	if parent.Err() == nil {
		w.log.Error("cloudformation: an operation was interrupted and will go on", "stack", c.StackID, "error", err)
	}
	due := w.now()
	if parent.Err() == nil {
		due = due.Add(firstPause << min(c.Attempt, 8))
	}
	if err := w.store.ReleaseClaim(held, c, due); err != nil && !fault.Is(err, fault.Conflict) {
		w.log.Error("cloudformation: giving a claim back failed; it will lapse", "stack", c.StackID, "error", err)
	}
}

// operate loads the stack and runs its operation. A panic is a defect; it is logged and costs one stack its turn, not the server its life.
func (w *Worker) operate(ctx context.Context, c Claim) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.log.Error("cloudformation: a step panicked", "stack", c.StackID, "panic", p, "stack trace", string(debug.Stack()))
			err = fault.New(fault.Internal, "a step panicked")
		}
	}()
	held := context.WithoutCancel(ctx)
	s, err := w.store.Stack(held, c.StackID)
	if err != nil {
		return err
	}
	if s.Operation == nil || !s.Status.Busy() {
		return w.store.Record(held, c, Step{Done: true})
	}
	rows, err := w.store.Resources(held, c.StackID)
	if err != nil {
		return err
	}
	o := &operation{w: w, claim: c, stack: s, rows: map[string]*Resource{}, secrets: secrets(&s.Revision, s.Operation.Old)}
	for _, r := range rows {
		o.rows[r.LogicalID] = &r
	}
	o.caller, err = w.callers.Caller(held, s.Operation.Key)
	if err != nil && passing(err) {
		return err
	}
	o.unknown = err
	return o.run(ctx)
}
