package cloudformation_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse/internal/audit"
	"gatehouse/internal/cloudformation"
	"gatehouse/internal/fault"
	"gatehouse/internal/storage/sqlite"
	"gatehouse/internal/storage/sqlite/sqlitetest"
)

// world is where the things of Test::Fake::Thing are.
type world struct {
	mu     sync.Mutex
	things map[string]thing
	// log are the names of what was made (+), changed (~) and removed (-), in order.
	log []string
	now time.Time
}

type thing struct {
	size    string
	created time.Time
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(time.Millisecond)
	return w.now
}

func (w *world) state() map[string]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string]string{}
	for n, t := range w.things {
		out[n] = t.size
	}
	return out
}

// Schema implements [cloudformation.Provider].
func (*world) Schema() cloudformation.Schema {
	return cloudformation.Schema{Type: "Test::Fake::Thing", Attributes: []string{"Arn"}, Properties: []cloudformation.Property{
		{Name: "Name", Required: true, CreateOnly: true}, {Name: "Size"}, {Name: "After", Kind: cloudformation.List},
	}}
}

func word(p cloudformation.Properties, name string) string {
	switch v := p[name].(type) {
	case cloudformation.Number:
		return string(v)
	case string:
		return v
	}
	return ""
}

func made(name string) cloudformation.Made {
	return cloudformation.Made{PhysicalID: name, Attributes: map[string]string{"Arn": "arn:" + name}}
}

// Create refuses the size "bad", and a name that is taken by something that is not the step's own.
func (w *world) Create(ctx context.Context, r cloudformation.Request) (cloudformation.Made, error) {
	if err := r.Caller.Authorize(ctx, cloudformation.Access{Action: "test:Create"}); err != nil {
		return cloudformation.Made{}, err
	}
	at := w.clock()
	w.mu.Lock()
	defer w.mu.Unlock()
	n, size := word(r.New, "Name"), word(r.New, "Size")
	if size == "bad" {
		return cloudformation.Made{}, fault.New(fault.Invalid, "no such size")
	}
	if have, ok := w.things[n]; ok {
		if r.Resumed && !have.created.Before(r.Since) {
			return made(n), nil
		}
		return cloudformation.Made{}, fault.New(fault.Conflict, "%s is there already", n).For("exists")
	}
	w.things[n] = thing{size, at}
	w.log = append(w.log, "+"+n)
	return made(n), nil
}

// Update changes the size.
func (w *world) Update(_ context.Context, r cloudformation.Request) (cloudformation.Made, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t, ok := w.things[r.PhysicalID]
	if !ok {
		return cloudformation.Made{}, fault.New(fault.NotFound, "%s is not there", r.PhysicalID)
	}
	if t.size = word(r.New, "Size"); t.size == "bad" {
		return cloudformation.Made{}, fault.New(fault.Invalid, "no such size")
	}
	w.things[r.PhysicalID] = t
	w.log = append(w.log, "~"+r.PhysicalID)
	return made(r.PhysicalID), nil
}

// Delete removes it.
func (w *world) Delete(_ context.Context, r cloudformation.Request) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.things[r.PhysicalID]; ok {
		delete(w.things, r.PhysicalID)
		w.log = append(w.log, "-"+r.PhysicalID)
	}
	return nil
}

// anyone may do everything while his key is good.
type anyone struct{}

func (anyone) Authorize(context.Context, cloudformation.Access) error { return nil }
func (anyone) Actor() audit.Actor                                     { return audit.Actor{Kind: audit.Principal, ID: "arn:x"} }

type callers struct{}

func (callers) Caller(_ context.Context, k cloudformation.CallerKey) (cloudformation.Caller, error) {
	if k.AccessKeyID != "AKIA" {
		return nil, fault.New(fault.Unauthenticated, "unknown key")
	}
	return anyone{}, nil
}

// dying is a store that the node loses after a number of records.
type dying struct {
	cloudformation.Store
	mu   sync.Mutex
	left int
}

var errDead = errors.New("the node is dead")

func (d *dying) Record(ctx context.Context, c cloudformation.Claim, s cloudformation.Step) error {
	d.mu.Lock()
	if d.left--; d.left < 0 {
		d.mu.Unlock()
		return errDead
	}
	d.mu.Unlock()
	return d.Store.Record(ctx, c, s)
}

func (d *dying) ReleaseClaim(ctx context.Context, c cloudformation.Claim, due time.Time) error {
	return errDead // a dead node gives nothing back
}

type bench struct {
	*world
	t     *testing.T
	store cloudformation.Store
	svc   *cloudformation.Service
}

func start(t *testing.T) *bench {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlitetest.Path(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w := &world{things: map[string]thing{}, now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	return &bench{w, t, db.CloudFormation(), cloudformation.NewService(cloudformation.Config{
		Store: db.CloudFormation(), Providers: []cloudformation.Provider{w}, Now: w.clock, Rand: rand.Reader, Wake: func() {},
	})}
}

func (b *bench) worker(s cloudformation.Store) *cloudformation.Worker {
	return cloudformation.NewWorker(cloudformation.WorkerConfig{
		Store: s, Providers: []cloudformation.Provider{b.world}, Callers: callers{}, Name: "node", Now: b.clock, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
}

// work runs what there is to do on nodes that die after a number of records each; zero: they do not die.
func (b *bench) work(dieAfter int) (deaths int) {
	b.t.Helper()
	for range 200 {
		s := b.store
		if dieAfter > 0 {
			s = &dying{Store: s, left: dieAfter}
		}
		if _, err := b.worker(s).Step(b.t.Context()); err != nil {
			b.t.Fatal(err)
		}
		if _, more, err := b.store.NextStack(b.t.Context()); err != nil {
			b.t.Fatal(err)
		} else if !more {
			return deaths
		}
		deaths++
		b.mu.Lock()
		b.now = b.now.Add(time.Minute) // the claim lapses
		b.mu.Unlock()
	}
	b.t.Fatal("the operation does not end")
	return 0
}

func by() cloudformation.By {
	return cloudformation.By{Place: cloudformation.Place{AccountID: "111122223333", Region: "us-east-1"}, Key: cloudformation.CallerKey{AccessKeyID: "AKIA"}}
}

func (b *bench) stack(want cloudformation.Status) cloudformation.Stack {
	b.t.Helper()
	s, err := b.svc.Stack(b.t.Context(), by().Place, "s")
	if err != nil {
		b.t.Fatal(err)
	}
	if s.Status != want {
		b.t.Errorf("the stack is %s (%s), want %s", s.Status, s.Reason, want)
	}
	return s
}

func (b *bench) has(want map[string]string) {
	b.t.Helper()
	if d := cmp.Diff(want, b.state()); d != "" {
		b.t.Errorf("the world (-want +got):\n%s\nlog: %v", d, b.log)
	}
}

// things writes a template: "A=a/1", "B=b/2<A" is a thing B with name b and size 2, made after A.
func things(specs ...string) string {
	var out strings.Builder
	out.WriteString("Resources:\n")
	for _, s := range specs {
		logical, rest, _ := strings.Cut(s, "=")
		rest, after, dependent := strings.Cut(rest, "<")
		name, size, _ := strings.Cut(rest, "/")
		fmt.Fprintf(&out, "  %s:\n    Type: Test::Fake::Thing\n    Properties:\n      Name: %s\n      Size: '%s'\n", logical, name, size)
		if dependent {
			fmt.Fprintf(&out, "      After: [!GetAtt %s.Arn]\n", after)
		}
	}
	return out.String()
}

func (b *bench) create(template string, f cloudformation.OnFailure) {
	b.t.Helper()
	if _, err := b.svc.CreateStack(b.t.Context(), by(), cloudformation.Input{Name: "s", Template: template, OnFailure: f}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) update(template string) {
	b.t.Helper()
	if _, err := b.svc.UpdateStack(b.t.Context(), by(), cloudformation.Input{Name: "s", Template: template, OnFailure: cloudformation.Rollback}); err != nil {
		b.t.Fatal(err)
	}
}

// TestNothingIsLostWhenNodesDie takes a stack through its life on nodes that die after every so many records, at each of which one
// operation would have been half done: the outcome is always that of a node that lives.
func TestNothingIsLostWhenNodesDie(t *testing.T) {
	t.Parallel()
	for _, dieAfter := range []int{0, 1, 2, 3, 4, 5, 7, 9} {
		t.Run(fmt.Sprint(dieAfter), func(t *testing.T) {
			t.Parallel()
			b := start(t)
			b.create(things("A=a/1", "B=b/1<A", "C=c/1<B", "D=d/1"), cloudformation.Rollback)
			deaths := b.work(dieAfter)
			b.stack(cloudformation.CreateComplete)
			b.has(map[string]string{"a": "1", "b": "1", "c": "1", "d": "1"})

			b.update(things("A=a/2", "B=b2/1<A", "C=c/1<B", "E=e/1<C")) // change, replace, follow, add, remove
			deaths += b.work(dieAfter)
			b.stack(cloudformation.UpdateComplete)
			b.has(map[string]string{"a": "2", "b2": "1", "c": "1", "e": "1"})

			b.update(things("A=a/3", "B=b3/1<A", "C=c/1<B", "F=f/1", "X=x/bad<C"))
			deaths += b.work(dieAfter)
			s := b.stack(cloudformation.UpdateRollbackComplete)
			b.has(map[string]string{"a": "2", "b2": "1", "c": "1", "e": "1"})
			if s.Operation != nil || !strings.Contains(s.Revision.Template, "e/1") && !strings.Contains(s.Revision.Template, "Name: e\n") {
				t.Errorf("after the rollback: %+v", s)
			}

			if err := b.svc.DeleteStack(t.Context(), by(), "s", "", nil); err != nil {
				t.Fatal(err)
			}
			deaths += b.work(dieAfter)
			b.has(map[string]string{})
			if _, err := b.svc.Stack(t.Context(), by().Place, "s"); !fault.Is(err, fault.NotFound) {
				t.Errorf("the deleted stack: %v", err)
			}
			if dieAfter > 0 && deaths == 0 {
				t.Error("no node died: the test tests nothing")
			}
			for n, times := range counts(b.log) {
				if strings.HasPrefix(n, "+") && times > 1 {
					t.Errorf("%s was made %d times: %v", n[1:], times, b.log)
				}
			}
		})
	}
}

func counts(log []string) map[string]int {
	out := map[string]int{}
	for _, l := range log {
		out[l]++
	}
	return out
}

func TestOrderOfMakingAndRemoving(t *testing.T) {
	t.Parallel()
	b := start(t)
	b.create(things("C=c/1<B", "B=b/1<A", "A=a/1"), cloudformation.Rollback)
	b.work(0)
	if err := b.svc.DeleteStack(t.Context(), by(), "s", "", nil); err != nil {
		t.Fatal(err)
	}
	b.work(0)
	if want := []string{"+a", "+b", "+c", "-c", "-b", "-a"}; !slices.Equal(b.log, want) {
		t.Errorf("got %v, want %v", b.log, want)
	}
}

func TestAFailedCreationIsTakenBack(t *testing.T) {
	t.Parallel()
	for f, want := range map[cloudformation.OnFailure]struct {
		status cloudformation.Status
		left   map[string]string
	}{
		cloudformation.Rollback:  {cloudformation.RollbackComplete, map[string]string{"mine": "0"}},
		cloudformation.DoNothing: {cloudformation.CreateFailed, map[string]string{"mine": "0", "a": "1"}},
	} {
		b := start(t)
		b.things["mine"] = thing{"0", b.now} // was there before, and is not the stack's
		b.create(things("A=a/1", "X=mine/1<A"), f)
		b.work(0)
		b.stack(want.status)
		b.has(want.left)
		rows, err := b.store.Resources(t.Context(), b.stack(want.status).ID)
		if err != nil || len(rows) != 2 || !strings.Contains(rows[1].Reason, "mine is there already") || !strings.Contains(rows[1].Reason, "AlreadyExists") {
			if f == cloudformation.DoNothing {
				t.Errorf("resources %+v, %v", rows, err)
			}
		}
		if _, err := b.svc.UpdateStack(t.Context(), by(), cloudformation.Input{Name: "s", Template: things("A=a/1")}); (err == nil) != (f == cloudformation.DoNothing) {
			t.Errorf("%s: updating it: %v", f, err)
		}
	}
}

func TestNoChangeIsNoUpdate(t *testing.T) {
	t.Parallel()
	b := start(t)
	b.create(things("A=a/1"), cloudformation.Rollback)
	if _, err := b.svc.UpdateStack(t.Context(), by(), cloudformation.Input{Name: "s", Template: things("A=a/2")}); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "CREATE_IN_PROGRESS") {
		t.Errorf("updating a stack that is being created: %v", err)
	}
	b.work(0)
	if _, err := b.svc.UpdateStack(t.Context(), by(), cloudformation.Input{Name: "s", Template: things("A=a/1")}); !fault.Is(err, fault.Invalid) || err.Error() != "No updates are to be performed." {
		t.Errorf("got %v", err)
	}
	c, err := b.svc.CreateChangeSet(t.Context(), by(), cloudformation.Input{Name: "s", Template: things("A=a/1")}, cloudformation.ChangeSet{Name: "none"})
	if err != nil || c.Status != cloudformation.ChangeSetFailed || !strings.HasPrefix(c.Reason, "The submitted information didn't contain changes.") {
		t.Errorf("got %+v, %v", c, err)
	}
	if err := b.svc.Execute(t.Context(), by(), c, b.stack(cloudformation.CreateComplete), cloudformation.Input{}); !fault.Is(err, fault.Conflict) {
		t.Errorf("executing it: %v", err)
	}
	c, err = b.svc.CreateChangeSet(t.Context(), by(), cloudformation.Input{Name: "s", Template: things("A=b/1", "B=c/1<A")}, cloudformation.ChangeSet{Name: "some"})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, ch := range c.Changes {
		got[ch.LogicalID] = ch.Action + " " + ch.Replacement
	}
	if want := map[string]string{"A": "Modify True", "B": "Add "}; !maps.Equal(got, want) {
		t.Errorf("changes %v, want %v", got, want)
	}
}

func TestACallerWhoseKeyIsGoneChangesNothing(t *testing.T) {
	t.Parallel()
	b := start(t)
	who := by()
	who.Key.AccessKeyID = "AKIAGONE"
	if _, err := b.svc.CreateStack(t.Context(), who, cloudformation.Input{Name: "s", Template: things("A=a/1"), OnFailure: cloudformation.Rollback}); err != nil {
		t.Fatal(err)
	}
	b.work(0)
	b.stack(cloudformation.RollbackComplete)
	b.has(map[string]string{})
}

func TestDeletionPolicyRetainLeavesTheResource(t *testing.T) {
	t.Parallel()
	b := start(t)
	b.create(strings.Replace(things("A=a/1", "B=b/1"), "Type: Test::Fake::Thing", "Type: Test::Fake::Thing\n    DeletionPolicy: Retain", 1), cloudformation.Rollback)
	b.work(0)
	if err := b.svc.DeleteStack(t.Context(), by(), "s", "", nil); err != nil {
		t.Fatal(err)
	}
	b.work(0)
	b.has(map[string]string{"a": "1"})
}

// TestALoopFollowsItsParameter: resources come and go with the items of a list.
func TestALoopFollowsItsParameter(t *testing.T) {
	t.Parallel()
	b := start(t)
	const template = `
Transform: AWS::LanguageExtensions
Parameters: {Names: {Type: CommaDelimitedList}}
Resources:
  Fn::ForEach::Things: [It, !Ref Names, {'Thing${It}': {Type: Test::Fake::Thing, Properties: {Name: !Ref It, Size: !Sub 'x${It}'}}}]
`
	in := func(names string) cloudformation.Input {
		return cloudformation.Input{Name: "s", Template: template, Parameters: []cloudformation.Parameter{{Key: "Names", Value: names}}}
	}
	if checked, err := b.svc.Check(template); err != nil || len(checked.Types()) != 1 {
		t.Errorf("checked without a value: %+v, %v", checked, err)
	}
	if _, err := b.svc.CreateStack(t.Context(), by(), in("a,b")); err != nil {
		t.Fatal(err)
	}
	b.work(0)
	b.stack(cloudformation.CreateComplete)
	b.has(map[string]string{"a": "xa", "b": "xb"})
	if _, err := b.svc.UpdateStack(t.Context(), by(), in("b,c")); err != nil {
		t.Fatal(err)
	}
	b.work(0)
	b.stack(cloudformation.UpdateComplete)
	b.has(map[string]string{"b": "xb", "c": "xc"})
	if _, err := b.svc.UpdateStack(t.Context(), by(), in("b,c,b")); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), `the key "Thingb" occurs twice`) {
		t.Errorf("an item twice: %v", err)
	}
	if err := b.svc.DeleteStack(t.Context(), by(), "s", "", nil); err != nil {
		t.Fatal(err)
	}
	b.work(0)
	b.has(map[string]string{})
}

func TestNoEchoValuesAreNotShown(t *testing.T) {
	t.Parallel()
	b := start(t)
	template := "Parameters: {Secret: {Type: String, NoEcho: true}}\n" + strings.Replace(things("A=a/1"), "Size: '1'", "Size: !Sub 'x ${Secret}'", 1)
	_, err := b.svc.CreateStack(t.Context(), by(), cloudformation.Input{Name: "s", Template: template, Parameters: []cloudformation.Parameter{{Key: "Secret", Value: `hush"now`}}})
	if err != nil {
		t.Fatal(err)
	}
	b.work(0)
	s := b.stack(cloudformation.CreateComplete)
	b.has(map[string]string{"a": `x hush"now`})
	if shown := cloudformation.Shown(s.Revision); len(shown) != 1 || shown[0].Value != "****" {
		t.Errorf("shown: %v", shown)
	}
	events, err := b.store.Events(t.Context(), s.ID, 0, 100)
	if err != nil || len(events) < 4 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	for _, e := range events {
		if strings.Contains(fmt.Sprint(e), "hush") {
			t.Errorf("an event shows the value: %+v", e)
		}
	}
}
